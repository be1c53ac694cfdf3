"""Requests that schemathesis makes of the contract."""

import schemathesis
from flask import Flask
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished


def test_no_request_gets_an_answer_off_the_contract(connected: Flask) -> None:
    requests, failures = fuzz(connected, examples=100)

    assert failures == []
    assert requests > 100


def test_answers_off_the_contract_would_be_found(connected: Flask) -> None:
    connected.view_functions["api.config"] = lambda: {"title": "Too little"}
    connected.view_functions["api.status"] = lambda: "<html>"

    _, failures = fuzz(connected, examples=1)

    assert "Response violates schema" in "\n".join(failures)
    assert "Undocumented Content-Type" in "\n".join(failures)


def fuzz(app: Flask, examples: int) -> tuple[int, list[str]]:
    """Have schemathesis look for failures: how many requests it made, and what it found."""
    config = schemathesis.Config.from_dict({"generation": {"max-examples": examples}, "seed": 1})
    contract = schemathesis.openapi.from_wsgi("/api/openapi.json", app, config=config)
    requests, failures = 0, []
    for event in from_schema(contract).execute():
        if isinstance(event, ScenarioFinished):
            requests += len(event.recorder.interactions)
            checks = [check for found in event.recorder.checks.values() for check in found]
            failures += [
                f"{check.name}: {check.failure_info}"
                for check in checks
                if check.status != Status.SUCCESS
            ]
        elif isinstance(event, NonFatalError | FatalError):
            failures.append(str(event))
    return requests, failures
