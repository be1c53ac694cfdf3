import base64
import json

import pytest

from lambda_adapter.errors import ResponseError
from lambda_adapter.responses import LIMIT, Response, problem, to_lambda

RESPONSE = Response(
    status=200,
    headers={
        "content-type": ["text/plain"],
        "vary": ["Accept", "Origin"],
        "set-cookie": ["a=1; Path=/", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"],
    },
    body="hello",
)


def test_cookies_stand_by_themselves_and_other_values_are_joined() -> None:
    assert to_lambda(RESPONSE) == {
        "statusCode": 200,
        "headers": {"content-type": "text/plain", "vary": "Accept, Origin"},
        "cookies": RESPONSE.headers["set-cookie"],
        "body": "hello",
        "isBase64Encoded": False,
    }


def test_a_problem_is_the_rfc_s() -> None:
    response = problem(413, "Content Too Large", "Send less.", "id-1")

    assert response.headers["content-type"] == ["application/problem+json"]
    assert json.loads(response.body) == {
        "type": "about:blank",
        "title": "Content Too Large",
        "status": 413,
        "detail": "Send less.",
        "request_id": "id-1",
    }


@pytest.mark.parametrize("character", ["x", '"', "é", "\n", "\x01", "日", "😀"])
def test_a_response_may_be_as_large_as_lambda_returns_and_no_larger(character: str) -> None:
    def response(length: int) -> Response:
        return RESPONSE._replace(body=character * length)

    def size(length: int) -> int:
        return len(json.dumps(to_lambda(response(length)), ensure_ascii=False).encode())

    each = size(2) - size(1)
    most = (LIMIT - size(0)) // each

    assert LIMIT - each < size(most) <= LIMIT
    with pytest.raises(ResponseError, match="send it in pages"):
        to_lambda(response(most + 1))


def test_headers_count_for_the_limit() -> None:
    large = {"x-large": ["x" * 400_000]}

    with pytest.raises(ResponseError):
        to_lambda(RESPONSE._replace(headers=large, body="x" * 5_990_000))


def test_a_binary_body_counts_as_its_base64() -> None:
    body = base64.b64encode(b"x" * 4_700_000).decode()

    assert to_lambda(RESPONSE._replace(body=body, is_base64=True))["isBase64Encoded"]
