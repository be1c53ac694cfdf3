"""The table of failures in docs/application.md is what the application does, row by row."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app import application, create_app
from app.public_settings import SettingsCache
from lambda_adapter.aws import ParameterStore
from lambda_adapter.config import Credentials
from tests.lambda_adapter.contract import DOCUMENT, assert_keeps_contract
from tests.lambda_adapter.fakes import (
    ALARM_PREFIX,
    PREFIX,
    SETTINGS,
    CloudWatchDouble,
    Double,
    ParameterStoreDouble,
    Scripted,
    running_cloudwatch,
    running_parameter_store,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from werkzeug.test import TestResponse

DOCUMENTATION = Path(__file__).parents[2] / "docs/application.md"
HEADING = "| service | how it fails | read before |"
SERVICES = ("none", "Parameter Store", "CloudWatch", "both")
FAILURES: dict[str, Scripted | None] = {
    "-": None,
    "slow": Scripted(delay=0.4),
    "throttled": Scripted.fault("ThrottlingException"),
    "denied": Scripted.fault("AccessDeniedException"),
    "empty": None,
    "wrong": Scripted(body=b"<html>secret words"),
    "down": Scripted(503),
}
BEFORE = {"never": 0, "100 s ago": 100, "15 min ago": 900}
NOW = 1773119783.6
QUARTER = 1773118800  # The slice of five minutes that NOW is two slices after.


def documented() -> list[list[str]]:
    """The cells of the table's rows."""
    _, _, table = DOCUMENTATION.read_text("utf-8").partition(HEADING)
    lines = table.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


ROWS = documented()


def test_the_table_has_a_row_for_every_failure_at_first_and_later() -> None:
    found = {tuple(row[:3]) for row in ROWS}
    failures = [name for name in FAILURES if name != "-"]

    for service in SERVICES[1:3]:
        for failure in failures:
            assert {(service, failure, "never"), (service, failure, "100 s ago")} <= found
    assert len(found) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=["-".join(row[:3]).replace(" ", "_") for row in ROWS])
def test_a_failing_service_is_answered_as_documented(
    surroundings: Surroundings, row: list[str]
) -> None:
    service, failure, before, *expected = row
    if BEFORE[before]:
        surroundings.ask()
        surroundings.now += BEFORE[before]
    surroundings.fail(service, failure)

    started = time.monotonic()
    assert_harmless(surroundings.ask())
    assert time.monotonic() - started < 3.5
    while not surroundings.has_noticed():
        time.sleep(0.01)

    assert cells(surroundings.ask()) == expected


@pytest.fixture
def surroundings() -> Iterator[Surroundings]:
    with running_parameter_store() as parameters, running_cloudwatch() as cloudwatch:
        parameters.set(title="Status")
        cloudwatch.points = {"requests": {QUARTER: 8.0}, "checks": {QUARTER: 1.0}}
        yield Surroundings(parameters, cloudwatch)


class Surroundings:
    """The application, both services, and a clock that is moved by hand."""

    def __init__(self, parameters: ParameterStoreDouble, cloudwatch: CloudWatchDouble) -> None:
        self.now = NOW
        self._parameters = parameters
        self._cloudwatch = cloudwatch
        self._app = self._made()

    def _made(self) -> Flask:
        settings = replace(
            SETTINGS,
            parameter_prefix=PREFIX,
            ssm_endpoint=self._parameters.url,
            cloudwatch_endpoint=self._cloudwatch.url,
            alarm_prefix=ALARM_PREFIX,
            credentials=Credentials("AKIDEXAMPLE", "secret"),
        )
        app = create_app(settings)
        app.extensions["serverless-flask"] = replace(
            app.extensions["serverless-flask"],
            public=SettingsCache(ParameterStore(settings, 0.1), 60, lambda: self.now),
            history=application.history_cache(settings, lambda: self.now, 0.1),
        )
        return app

    def fail(self, service: str, how: str) -> None:
        """Have one service fail, or both, from now on."""
        failing: list[Double] = []
        failing += [self._parameters] if service in ("Parameter Store", "both") else []
        failing += [self._cloudwatch] if service in ("CloudWatch", "both") else []
        for double in failing:
            double.always = FAILURES[how]
            if how == "empty":
                double.empty()

    def has_noticed(self) -> bool:
        """Whether no reading is going on."""
        services = self._app.extensions["serverless-flask"]
        return services.public._running is None and services.history._running is None

    def ask(self) -> dict[str, TestResponse]:
        """Ask at every address."""
        client = self._app.test_client()
        return {path: client.get(path) for path in DOCUMENT["paths"]}


def assert_harmless(answers: dict[str, TestResponse]) -> None:
    """Fail where an answer is off the contract, or tells what only an operator may read."""
    for answer in answers.values():
        assert_keeps_contract(answer)
        assert "secret words" not in answer.text


def cells(answers: dict[str, TestResponse]) -> list[str]:
    """What the table says of these answers."""
    assert_harmless(answers)
    config, ready, status = (answers[f"/api/{name}"] for name in ("config", "ready", "status"))
    rest = {answers[f"/api/{name}"].status_code for name in ("health", "version", "openapi.json")}
    assert rest | {config.status_code, status.status_code} == {200}
    assert (ready.status_code, ready.headers.get("Retry-After")) in ((200, None), (503, "5"))
    found: Any = status.json
    return [
        "read" if "Status" in config.text else "defaults",
        f"{ready.status_code} {_json(ready)['status']}",
        *(component["state"] for component in found["components"]),
        _numbers(found),
        "<br>".join(found["faults"]) or "-",
    ]


def _numbers(status: dict[str, Any]) -> str:
    requests = status["last_24_hours"]["requests"]
    if requests is None:
        assert (status["as_of"], status["age_seconds"]) == (None, None)
        return "null"
    assert len(status["availability"]) == 90
    return f"{'read' if requests else 'zeros'}, {status['age_seconds']} s old"


def _json(answer: TestResponse) -> Any:
    return answer.json
