"""What users did shows in the status, and what only they met ends a promotion."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import httpx
import pytest

from tests.e2e.sandbox import Sandbox

pytestmark = pytest.mark.journey

# A process of the function reads its history once a minute; these were never asked for it.
_PATIENCE = 70.0


def test_the_status_shows_what_visitors_did_and_what_the_self_check_found(sandbox: Sandbox) -> None:
    site = sandbox.addresses("production")["site_url"]
    _check_itself(sandbox, "production")
    for _ in range(5):
        httpx.get(f"{site}/api/version").raise_for_status()

    found = _status(site, lambda status: (status["last_24_hours"]["requests"] or 0) >= 5)

    assert found["faults"] == []
    assert found["age_seconds"] < 60
    day = found["last_24_hours"]
    assert day["cold_starts"] >= 1
    assert 0 < day["latency_ms"]["p50"] <= day["latency_ms"]["p95"] <= day["latency_ms"]["p99"]
    assert sum(hour["requests"] for hour in day["hours"]) == day["requests"]
    assert len(day["hours"]) == 24
    assert len(found["availability"]) == 90
    assert found["availability"][-1]["checks"] >= 1
    assert found["availability"][-1]["percent"] > 0
    assert found["components"][1:] == [
        {"id": "site", "state": "operational"},
        {"id": "settings", "state": "operational"},
    ]


def test_errors_that_only_users_meet_end_a_promotion_and_show_in_the_status(
    sandbox: Sandbox,
) -> None:
    """The bake's own requests succeed; its alarm is on the application's metric."""
    views = sandbox.root / "backend/api.py"
    whole = views.read_text()
    views.write_text(
        whole + '\n\n@blueprint.get("/broken")\ndef broken() -> str:\n    return str(1 / 0)\n'
    )
    sandbox.commit("Break what nobody tests")
    sandbox.ship("deploy", "dev")
    views.write_text(whole)
    sandbox.commit("Mend it")
    staging = sandbox.addresses("staging")

    with _visiting(f"{staging['api_url']}/api/broken") as answers:
        said = sandbox.refused("promote", "dev", "staging", status=3)

    assert "alarms came on during the bake" in said
    assert "serverless-flask-staging-application-errors" in said
    assert set(answers) == {404, 500}
    found = _status(staging["site_url"], lambda status: bool(status["last_24_hours"]["errors"]))
    assert found["state"] in ("degraded", "outage")
    assert "application-errors" in [alarm["name"] for alarm in found["alarms"]]


def _check_itself(sandbox: Sandbox, environment: str) -> None:
    """Do now what the schedule does every few minutes."""
    name = f"serverless-flask-{environment}"
    rule = sandbox.client("events", environment).list_targets_by_rule(Rule=f"{name}-warm-up")
    event = rule["Targets"][0]["Input"]
    sandbox.client("lambda", environment).invoke(FunctionName=name, Qualifier="live", Payload=event)


def _status(site: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Ask until it holds: the first time, unless somebody asked this process before."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        answer = httpx.get(f"{site}/api/status", timeout=20)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        if holds(found) or time.monotonic() > deadline:
            assert holds(found), found
            return found
        time.sleep(1)


@contextmanager
def _visiting(url: str) -> Iterator[list[int]]:
    answers: list[int] = []
    stop = Event()

    def visit() -> None:
        with httpx.Client(timeout=20) as client:
            while not stop.wait(0.05):
                answers.append(client.get(url).status_code)

    visitor = Thread(target=visit)
    visitor.start()
    try:
        yield answers
    finally:
        stop.set()
        visitor.join()
