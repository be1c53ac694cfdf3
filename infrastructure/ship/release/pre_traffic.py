"""Try a function version with real API Gateway events, before any user reaches it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from ship.errors import CheckFailedError

if TYPE_CHECKING:
    from ship.release.function import Function

_HOST = "trial.execute-api.eu-central-1.amazonaws.com"


def try_version(function: Function, version: str, release: str) -> None:
    """Ask a version for its health, its release, its settings and something that is not there.

    Raises:
        CheckFailedError: an answer is not what a good release answers.
    """
    for path, status in (("health", 200), ("version", 200), ("config", 200), ("no-such", 404)):
        answer = function.invoke(version, event(f"/api/{path}"))
        body = _body(answer, path)
        if answer.get("statusCode") != status:
            raise CheckFailedError(
                f"version {version} answers /api/{path} with {answer.get('statusCode')}, "
                f"not {status}: {json.dumps(body)[:200]}"
            )
        if path == "version" and body.get("release") != release:
            raise CheckFailedError(
                f"version {version} says that it is release {body.get('release')}, not {release}"
            )


def event(path: str) -> dict[str, Any]:
    """An event of API Gateway, payload format 2.0, as for a GET of this path.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    return {
        "version": "2.0",
        "routeKey": "ANY /api/{proxy+}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": _HOST, "accept": "application/json", "user-agent": "ship-trial"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "trial",
            "domainName": _HOST,
            "domainPrefix": "trial",
            "http": {
                "method": "GET",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "ship-trial",
            },
            "requestId": "ship-trial",
            "routeKey": "ANY /api/{proxy+}",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
        "isBase64Encoded": False,
    }


def _body(answer: dict[str, Any], path: str) -> dict[str, Any]:
    text = answer.get("body") or ""
    try:
        if answer.get("isBase64Encoded"):
            text = base64.b64decode(text).decode()
        body = json.loads(text)
    except ValueError as error:
        raise CheckFailedError(f"/api/{path} answers no JSON: {text[:100]!r}") from error
    if not isinstance(body, dict):
        raise CheckFailedError(f"/api/{path} answers no object: {text[:100]!r}")
    return body
