"""The pre-traffic check: a new version answers real API Gateway events before it gets traffic."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lambda_adapter.lambda_handler import INVOKED
from ship.errors import CheckFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ship.release.function import Function
    from ship.state import Stack

REQUEST_ID = "pre-traffic"
"""What the requests of `ship` have in the log, so that they do not count as a user's."""
OWN_HEADERS = {"x-request-id": REQUEST_ID}
"""What makes it so for those that come through the public endpoints."""
_HOST = "pre-traffic.execute-api.eu-central-1.amazonaws.com"
_GOOD = range(200, 400)


def check_version(function: Function, version: str, release: str) -> None:
    """Ask a version for its health and its release.

    Both are answered by the adapter; that it answers at all shows that the application was loaded.
    """
    _ask(function, version, "/-/health")
    found = _ask(function, version, "/-/version").get("release")
    if found != release:
        raise CheckFailedError(f"version {version} says that it is release {found}, not {release}")


def get(
    function: Function, version: str, path: str, stack: Stack
) -> tuple[int, list[tuple[str, str]], bytes]:
    """A version's response to a GET: status, headers and body.

    Raises:
        CheckFailedError: the function failed, or its response has no status.
    """
    response = function.invoke(version, event(path, urlsplit(stack.api_url).netloc))
    if not isinstance(response.get("statusCode"), int):
        raise _failed(version, path, response)
    headers = [*(response.get("headers") or {}).items()]
    headers += [("set-cookie", cookie) for cookie in response.get("cookies") or ()]
    return response["statusCode"], headers, _body(response)


def check_paths(function: Function, version: str, stack: Stack, paths: Iterable[str]) -> None:
    """Ask a version for paths of the application: each must answer with less than 400."""
    for path in paths:
        response = function.invoke(version, event(path, urlsplit(stack.api_url).netloc))
        if response.get("statusCode") not in _GOOD:
            raise _failed(version, path, response)


def event(path: str, host: str = _HOST) -> dict[str, Any]:
    """An event of API Gateway, payload format 2.0, as for a GET of this path.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    path, _, query = path.partition("?")
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": host, "accept": "application/json", "user-agent": "ship"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": INVOKED,
            "domainName": host,
            "domainPrefix": "pre-traffic",
            "http": {
                "method": "GET",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "ship",
            },
            "requestId": REQUEST_ID,
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
        "isBase64Encoded": False,
    }


def _ask(function: Function, version: str, path: str) -> dict[str, Any]:
    try:
        response = function.invoke(version, event(path))
    except CheckFailedError as error:
        if "Sandbox.Timedout" not in str(error):
            raise
        # What is asked does nothing; until the application is loaded nothing is answered.
        # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
        raise CheckFailedError(
            f"{error}: the application does not start in time; look at what its modules and its "
            "factory wait for (they have 10 s)"
        ) from error
    if response.get("statusCode") != 200:
        raise _failed(version, path, response)
    text = str(response.get("body") or "")
    try:
        document = json.loads(_body(response))
    except ValueError as error:
        raise CheckFailedError(f"{path} is not answered with JSON: {text[:100]!r}") from error
    if not isinstance(document, dict):
        raise CheckFailedError(f"{path} is not answered with an object: {text[:100]!r}")
    return document


def _body(response: dict[str, Any]) -> bytes:
    text = str(response.get("body") or "")
    return base64.b64decode(text) if response.get("isBase64Encoded") else text.encode()


def _failed(version: str, path: str, response: dict[str, Any]) -> CheckFailedError:
    text = str(response.get("body") or "")
    return CheckFailedError(
        f"version {version} answers {path} with {response.get('statusCode')}: {text[:200]}"
    )
