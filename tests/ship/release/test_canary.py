import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from ship.errors import CheckFailedError, ShipError
from ship.release import canary
from ship.release.canary import ENOUGH_RESPONSES, Canary
from ship.state import Stack
from tests.ship.conftest import Response, Server


@dataclass
class Account:
    """Alarms of which some fire, a log, and a function whose versions answer."""

    firing: set[str] = field(default_factory=set)
    events: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    asked: list[tuple[str, str]] = field(default_factory=list)
    closed: str = ""
    """The version that answers nobody but CloudFront."""

    def client(self, service: str) -> Any:
        assert service in ("cloudwatch", "logs")
        return self

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        assert request["AlarmNames"], "without names every alarm of the account would be described"
        alarms = [
            {"AlarmName": name, "StateValue": "ALARM" if name in self.firing else "OK"}
            for name in request["AlarmNames"]
        ]
        return {"MetricAlarms": alarms[:1], "CompositeAlarms": alarms[1:]}

    def get_paginator(self, call: str) -> Any:
        assert call == "filter_log_events"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        assert request["logGroupName"] == "g"
        return [{"events": self.events}]

    def is_behind_cloudfront(self, version: str) -> bool:
        return version == self.closed

    def invoke(self, version: str, event: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((version, event["rawPath"]))
        return {"statusCode": self.status, "body": "no database"}


def watched(
    account: Account, url: str, *paths: str, alarms: tuple[str, ...] = ("errors", "duration")
) -> Canary:
    stack = Stack(1, "staging", "f", "live", "g", "a", url, "s", "d", "b", "c", alarms)
    return Canary(account, stack, account, paths, "1", "2")  # type: ignore[arg-type]


@pytest.mark.parametrize("closed", ["1", "2"])
def test_an_api_that_is_closed_or_gets_closed_is_asked_through_cloudfront(
    server: Server, closed: str
) -> None:
    url = answers(server, "2")
    stack = Stack(1, "staging", "f", "live", "g", "a", "http://127.0.0.1:9", url, "d", "b", "c", ())
    account = Account(closed=closed)

    Canary(account, stack, account, (), "1", "2").watch_share(0)  # type: ignore[arg-type]


def answers(server: Server, *versions: str) -> str:
    responses = [Response(json.dumps({"function_version": version})) for version in versions]
    server.respond("/-/version", *responses)
    return server.url


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(canary, "_LOOK_SECONDS", 0.001)
    monkeypatch.setattr(canary, "_ALARM_SECONDS", 0.001)


def test_enough_responses_of_the_new_version_pass_and_the_whole_bake_time_is_watched(
    server: Server,
) -> None:
    url = answers(server, "1", "2")

    found = watched(Account(), url).watch_share(0)
    assert found == (
        "version 2 answered 5 probes; real requests: 0 to version 2 (0 failed), 0 to version 1 "
        "(0 failed)"
    )
    assert len(server.paths) == 2 * ENOUGH_RESPONSES
    started = time.monotonic()
    watched(Account(), url).watch_share(0.5)
    assert time.monotonic() - started >= 0.5


def test_a_version_that_answers_nothing_does_not_pass(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary, "_GRACE_SECONDS", 0.1)
    with pytest.raises(CheckFailedError, match="version 2 answered 0"):
        watched(Account(), answers(server, "1")).watch_share(0)


@pytest.mark.parametrize("response", [Response("{}", 500), Response("<html>"), Response("[]")])
def test_a_request_that_fails_ends_it(server: Server, response: Response) -> None:
    good = Response('{"function_version": "2"}')
    server.respond("/-/version", *([good] * (ENOUGH_RESPONSES - 1)), response)

    with pytest.raises(CheckFailedError, match="failed during the canary"):
        watched(Account(), server.url).watch_share(0)


def test_an_api_that_cannot_be_reached_says_nothing_about_the_release() -> None:
    with pytest.raises(ShipError, match="cannot reach"):
        watched(Account(), "http://127.0.0.1:9").watch_share(0)


def test_the_new_version_answers_the_smoke_paths_before_anybody_comes(server: Server) -> None:
    account, url = Account(), answers(server, "2")
    canary = watched(account, url, "/api/a", "/api/b?x=1")
    account.status = 503

    with pytest.raises(CheckFailedError, match="version 2 answers /api/a with 503: no database"):
        canary.watch_share(60)
    assert account.asked == [("2", "/api/a")]

    account.status = 200
    canary.watch_share(0)
    assert set(account.asked) == {("2", "/api/a"), ("2", "/api/b")}


@pytest.mark.parametrize("watch", [Canary.watch_share, Canary.watch_alarms])
def test_worse_real_requests_end_it_before_its_time(
    server: Server, watch: Callable[[Canary, float], object]
) -> None:
    account, url = Account(), answers(server, "2")
    for number in range(40):
        version, is_new = ("2", True) if number % 2 else ("1", False)
        entry = {"requests": 1, "lambda_request_id": str(number), "function_version": version}
        entry |= {"status": 500 if is_new else 200, "duration_ms": 9.0, "cold_start": False}
        account.events.append(
            {"message": json.dumps(entry), "timestamp": 1, "logStreamName": "s", "path": "/api/a"}
        )

    with pytest.raises(CheckFailedError, match="20 of its 20 requests failed, and 0 of 20"):
        watch(watched(account, url), 60)


@pytest.mark.parametrize("alarm", ["errors", "duration"])
def test_an_alarm_ends_it(server: Server, alarm: str) -> None:
    account, url = Account(), answers(server, "2")
    canary = watched(account, url)
    canary.watch_share(0)
    canary.watch_alarms(0.01)
    account.firing.add(alarm)

    for watch in (canary.watch_share, canary.watch_alarms):
        with pytest.raises(CheckFailedError, match=rf"alarms fired.*{alarm}"):
            watch(60)


def test_an_alarm_that_fired_before_does_not(server: Server) -> None:
    account, url = Account({"errors"}), answers(server, "2")

    canary = watched(account, url)
    canary.watch_share(0)
    canary.watch_alarms(0.01)

    watched(Account(), url, alarms=()).watch_alarms(0)


def test_a_smoke_path_that_fails_while_alarms_are_watched_ends_it(server: Server) -> None:
    server.respond("/api/a", Response("fine"), Response("broken", 500))

    with pytest.raises(CheckFailedError, match="500"):
        watched(Account(), server.url, "/api/a").watch_alarms(60)

    assert server.paths == ["/api/a", "/api/a"]
    assert {headers["x-request-id"] for _, headers in server.requests} == {"pre-traffic"}
