"""What must hold for every answer of the Lambda entry point, whatever the event was."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_TRACE = ("Traceback", 'File "', "Error:", "Exception:")
_LIMIT = 6_291_556


def assert_well_formed(answer: Any, lines: list[dict[str, Any]]) -> None:
    """Fail unless Lambda and the service behind it can take the answer, and one line tells it."""
    as_lambda_sends_it = json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
    assert len(as_lambda_sends_it) <= _LIMIT
    assert len(lines) == 1, f"{len(lines)} log lines"
    line = lines[0]
    if line.get("source") == "serverless-flask.schedule":
        checked = {"status", "environments", "available", "faults"}
        assert set(answer) in (checked, {"status", "environment"})
        return
    assert type(answer["statusCode"]) is int
    assert 200 <= answer["statusCode"] <= 599
    assert line["status"] == answer["statusCode"]
    headers = _headers(answer)
    _check_body(answer, headers)
    assert headers["x-request-id"] == [line["request_id"]]
    if answer["statusCode"] >= 400:
        _check_problem(answer, headers)


def _headers(answer: dict[str, Any]) -> dict[str, list[str]]:
    assert ("headers" in answer) != ("multiValueHeaders" in answer)
    headers: dict[str, list[str]] = {}
    for name, value in answer.get("headers", {}).items():
        assert type(value) is str
        headers.setdefault(name.lower(), []).append(value)
    for name, values in answer.get("multiValueHeaders", {}).items():
        assert type(values) is list
        assert name.lower() not in headers
        headers[name.lower()] = values
    for name, values in headers.items():
        assert _HEADER.fullmatch(name), name
        assert all(_VALUE.fullmatch(value) for value in values), values
    for cookie in answer.get("cookies", []):
        assert _VALUE.fullmatch(cookie)
    return headers


def _check_body(answer: dict[str, Any], headers: dict[str, list[str]]) -> None:
    assert type(answer["body"]) is str
    assert type(answer["isBase64Encoded"]) is bool
    if answer["isBase64Encoded"]:
        body = base64.b64decode(answer["body"], validate=True)
    else:
        body = answer["body"].encode()
    if body and "content-length" in headers:
        assert headers["content-length"] == [str(len(body))]
    assert not any(word.encode() in body for word in _TRACE)


def _check_problem(answer: dict[str, Any], headers: dict[str, list[str]]) -> None:
    assert headers["content-type"] == ["application/problem+json"]
    assert headers["cache-control"] == ["no-store"]
    if not answer["body"]:
        return  # An answer to HEAD.
    problem = json.loads(answer["body"])
    assert set(problem) == {"type", "title", "status", "detail", "request_id"}
    assert problem["status"] == answer["statusCode"]
    assert problem["request_id"] == headers["x-request-id"][0]
