"""A pytest plugin for other people's test suites: what they ask httpbin goes through the adapter.

It runs in an environment without this repository's packages, so it needs httpbin's alone.
"""

from __future__ import annotations

import base64
import io
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpbin

from lambda_adapter import logs
from lambda_adapter.config import CloudFront, Settings
from lambda_adapter.lambda_handler import LambdaHandler

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# A distribution that serves http, as the test client asks.
_SITE = CloudFront("http", "localhost", "a-secret")
_DOMAIN = "a1b2c3.execute-api.eu-west-1.amazonaws.com"


class ThroughAdapter:
    """A WSGI application that is another one in Lambda, behind an HTTP API."""

    def __init__(self, application: WSGIApplication) -> None:
        log = logs.LogStream(io.TextIOWrapper(io.BytesIO()))
        self._handler = LambdaHandler(application, Settings(cloudfront=_SITE), log)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Make an event of the request, and a response of what the function returns."""
        answer = self._handler(_event(environ), None)
        headers = [*answer["headers"].items()]
        headers += [("set-cookie", one) for one in answer.get("cookies", ())]
        body = answer.get("body", "")
        content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        status = answer["statusCode"]
        known = {one.value: one.phrase for one in HTTPStatus}
        start_response(f"{status} {known.get(status, 'Unknown')}", headers)
        return [content]


def _event(environ: WSGIEnvironment) -> dict[str, Any]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html"""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        # A header without a name exists in a test client alone.
        if (name.startswith("HTTP_") and name != "HTTP_")
        or (name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value)
    }
    visitor = environ.get("REMOTE_ADDR", "127.0.0.1")
    headers |= {"x-origin-verify": _SITE.origin_verify, "x-forwarded-for": visitor}
    headers.pop("transfer-encoding", None)  # API Gateway collects the body.
    cookies = headers.pop("cookie", "")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/:@!$&'()*+,;=~%")
    http = {
        "method": environ["REQUEST_METHOD"],
        "path": path,
        "protocol": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
        "sourceIp": visitor,
        "userAgent": headers.get("user-agent", ""),
    }
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": environ.get("QUERY_STRING", ""),
        "headers": headers,
        "cookies": cookies.split("; ") if cookies else [],
        "requestContext": {"domainName": _DOMAIN, "http": http, "stage": "$default"},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


httpbin.app.wsgi_app = ThroughAdapter(httpbin.app.wsgi_app)
