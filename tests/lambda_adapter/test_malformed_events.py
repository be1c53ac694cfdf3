from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import create_app
from lambda_adapter.lambda_handler import Edge
from tests.fixtures.events import (
    emulated,
    function_url,
    http_api,
    load_balancer,
    rest_api,
    warm_up,
)
from tests.fixtures.events.malformed import Odd, corpus, mutations
from tests.lambda_adapter.fakes import SETTINGS
from tests.lambda_adapter.wellformed import assert_well_formed

if TYPE_CHECKING:
    from collections.abc import Callable

CORPUS = corpus()
EVERY_SERVICE = [http_api, emulated, function_url, rest_api, load_balancer]

GENERATED = 10_000
"""Events that hypothesis makes: in four ways, and each oddity in five events."""


def answered(edge: Edge, capsys: pytest.CaptureFixture[str], event: object) -> dict[str, Any]:
    """Return the answer to an event, after it was found well-formed, with its one line."""
    answer: dict[str, Any] = edge(event, None)
    captured = capsys.readouterr()
    assert captured.err == ""
    assert_well_formed(answer, [json.loads(line) for line in captured.out.splitlines()])
    return answer


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    assert len(CORPUS) >= 200
    assert len({odd.name for odd in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("odd", CORPUS, ids=[odd.name for odd in CORPUS])
def test_an_odd_event_gets_its_answer(
    edge: Edge, capsys: pytest.CaptureFixture[str], odd: Odd
) -> None:
    answer = answered(edge, capsys, odd.event)

    assert answer.get("statusCode", answer.get("status") == "warm" and 200) == odd.status
    assert "canary" not in json.dumps(answer)
    assert "6.6.6.6" not in json.dumps(answer)


@pytest.mark.parametrize("make", [*EVERY_SERVICE, warm_up])
def test_an_event_with_anything_missing_or_of_another_kind_is_answered(
    edge: Edge, capsys: pytest.CaptureFixture[str], make: Callable[[], Any]
) -> None:
    for event in mutations(make()):
        answered(edge, capsys, event)


TEXT = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="/\\%?#&=;:., \t\r\n\x00\x7f\ud800\udfff\u2028é日😀" + string.hexdigits),
    st.sampled_from(["/api/health", "/api/config", "//evil.example", "/%2F", "GET", "$default"]),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
HEADERS = st.dictionaries(TEXT | st.sampled_from(["host", "cookie", "X-Forwarded-For"]), ANYTHING)
NAMES = st.sampled_from(
    sorted(
        {name for make in EVERY_SERVICE for name in make()}
        | {"cookies", "source", "detail-type", "Records", "body"}
    )
)
CONTEXTS = st.dictionaries(
    st.sampled_from(["http", "elb", "stage", "domainName", "identity", "path", "requestId"]),
    ANYTHING | st.dictionaries(st.sampled_from(["method", "sourceIp", "path"]), ANYTHING),
)
REQUESTS = st.fixed_dictionaries(
    {
        "path": TEXT.map(lambda text: f"/{text}") | TEXT,
        "query": TEXT,
        "method": TEXT | st.just("GET"),
        "headers": HEADERS | st.none(),
        "address": TEXT,
    },
    optional={
        "cookies": st.lists(TEXT),
        "body": TEXT,
        "isBase64Encoded": st.booleans(),
        "stage": TEXT,
        "domainName": TEXT,
        "requestId": TEXT,
    },
)


@pytest.fixture(scope="module")
def any_edge() -> Edge:
    return Edge(create_app(SETTINGS), SETTINGS)


generated = settings(
    max_examples=GENERATED // 4 // 5,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@generated
@given(value=ANYTHING)
def test_any_value_is_answered_wherever_it_stands(
    any_edge: Edge, capsys: pytest.CaptureFixture[str], value: Any
) -> None:
    schedule = warm_up(detail={"environments": 1, "address": value})
    whole = http_api() | {"headers": value, "body": value}
    for event in (value, [value], {"requestContext": value}, schedule, whole):
        answered(any_edge, capsys, event)


@generated
@given(request=REQUESTS)
def test_any_request_is_answered_whichever_service_brings_it(
    any_edge: Edge, capsys: pytest.CaptureFixture[str], request: dict[str, Any]
) -> None:
    for make in (http_api, function_url, emulated):
        answered(any_edge, capsys, of_payload_2(make(), request))
    for make in (rest_api, load_balancer):
        answered(any_edge, capsys, of_payload_1(make(), request))


@generated
@given(changes=st.dictionaries(NAMES, ANYTHING), context=CONTEXTS)
def test_any_context_is_answered(
    any_edge: Edge, capsys: pytest.CaptureFixture[str], changes: Any, context: Any
) -> None:
    answered(any_edge, capsys, {"requestContext": context})
    answered(any_edge, capsys, changes | {"requestContext": context})
    for make in (http_api, rest_api, load_balancer):
        event = make() | changes
        answered(any_edge, capsys, event | {"requestContext": make()["requestContext"] | context})


@generated
@given(changes=st.dictionaries(NAMES, ANYTHING, min_size=1))
def test_any_change_to_a_good_event_is_answered(
    any_edge: Edge, capsys: pytest.CaptureFixture[str], changes: Any
) -> None:
    for make in EVERY_SERVICE:
        answered(any_edge, capsys, make() | changes)


def of_payload_2(event: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Return the event with a request in it, as API Gateway and function URLs put it there."""
    http = {"method": request["method"], "path": request["path"], "sourceIp": request["address"]}
    context = event["requestContext"] | _given(request, "stage", "domainName", "requestId")
    return (
        event
        | _given(request, "headers", "cookies", "body", "isBase64Encoded")
        | {"rawPath": request["path"], "rawQueryString": request["query"]}
        | {"requestContext": context | {"http": http}}
    )


def of_payload_1(event: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Return the event with a request in it, as REST APIs and load balancers put it there."""
    headers = request["headers"]
    context = event["requestContext"] | _given(request, "stage", "domainName", "requestId")
    return (
        event
        | _given(request, "headers", "body", "isBase64Encoded")
        | {"path": request["path"], "httpMethod": request["method"]}
        | {"queryStringParameters": {request["query"]: request["query"]}}
        | {"multiValueHeaders": headers and {name: [value] for name, value in headers.items()}}
        | {"requestContext": context}
    )


def _given(request: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: request[name] for name in names if name in request}
