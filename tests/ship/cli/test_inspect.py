import base64
import io
import json
import time
from types import SimpleNamespace
from typing import Any

import pytest

from ship.environments import drift
from ship.environments.context import Context
from ship.environments.drift import DriftResult
from ship.errors import CheckFailedError
from ship.github.issues import BUSY, DRIFTED, NONE
from ship.state.environment_state import EnvironmentState, Freeze, Operation, Owner, ReleaseRecord
from tests.ship.cli.conftest import Ship

RELEASE = "20261123-2-1a2b3c4"
STACK = SimpleNamespace(
    api_url="https://api",
    api_behind_cloudfront=True,
    site_url="https://site",
    log_group="group",
    function_name="f",
    alias="live",
)


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> dict[str, EnvironmentState]:
    """Each environment's state, as its bucket holds it."""
    found = {"qa": EnvironmentState(), "live": EnvironmentState()}

    def store(_: Context, name: str, __: object) -> Any:
        return SimpleNamespace(stack=lambda: STACK, read_state=lambda: (found[name], ""))

    clients = SimpleNamespace(client=lambda _: SimpleNamespace(get_function_configuration=memory))
    monkeypatch.setattr(Context, "clients", lambda *_: clients)
    monkeypatch.setattr(Context, "store", store)
    return found


def memory(*, FunctionName: str, Qualifier: str) -> dict[str, int]:  # noqa: N803
    return {"MemorySize": {"4": 512, "$LATEST": 1024}[Qualifier]}


def test_status_names_everything_that_matters_now(
    ship: Ship, states: dict[str, EnvironmentState]
) -> None:
    states["live"] = EnvironmentState(
        live=RELEASE,
        order=("20261122-1-0000000", RELEASE),
        releases={RELEASE: ReleaseRecord("4", "0" * 64, 2, "1a2b3c4" + "0" * 33)},
        bad={"20261122-1-0000000": "slow"},
        frozen=Freeze("ann", "2026-11-23T08:00:00Z", "checkout fails"),
        operation=Operation("1", "deploy", RELEASE, None, "3", Owner("bob", "local:x:y"), "now"),
    )

    assert ship("status", "live") == 0

    lines = dict(line.split(maxsplit=1) for line in ship.out.splitlines())
    assert lines["release"] == RELEASE
    assert lines["function"].split() == ["version", "4"]
    assert lines["next"] == "deploy      memory 512 → 1024 MB"
    assert (lines["site"], lines["API"]) == ("https://site", "https://api (closed)")
    assert lines["frozen"] == "since 2026-11-23T08:00:00Z by ann: checkout fails"
    assert lines["bad"] == '{"20261122-1-0000000": "slow"}'
    assert lines["under"].endswith(f"deploy of {RELEASE} by bob, local:x:y")


def test_status_of_all_environments_is_a_table_in_the_projects_order(
    ship: Ship, states: dict[str, EnvironmentState]
) -> None:
    assert ship("status") == 0
    rows = [line.split() for line in ship.out.splitlines()]
    assert [row[0] for row in rows] == ["environment", "qa", "live"]

    assert ship("status", "--json") == 0
    assert [one["environment"] for one in json.loads(ship.out)] == ["qa", "live"]


def test_logs_that_are_followed_show_each_record_once(
    ship: Ship, monkeypatch: pytest.MonkeyPatch
) -> None:
    def event(text: str) -> dict[str, object]:
        return {"logStreamName": "s", "timestamp": 1, "message": f"{text}\n"}

    rounds = [[event("one")], [event("one"), event("two")]]

    def paginate(**_: object) -> list[dict[str, object]]:
        if not rounds:
            raise KeyboardInterrupt
        return [{"events": rounds.pop(0)}]

    logs = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=paginate))
    clients = SimpleNamespace(client=lambda _: logs)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(Context, "clients", lambda *_: clients)
    monkeypatch.setattr(Context, "store", lambda *_: SimpleNamespace(stack=lambda: STACK))

    assert ship("logs", "qa", "--follow") == 130
    assert ship.out == "one\ntwo\n"


@pytest.mark.parametrize(("outcome", "status"), [(NONE, 0), (BUSY, 0), (DRIFTED, 5)])
def test_only_drift_ends_with_its_status(
    ship: Ship, monkeypatch: pytest.MonkeyPatch, outcome: str, status: int
) -> None:
    result = DriftResult("qa", outcome, ("a page",) * (outcome == DRIFTED))
    monkeypatch.setattr(drift, "detect", lambda *_: result)

    assert ship("drift", "qa") == status


def test_a_failed_smoke_test_names_the_next_command(
    ship: Ship, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check() -> float:
        raise CheckFailedError("the site answers 502")

    monkeypatch.setattr(Context, "engine", lambda *_: SimpleNamespace(check=check))

    assert ship("smoke", "qa") == 1
    assert "`ship logs qa`" in ship.err


class Function:
    """A function with two versions; the newest one is the next release's."""

    def get_paginator(self, _: str) -> Any:
        versions = {"$LATEST": "b", "9": "a", "10": "b"}
        found = [{"Version": name, "CodeSha256": code} for name, code in versions.items()]
        return SimpleNamespace(paginate=lambda **_: [{"Versions": found}])

    def invoke(self, *, FunctionName: str, Qualifier: str, Payload: bytes) -> Any:  # noqa: N803
        event = json.loads(Payload)
        assert event["headers"]["host"] == "api"
        body = f"{Qualifier} {event['rawPath']} {event['rawQueryString']}".encode()
        answer = {
            "statusCode": {"/new": 200, "/old": 404}.get(event["rawPath"]),
            "headers": {"content-type": "text/plain"},
            "cookies": ["a=1", "b=2"],
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.mark.parametrize(
    ("arguments", "status", "out", "said"),
    [
        (["/new?a=1"], 0, "10 /new a=1", "200 from version 10\ncontent-type: text/plain\n"),
        (["/new", "--version", "9"], 0, "9 /new ", "set-cookie: a=1\nset-cookie: b=2\n"),
        (["/new", "--release", "first"], 0, "9 /new ", "200 from version 9\n"),
        (["/old"], 1, "10 /old ", "version 10 answers /old with 404"),
        (["/broken"], 1, "", "version 10 answers /broken with None"),
        (["/new", "--version", "8"], 1, "", "live has no version 8\n      → deploy, or name one"),
        (["/new", "--release", "lost"], 1, "", "live has no version of lost\n      → deploy it"),
        (["/new", "--release", "lost", "--version", "9"], 2, "", "cannot go together"),
        (["new"], 2, "", "'new' is not a path"),
    ],
)
def test_a_version_can_be_asked_before_it_gets_traffic(
    ship: Ship,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    status: int,
    out: str,
    said: str,
) -> None:
    def manifest(release: str) -> Any:
        return SimpleNamespace(code_sha256={"first": "a"}.get(release))

    store = SimpleNamespace(stack=lambda: STACK, manifest=manifest)
    monkeypatch.setattr(Context, "clients", lambda *_: SimpleNamespace(client=lambda _: Function()))
    monkeypatch.setattr(Context, "store", lambda *_: store)

    assert ship("request", "live", *arguments) == status
    assert ship.out == out
    assert said in ship.err
