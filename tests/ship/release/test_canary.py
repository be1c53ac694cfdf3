import json
import time
from typing import Any

import pytest

from ship.errors import CheckFailedError, ShipError
from ship.release import canary
from ship.state import Stack
from tests.ship.conftest import Response, Server

NONE: frozenset[str] = frozenset()


class CloudWatch:
    """The alarms of an account, of which some fire."""

    def __init__(self, *firing: str) -> None:
        self._firing = firing

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        assert request["AlarmNames"], "without names every alarm of the account would be described"
        alarms = [
            {"AlarmName": name, "StateValue": "ALARM" if name in self._firing else "OK"}
            for name in request["AlarmNames"]
        ]
        return {"MetricAlarms": alarms[:1], "CompositeAlarms": alarms[1:]}


def stack(api_url: str, alarms: tuple[str, ...] = ("errors", "duration")) -> Stack:
    return Stack(1, "staging", "f", "live", "g", "a", api_url, "s", "d", "b", "c", alarms)


def answers(server: Server, *versions: str) -> Stack:
    responses = [Response(json.dumps({"function_version": version})) for version in versions]
    server.respond("/-/version", *responses)
    return stack(server.url)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "_PAUSE_SECONDS", 0.001)


def test_enough_responses_of_the_new_version_pass_and_the_whole_bake_time_is_watched(
    server: Server,
) -> None:
    watched = answers(server, "1", "2")

    assert canary.watch(CloudWatch(), watched, "2", 0.0, NONE) == canary.ENOUGH_RESPONSES
    assert len(server.paths) == 2 * canary.ENOUGH_RESPONSES
    started = time.monotonic()
    canary.watch(CloudWatch(), watched, "2", 0.5, NONE)
    assert time.monotonic() - started >= 0.5


def test_a_version_that_answers_nothing_does_not_pass(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary, "_GRACE_SECONDS", 0.1)
    with pytest.raises(CheckFailedError, match="version 2 answered 0"):
        canary.watch(CloudWatch(), answers(server, "1"), "2", 0.0, NONE)


@pytest.mark.parametrize("response", [Response("{}", 500), Response("<html>"), Response("[]")])
def test_a_request_that_fails_ends_it(server: Server, response: Response) -> None:
    good = Response('{"function_version": "2"}')
    server.respond("/-/version", *([good] * (canary.ENOUGH_RESPONSES - 1)), response)

    with pytest.raises(CheckFailedError, match="failed during the canary"):
        canary.watch(CloudWatch(), stack(server.url), "2", 0.0, NONE)


def test_an_api_that_cannot_be_reached_says_nothing_about_the_release() -> None:
    with pytest.raises(ShipError, match="cannot reach"):
        canary.watch(CloudWatch(), stack("http://127.0.0.1:9"), "2", 0.0, NONE)


@pytest.mark.parametrize("alarm", ["errors", "duration"])
def test_an_alarm_ends_it(server: Server, alarm: str) -> None:
    with pytest.raises(CheckFailedError, match=rf"alarms fired.*{alarm}"):
        canary.watch(CloudWatch(alarm), answers(server, "2"), "2", 0.0, NONE)


def test_an_alarm_that_fired_before_does_not(server: Server) -> None:
    watched, cloudwatch = answers(server, "2"), CloudWatch("errors")

    canary.watch(cloudwatch, watched, "2", 0.0, canary.firing_alarms(cloudwatch, watched))
    assert canary.firing_alarms(cloudwatch, stack("", alarms=())) == NONE
