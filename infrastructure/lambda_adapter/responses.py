"""What Lambda hands back, in the form that each HTTP service understands."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import serverless_wsgi
from werkzeug.http import HTTP_STATUS_CODES

from lambda_adapter.errors import AnswerTooLargeError

Answer = dict[str, Any]

MAX_BODY = 6_000_000
"""Bytes as JSON. Lambda hands back at most 6,291,556, headers and all; the rest is for those:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
_SURELY_SMALL = MAX_BODY // 6  # In JSON a character takes 6 bytes at worst.


class Reply(NamedTuple):
    """An answer before it takes a form."""

    status: int
    headers: dict[str, list[str]]
    """Lower-case names, each with all its values in order."""
    body: str
    is_base64: bool


def render(event: object, reply: Reply) -> Answer:
    """Put a reply into the form for the service that sent the event; 2.0 for unknown ones.

    Raises AnswerTooLargeError.
    """
    if len(reply.body) > _SURELY_SMALL and _size(reply.body) > MAX_BODY:
        raise AnswerTooLargeError(MAX_BODY)
    context = event.get("requestContext") if isinstance(event, dict) else None
    if not isinstance(event, dict) or not isinstance(context, dict):
        return _payload_2(reply)
    if isinstance(context.get("elb"), dict):
        return _load_balancer(reply, multi_value=bool(event.get("multiValueHeaders")))
    if isinstance(event.get("httpMethod"), str) and not isinstance(context.get("http"), dict):
        return _answer(reply, multiValueHeaders=reply.headers)
    return _payload_2(reply)


def _payload_2(reply: Reply) -> Answer:
    headers = dict(reply.headers)
    cookies = headers.pop("set-cookie", [])
    return _answer(reply, headers=_joined(headers), cookies=cookies)


def _load_balancer(reply: Reply, *, multi_value: bool) -> Answer:
    description = f"{reply.status} {HTTP_STATUS_CODES.get(reply.status, 'Unknown')}"
    if multi_value:
        return _answer(reply, multiValueHeaders=reply.headers, statusDescription=description)
    headers = dict(reply.headers)
    cookies = headers.pop("set-cookie", [])
    # One value a name, and cookies cannot be joined: names that differ in case pass as many.
    spelled = dict(zip(serverless_wsgi.all_casings("set-cookie"), cookies, strict=False))
    return _answer(reply, headers=_joined(headers) | spelled, statusDescription=description)


def _answer(reply: Reply, **parts: object) -> Answer:
    body = {"body": reply.body, "isBase64Encoded": reply.is_base64}
    return {"statusCode": reply.status, **parts, **body}


def _joined(headers: dict[str, list[str]]) -> dict[str, str]:
    return {name: ", ".join(values) for name, values in headers.items()}


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())
