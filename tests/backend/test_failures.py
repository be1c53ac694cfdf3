"""What the API answers while a service of AWS fails: at first, and after a good reading."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from werkzeug import Response

from app import create_app
from app.api import EXTENSION
from tests.backend.contract import DOCUMENT, check_answer
from tests.backend.fakes import SETTINGS, FakeAws, error, slow

NOW = 1773119783.6
QUARTER = 1773118800  # The slice of five minutes that begins 16 minutes before NOW.
READS = {"Parameter Store": "GetParametersByPath", "CloudWatch": "DescribeAlarms"}
FAILURES: dict[str, tuple[Callable[[], Response], str]] = {
    "slow": (
        slow,
        "{service} did not answer (TimeoutError); check the function's network and its endpoint",
    ),
    "throttled": (
        lambda: error("ThrottlingException"),
        "{service} answered 400 ThrottlingException; it is asked again, after a while",
    ),
}


class Scenario:
    """The application, both services, and a clock that is moved by hand."""

    def __init__(self, aws: FakeAws) -> None:
        aws.set(title="Status")
        aws.points = {"requests": {QUARTER: 8.0}, "checks": {QUARTER: 1.0}}
        self.aws = aws
        self.now = NOW
        self.app: Flask = create_app(replace(SETTINGS, aws_timeout=0.1), lambda: self.now)

    def read_then_wait(self, seconds: int) -> None:
        """Let the last good reading be so many seconds old; 0: there was none."""
        if seconds:
            self.ask()
            self.now += seconds

    def fail(self, service: str, how: str) -> str:
        """Have one service fail from now on, and return the warning to expect."""
        response, warning = FAILURES[how]
        self.aws.instead[READS[service]] = response
        return warning.format(service=service)

    def ask(self) -> Any:
        """Ask everywhere, until the failure is noticed; return the status and the title."""
        started = time.monotonic()
        self._get_all()
        assert time.monotonic() - started < 3.5
        caches = self.app.extensions[EXTENSION]
        while caches.public_settings.reading or caches.history.reading:
            time.sleep(0.01)
        status, config = self._get_all()
        return status | {
            "title": config["title"],
            "states": [component["state"] for component in status["components"]],
            "requests": status["last_24_hours"]["requests"],
        }

    def _get_all(self) -> tuple[Any, Any]:
        client = self.app.test_client()
        answers = {path: client.get(path) for path in DOCUMENT["paths"]}
        for answer in answers.values():
            assert answer.status_code == 200
            check_answer(answer)
            assert "secret words" not in answer.text
        return answers["/api/status"].json, answers["/api/config"].json


@pytest.fixture
def scenario(aws: FakeAws) -> Scenario:
    return Scenario(aws)


@pytest.mark.parametrize(
    ("seconds", "title", "state"), [(0, "Serverless Flask", "outage"), (100, "Status", "degraded")]
)
@pytest.mark.parametrize("how", FAILURES)
def test_without_parameter_store_the_last_settings_hold_or_the_defaults(
    scenario: Scenario, how: str, seconds: int, title: str, state: str
) -> None:
    scenario.read_then_wait(seconds)
    warning = scenario.fail("Parameter Store", how)

    found = scenario.ask()

    assert found["warnings"] == [warning]
    assert found["states"] == ["operational", "operational", state]
    assert (found["title"], found["requests"]) == (title, 8)


@pytest.mark.parametrize(
    ("seconds", "state", "requests"), [(0, "unknown", None), (100, "operational", 8)]
)
@pytest.mark.parametrize("how", FAILURES)
def test_without_cloudwatch_the_last_history_is_returned_with_its_age(
    scenario: Scenario, how: str, seconds: int, state: str, requests: int | None
) -> None:
    scenario.read_then_wait(seconds)
    warning = scenario.fail("CloudWatch", how)

    found = scenario.ask()

    assert found["warnings"] == [warning]
    assert found["states"] == [state, state, "operational"]
    assert (found["title"], found["requests"]) == ("Status", requests)
    assert found["age_seconds"] == (seconds or None)


def test_a_wrong_account_or_region_is_named(scenario: Scenario) -> None:
    scenario.aws.parameters, scenario.aws.alarms = {}, []

    found = scenario.ask()

    assert found["warnings"] == [
        "CloudWatch has no alarm of this environment; create them with `ship apply`",
        "there is no parameter below the public prefix; create them with `ship apply`",
    ]
    assert found["states"] == ["unknown", "unknown", "outage"]
