"""Requests that schemathesis makes of the contract, through the Lambda handler."""

from __future__ import annotations

import base64
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from werkzeug.wrappers import Request, Response

from app import create_app
from lambda_adapter.config import Credentials
from lambda_adapter.lambda_handler import Edge
from tests.fixtures.events import http_api
from tests.lambda_adapter.fakes import (
    ALARM_PREFIX,
    PREFIX,
    SETTINGS,
    running_cloudwatch,
    running_parameter_store,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from schemathesis.engine.recorder import CheckNode

    from lambda_adapter.config import Settings


class Gateway:
    """Stands where API Gateway does: a request becomes an event, the answer a response."""

    def __init__(self, handler: Edge) -> None:
        self._handler = handler

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        answer = self._handler(_event(Request(environ)), SimpleNamespace(aws_request_id="lambda-1"))
        body = answer["body"]
        content = base64.b64decode(body) if answer["isBase64Encoded"] else body
        response = Response(content, answer["statusCode"], answer["headers"])
        return response(environ, start)


def _event(request: Request) -> dict[str, Any]:
    body = request.get_data()
    event = http_api(
        request.path,
        request.method,
        rawQueryString=request.query_string.decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers},
        body=base64.b64encode(body).decode() if body else None,
        isBase64Encoded=bool(body),
    )
    event["headers"]["host"] = event["requestContext"]["domainName"]
    return event


@pytest.fixture(scope="module")
def connected() -> Iterator[Settings]:
    with running_parameter_store() as parameters, running_cloudwatch() as cloudwatch:
        parameters.set(title="Status")
        yield replace(
            SETTINGS,
            parameter_prefix=PREFIX,
            ssm_endpoint=parameters.url,
            cloudwatch_endpoint=cloudwatch.url,
            alarm_prefix=ALARM_PREFIX,
            credentials=Credentials("AKIDEXAMPLE", "secret"),
        )


def test_no_request_gets_an_answer_off_the_contract(connected: Settings) -> None:
    requests, failures = _played(Edge(create_app(connected), connected), examples=60)

    assert failures == []
    assert requests > 300


def test_answers_off_the_contract_would_be_found(connected: Settings) -> None:
    app = create_app(connected)
    app.view_functions["api.health"] = lambda: {"status": "ok", "more": 1}
    app.view_functions["api.version"] = lambda: str(1 / 0)
    app.view_functions["api.config"] = lambda: "<html>"

    _, failures = _played(Edge(app, connected), examples=1)

    told = "\n".join(failures)
    assert "Response violates schema" in told
    assert "Server error" in told
    assert "Undocumented Content-Type" in told


def _played(handler: Edge, examples: int) -> tuple[int, list[str]]:
    """Have schemathesis look for faults: how many requests it made, and what it found."""
    config = schemathesis.Config.from_dict({"generation": {"max-examples": examples}, "seed": 1})
    contract = schemathesis.openapi.from_wsgi("/api/openapi.json", Gateway(handler), config=config)
    requests, failures = 0, []
    for event in from_schema(contract).execute():
        if isinstance(event, ScenarioFinished):
            requests += len(event.recorder.interactions)
            checks = [check for found in event.recorder.checks.values() for check in found]
            failures += [_words(check) for check in checks if check.status != Status.SUCCESS]
        elif isinstance(event, NonFatalError | FatalError):
            failures.append(str(event))
    return requests, failures


def _words(check: CheckNode) -> str:
    failure = check.failure_info.failure if check.failure_info else None
    return f"{check.name}: {failure.title if failure else 'no words'}: {failure}"
