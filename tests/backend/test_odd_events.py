from __future__ import annotations

import json
import os
import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend import create_app
from backend.edge import Edge
from tests.backend.doubles import SETTINGS
from tests.backend.wellformed import assert_well_formed
from tests.events import emulated, function_url, http_api, load_balancer, rest_api, warm_up
from tests.events.odd import Odd, corpus, mutations

if TYPE_CHECKING:
    from collections.abc import Callable

CORPUS = corpus()
EVERY_SERVICE = [http_api, emulated, function_url, rest_api, load_balancer]

# Four strategies share the number; the 10,000 come with ODD_EVENTS=10000.
GENERATED = int(os.environ.get("ODD_EVENTS", "1200")) // 4


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
        "rawPath": TEXT.map(lambda text: f"/{text}") | TEXT,
        "rawQueryString": TEXT,
        "headers": HEADERS | st.none(),
        "requestContext": st.fixed_dictionaries(
            {"http": st.fixed_dictionaries({"method": TEXT | st.just("GET"), "sourceIp": TEXT})},
            optional={"stage": TEXT, "domainName": TEXT, "requestId": TEXT},
        ),
    },
    optional={"cookies": st.lists(TEXT), "body": TEXT, "isBase64Encoded": st.booleans()},
)


@pytest.fixture(scope="module")
def any_edge() -> Edge:
    return Edge(create_app(SETTINGS), SETTINGS)


generated = settings(
    max_examples=GENERATED,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@generated
@given(event=ANYTHING)
def test_any_json_is_answered(
    any_edge: Edge, capsys: pytest.CaptureFixture[str], event: Any
) -> None:
    answered(any_edge, capsys, event)


@generated
@given(event=REQUESTS)
def test_any_request_is_answered(
    any_edge: Edge, capsys: pytest.CaptureFixture[str], event: Any
) -> None:
    answered(any_edge, capsys, event)


@generated
@given(event=st.dictionaries(NAMES, ANYTHING), context=CONTEXTS)
def test_any_context_is_answered(
    any_edge: Edge, capsys: pytest.CaptureFixture[str], event: Any, context: Any
) -> None:
    answered(any_edge, capsys, event | {"requestContext": context})


@generated
@given(make=st.sampled_from(EVERY_SERVICE), changes=st.dictionaries(NAMES, ANYTHING, min_size=1))
def test_any_change_to_a_good_event_is_answered(
    any_edge: Edge, capsys: pytest.CaptureFixture[str], make: Any, changes: Any
) -> None:
    answered(any_edge, capsys, make() | changes)
