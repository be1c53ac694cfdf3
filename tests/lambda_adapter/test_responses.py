from __future__ import annotations

import pytest

from lambda_adapter import responses
from lambda_adapter.errors import AnswerTooLargeError
from lambda_adapter.responses import Reply, render
from tests.fixtures.events import emulated, function_url, http_api, load_balancer, rest_api

REPLY = Reply(
    status=200,
    headers={
        "content-type": ["text/plain"],
        "vary": ["Accept", "Origin"],
        "set-cookie": ["a=1; Path=/", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"],
    },
    body="hello",
    is_base64=False,
)
BODY = {"body": "hello", "isBase64Encoded": False}


@pytest.mark.parametrize("event", [http_api(), emulated(), function_url(), {}, None, [], "x"])
def test_payload_2_has_cookies_of_their_own_and_joins_the_rest(event: object) -> None:
    assert render(event, REPLY) == {
        "statusCode": 200,
        "headers": {"content-type": "text/plain", "vary": "Accept, Origin"},
        "cookies": REPLY.headers["set-cookie"],
        **BODY,
    }


def test_payload_1_keeps_every_value() -> None:
    assert render(rest_api(), REPLY) == {
        "statusCode": 200,
        "multiValueHeaders": REPLY.headers,
        **BODY,
    }


def test_a_load_balancer_with_multi_value_headers_gets_them() -> None:
    assert render(load_balancer(multiValueHeaders={"accept": ["*/*"]}), REPLY) == {
        "statusCode": 200,
        "statusDescription": "200 OK",
        "multiValueHeaders": REPLY.headers,
        **BODY,
    }


def test_a_load_balancer_without_them_gets_each_cookie_under_a_name_of_its_own() -> None:
    answer = render(load_balancer(), REPLY)
    headers = answer["headers"]

    assert "multiValueHeaders" not in answer
    assert answer["statusDescription"] == "200 OK"
    assert headers["vary"] == "Accept, Origin"
    cookies = [value for name, value in headers.items() if name.lower() == "set-cookie"]
    assert cookies == REPLY.headers["set-cookie"]


def test_a_status_without_a_name_has_a_description_all_the_same() -> None:
    assert render(load_balancer(), REPLY._replace(status=599))["statusDescription"] == "599 Unknown"


@pytest.mark.parametrize(
    "body",
    [
        "x" * (responses.MAX_BODY - 1),
        '"' * (responses.MAX_BODY // 2),
        "é" * (responses.MAX_BODY // 2),
    ],
    ids=["letters", "quotes", "umlauts"],
)
def test_an_answer_larger_than_lambda_hands_back_is_not_handed_over(body: str) -> None:
    with pytest.raises(AnswerTooLargeError, match="send it in pages"):
        render(http_api(), REPLY._replace(body=body))


def test_an_answer_just_below_the_limit_is() -> None:
    body = "x" * (responses.MAX_BODY - 2)

    assert render(http_api(), REPLY._replace(body=body))["body"] == body
