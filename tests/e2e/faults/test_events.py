"""Messages of a queue while releases come and go: handled once or more, and none lost."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ship.aws import Clients
from tests.e2e.sandbox import Sandbox, poll, running

pytestmark = pytest.mark.nightly

MESSAGES = 1000
JOBS = """
import os
from pathlib import Path


def handle(message):
    if message["body"] == "fail":
        raise RuntimeError("no stock")
    with Path({log!r}).open("a") as log:
        log.write(f"{{message['id']}} {{os.environ['AWS_LAMBDA_FUNCTION_VERSION']}}\\n")
"""
VIEW = """

@app.post("/api/orders/<order>")
def take(order):
    from flask import request
    from lambda_adapter.queues import enqueue
    return {"id": enqueue("orders", request.get_json(), id=order)}
"""
EVENTS = """
[tool.ship.application.events]
orders = {handler = "jobs:handle"}
nightly = {handler = "jobs:handle", schedule = "rate(1 day)"}
"""


@pytest.fixture(scope="module")
def handled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the handler notes each message and the version that it ran in."""
    return tmp_path_factory.mktemp("events") / "handled"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, handled: Path) -> Iterator[Sandbox]:
    """An application with a queue, live."""
    with running(tmp_path_factory, "events") as made:
        project = made.root / "pyproject.toml"
        text = project.read_text().replace("[tool.ship]\n", '[tool.ship]\nuses = ["sqs"]\n')
        project.write_text(text + EVENTS)
        (made.root / "backend/jobs.py").write_text(JOBS.format(log=str(handled)))
        application = made.root / "backend/wsgi.py"
        application.write_text(application.read_text() + VIEW)
        made.commit("Take orders")
        made.ship("up")
        made.ship("deploy", "dev")
        yield made


def order(sandbox: Sandbox, client: httpx.Client, number: str, body: str = "") -> None:
    url = f"{sandbox.addresses('dev')['api_url']}/api/orders/{number}"
    client.post(url, json=body).raise_for_status()


def test_no_message_is_lost_while_a_release_goes_live_and_back(
    sandbox: Sandbox, handled: Path
) -> None:
    sent: list[str] = []
    moved = threading.Event()

    def send() -> None:
        with httpx.Client(trust_env=False, timeout=20) as client:
            while len(sent) < MESSAGES or not moved.is_set():
                order(sandbox, client, str(len(sent)))
                sent.append(str(len(sent)))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        sandbox.edit("a release that comes and goes")
        sandbox.ship("deploy", "dev")
        sandbox.ship("rollback", "dev", "--reason", "slow")
    finally:
        moved.set()
        thread.join()

    assert len(sent) >= MESSAGES, "an order was not taken"
    poll(lambda: len({line.split()[0] for line in lines(handled)}) >= len(sent), seconds=120)
    assert {line.split()[0] for line in lines(handled)} == set(sent)
    assert len({line.split()[1] for line in lines(handled)}) == 2, "both versions had some"
    assert not sandbox.json("plan", "dev")["changes"]


def test_a_message_that_fails_again_and_again_ends_in_the_dead_letter_queue(
    sandbox: Sandbox, handled: Path
) -> None:
    sqs = sandbox.client("sqs", "dev")
    queue, dead = (
        sqs.get_queue_url(QueueName=f"{sandbox.function('dev')}-{name}")["QueueUrl"]
        for name in ("orders", "orders-dead")
    )
    # Six times the function's time otherwise.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    with httpx.Client(trust_env=False, timeout=20) as client:
        order(sandbox, client, "bad", "fail")
        order(sandbox, client, "good")

    def count(url: str) -> int:
        name = "ApproximateNumberOfMessages"
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return int(found["Attributes"][name])

    poll(lambda: count(dead) == 1, seconds=60)
    assert "good" in {line.split()[0] for line in lines(handled)}
    logged = [
        json.loads(line) for line in sandbox.ship("logs", "dev").splitlines() if '"bad"' in line
    ]
    assert [one["attempt"] for one in logged] == [1, 2, 3, 4, 5]

    name = f"{sandbox.function('dev')}-orders-dead"
    alarms = sandbox.client("cloudwatch", "dev")

    def state() -> str:
        (found,) = alarms.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(found["StateValue"])

    poll(lambda: state() == "ALARM", seconds=60)


def test_an_event_is_not_removed_with_messages_in_its_queues(sandbox: Sandbox) -> None:
    project = sandbox.root / "pyproject.toml"
    text = project.read_text()
    try:
        project.write_text(re.sub("\norders = .*", "", text))
        lost = f"1 in {sandbox.function('dev')}-orders-dead"
        assert sandbox.json("plan", "dev")["lost"] == lost
        assert lost in sandbox.refused("apply", "dev")

        sqs = sandbox.client("sqs", "dev")
        dead = sqs.get_queue_url(QueueName=f"{sandbox.function('dev')}-orders-dead")["QueueUrl"]
        root = Clients(sandbox.context.account, sandbox.context.administrator()).client("sqs")
        root.purge_queue(QueueUrl=dead)
        sandbox.ship("apply", "dev")
        assert not sandbox.json("plan", "dev")["changes"]
    finally:
        project.write_text(text)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
