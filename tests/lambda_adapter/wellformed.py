"""What must hold for every response of the Lambda handler, whatever the event is."""

import base64
import json
import re
from typing import Any

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_TRACE = ("Traceback", 'File "', "Error:", "Exception:")
_LIMIT = 6_291_556


def assert_well_formed(answer: Any, records: list[dict[str, Any]]) -> None:
    """Fail unless Lambda and API Gateway can take the answer, and one log record describes it."""
    as_lambda_sends_it = json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
    assert len(as_lambda_sends_it) <= _LIMIT
    (record,) = [record for record in records if record["message"] == "event"]
    if record.get("source") == "lambda_adapter.schedule":
        checked = {"status", "environments", "available", "problems"}
        assert set(answer) in (checked, {"status", "environment"})
        return
    assert set(answer) == {"statusCode", "headers", "cookies", "body", "isBase64Encoded"}
    assert type(answer["statusCode"]) is int
    assert 200 <= answer["statusCode"] <= 599
    assert record["status"] == answer["statusCode"]
    headers = answer["headers"]
    for name, value in headers.items():
        assert _HEADER.fullmatch(name), name
        assert _VALUE.fullmatch(value), value
    assert all(_VALUE.fullmatch(cookie) for cookie in answer["cookies"])
    assert headers["x-request-id"] == record["request_id"]
    _check_body(answer)
    if "error" in record or "exception" in record:
        _check_problem(answer)


def _check_body(answer: dict[str, Any]) -> None:
    assert type(answer["body"]) is str
    assert type(answer["isBase64Encoded"]) is bool
    if answer["isBase64Encoded"]:
        body = base64.b64decode(answer["body"], validate=True)
    else:
        body = answer["body"].encode()
    if body and "content-length" in answer["headers"]:
        assert answer["headers"]["content-length"] == str(len(body))
    assert not any(word.encode() in body for word in _TRACE)


def _check_problem(answer: dict[str, Any]) -> None:
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert answer["headers"]["cache-control"] == "no-store"
    problem = json.loads(answer["body"])
    assert set(problem) == {"type", "title", "status", "detail", "request_id"}
    assert problem["status"] == answer["statusCode"]
    assert problem["request_id"] == answer["headers"]["x-request-id"]
