"""A share of the traffic is watched: requests that fail, alarms that come on, and silence."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ship.errors import CheckFailedError
from ship.release import canary
from ship.state.store import Stack


@dataclass
class Alarms:
    """The alarms of an account, as CloudWatch describes them."""

    on: set[str] = field(default_factory=set)

    def describe_alarms(self, **asked: Any) -> dict[str, Any]:
        states = {True: "ALARM", False: "OK"}
        alarms = [
            {"AlarmName": name, "StateValue": states[name in self.on]}
            for name in asked["AlarmNames"]
        ]
        return {"MetricAlarms": alarms, "CompositeAlarms": []}


@contextmanager
def api(answers: list[tuple[int, str]]) -> Iterator[Stack]:
    """An API whose answers name a function version, in turn and over again."""
    asked = iter(range(1_000_000))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, version = answers[next(asked) % len(answers)]
            body = json.dumps({"function_version": version}).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield stack(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def stack(api_url: str, alarms: tuple[str, ...] = ("errors", "duration")) -> Stack:
    return Stack(1, "staging", "f", "live", "g", "a", api_url, "s", "d", "b", "c", alarms)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "_PAUSE_SECONDS", 0.001)


def test_enough_good_answers_of_the_new_version_pass() -> None:
    with api([(200, "1"), (200, "2")]) as made:
        assert canary.bake(Alarms(), made, "2", 0.0, frozenset()) >= canary.ENOUGH_ANSWERS


def test_silence_is_not_health(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "_GRACE_SECONDS", 0.3)
    with api([(200, "1")]) as made, pytest.raises(CheckFailedError, match="version 2 answered 0"):
        canary.bake(Alarms(), made, "2", 0.0, frozenset())


def test_one_failed_request_ends_it() -> None:
    answers = [(200, "2")] * 4 + [(500, "2")]
    with api(answers) as made, pytest.raises(CheckFailedError, match="failed during the bake"):
        canary.bake(Alarms(), made, "2", 0.0, frozenset())


def test_an_alarm_that_came_on_ends_it() -> None:
    with (
        api([(200, "2")]) as made,
        pytest.raises(CheckFailedError, match=r"alarms came on.*errors"),
    ):
        canary.bake(Alarms({"errors"}), made, "2", 0.0, frozenset())


def test_an_alarm_that_was_on_before_does_not() -> None:
    """The deploy may be its cure."""
    with api([(200, "2")]) as made:
        canary.bake(Alarms({"errors"}), made, "2", 0.0, canary.alarming(Alarms({"errors"}), made))


def test_a_stack_without_alarms_asks_for_none() -> None:
    assert canary.alarming(None, stack("", ())) == frozenset()
