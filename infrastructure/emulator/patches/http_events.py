"""The events that an HTTP API sends to a function."""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from . import mend

if TYPE_CHECKING:
    from . import Settings
    from .theirs import Theirs

_HOP_BY_HOP = ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")


@mend(
    "true-http-events",
    found="2026-11-23",
    fault="HTTP API events have no cookies list, no x-forwarded-* and no trace header",
)
def send_true_events(_: Settings) -> None:
    """Send a function what an HTTP API of AWS sends it, payload format 2.0.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    from ministack.services import lambda_svc

    original = lambda_svc._execute_function_with_config_scope

    def execute(function: Theirs, event: Theirs) -> Theirs:
        return original(function, as_sent(event) if comes_from_api(event) else event)

    lambda_svc._execute_function_with_config_scope = execute


def comes_from_api(event: object) -> bool:
    """Whether an event is one of an HTTP API, and not of a function URL, which looks alike."""
    if not isinstance(event, dict) or event.get("version") != "2.0":
        return False
    context = event.get("requestContext")
    return isinstance(context, dict) and ".execute-api." in str(context.get("domainName"))


def as_sent(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event with the headers and cookies as API Gateway gives them."""
    headers = {name: value for name, value in event["headers"].items() if name not in _HOP_BY_HOP}
    cookies = [part.strip() for part in headers.pop("cookie", "").split(";") if part.strip()]
    source = event["requestContext"]["http"]["sourceIp"]
    before = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{before}, {source}" if before else source
    headers |= {"x-forwarded-port": "443", "x-forwarded-proto": "https"}
    headers.setdefault("content-length", "0")
    headers.setdefault("x-amzn-trace-id", _trace())
    return {**event, "headers": headers, **({"cookies": cookies} if cookies else {})}


def _trace() -> str:
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
