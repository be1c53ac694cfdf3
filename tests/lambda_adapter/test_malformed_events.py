import contextlib
import json
import os
import string
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_adapter.config import Settings
from lambda_adapter.errors import UnknownEventError
from lambda_adapter.lambda_handler import LambdaHandler
from tests.fixtures.events import emulated, http_api, warm_up
from tests.fixtures.events.malformed import Malformed, corpus, mutations
from tests.lambda_adapter.in_memory import SETTINGS, Log
from tests.lambda_adapter.wellformed import assert_well_formed

CORPUS = corpus()
BOTH = [http_api, emulated]

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
"""How many events hypothesis makes for each test; a nightly run makes thousands."""


class Answering:
    """A handler whose every answer is checked, with its log."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        app = Flask("hello")
        app.add_url_rule("/api/hello", "hello", lambda: {"hello": "world"})
        self._log = Log()
        self._handler = LambdaHandler(app, settings, self._log)

    def __call__(self, event: object) -> dict[str, Any] | None:
        """Return the answer; None where the handler raised what it may raise."""
        answer: dict[str, Any] | None = None
        with contextlib.suppress(UnknownEventError):
            answer = self._handler(event, None)
        records = self._log.records()
        if answer is None:
            assert [record["level"] for record in records] == ["ERROR"]
        else:
            assert_well_formed(answer, records)
        return answer


@pytest.fixture(scope="module")
def answering() -> Answering:
    return Answering()


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    assert len(CORPUS) >= 200
    assert len({malformed.name for malformed in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("malformed", CORPUS, ids=[malformed.name for malformed in CORPUS])
def test_a_malformed_event_gets_its_answer_or_raises(
    answering: Answering, malformed: Malformed
) -> None:
    answer = answering(malformed.event)

    if malformed.status is None:
        assert answer is None
        return
    assert answer is not None
    assert answer.get("statusCode", answer.get("status") == "warm" and 200) == malformed.status
    assert "canary" not in json.dumps(answer)
    assert "6.6.6.6" not in json.dumps(answer)


@pytest.mark.parametrize("make", [*BOTH, warm_up])
def test_an_event_with_anything_missing_or_of_another_kind_is_answered_or_raises(
    answering: Answering, make: Callable[[], Any]
) -> None:
    for event in mutations(make()):
        answering(event)


TEXT = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="/\\%?#&=;:., \t\r\n\x00\x7f\ud800\udfff\u2028é日😀" + string.hexdigits),
    st.sampled_from(["/api/hello", "/-/health", "//evil.example", "/%2F", "GET", "$default"]),
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
        {name for make in BOTH for name in make()}
        | {"cookies", "source", "detail-type", "Records", "body"}
    )
)
CONTEXTS = st.dictionaries(
    st.sampled_from(["http", "stage", "domainName", "authorizer", "requestId", "connectionId"]),
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


generated = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@generated
@given(value=ANYTHING)
def test_any_value_is_answered_or_raises_wherever_it_stands(
    answering: Answering, value: Any
) -> None:
    schedule = warm_up(detail={"environments": 1, "site_url": value})
    whole = http_api() | {"headers": value, "body": value}
    for event in (value, [value], {"requestContext": value}, schedule, whole):
        answering(event)


@generated
@given(request=REQUESTS)
def test_any_request_is_answered(answering: Answering, request: dict[str, Any]) -> None:
    http = {"method": request["method"], "path": request["path"], "sourceIp": request["address"]}
    for make in BOTH:
        event = make()
        context = event["requestContext"] | _given(request, "stage", "domainName", "requestId")
        event |= _given(request, "headers", "cookies", "body", "isBase64Encoded")
        event |= {"rawPath": request["path"], "rawQueryString": request["query"]}
        assert answering(event | {"requestContext": context | {"http": http}}) is not None


@generated
@given(changes=st.dictionaries(NAMES, ANYTHING), context=CONTEXTS)
def test_any_context_is_answered_or_raises(
    answering: Answering, changes: Any, context: Any
) -> None:
    answering(changes | {"requestContext": context})
    for make in BOTH:
        event = make() | changes
        answering(event | {"requestContext": make()["requestContext"] | context})


@generated
@given(changes=st.dictionaries(NAMES, ANYTHING, min_size=1))
def test_any_change_to_a_good_event_is_answered_or_raises(
    answering: Answering, changes: Any
) -> None:
    for make in BOTH:
        answering(make() | changes)


def _given(request: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: request[name] for name in names if name in request}
