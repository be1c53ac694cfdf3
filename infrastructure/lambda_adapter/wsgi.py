"""Runs a WSGI application for one request: https://peps.python.org/pep-3333/."""

from __future__ import annotations

import base64
import io
import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lambda_adapter import request_ids
from lambda_adapter.errors import ResponseError
from lambda_adapter.responses import LIMIT, TOO_LARGE, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

    from lambda_adapter.events import Request

_STATUS = re.compile(r"[2-5][0-9]{2}(?: .*)?", re.DOTALL)
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL_BUT_TAB = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def build_environ(
    request: Request, event: object, context: object, request_id: str
) -> WSGIEnvironment:
    """Return the WSGI environment of a request, and what of Lambda an application may want."""
    path, query = request.path, request.query
    name, _, port = request.host.partition(":")
    # Text is its UTF-8 bytes, each as one character: PEP 3333's "unicode issues".
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": request.script_name,
        "PATH_INFO": path if path.isascii() else path.encode().decode("latin-1"),
        "QUERY_STRING": query if query.isascii() else query.encode().decode("latin-1"),
        "CONTENT_LENGTH": str(len(request.body)),
        "REMOTE_ADDR": request.client,
        "HTTP_HOST": request.host,
        "SERVER_NAME": name,
        "SERVER_PORT": port or ("443" if request.scheme == "https" else "80"),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        request_ids.ENVIRON_KEY: request_id,
        # serverless-wsgi's names, which applications on Lambda know.
        "serverless.event": event,
        "serverless.context": context,
        "serverless.authorizer": request.authorizer,
    }
    for header, value in request.headers.items():
        environ[_variable(header)] = value
    if request.authorizer and (user := _user(request.authorizer)):
        environ["REMOTE_USER"] = user
    return environ


def run(application: WSGIApplication, environ: WSGIEnvironment) -> Response:
    """Run the application to the end of its response.

    Raises:
        ResponseError: API Gateway would refuse the response, or Lambda cannot return it.
        BaseException: whatever the application raises.
    """
    status, route = "", None
    given: list[tuple[str, str]] = []
    parts: list[bytes] = []

    def start_response(
        line: str, headers: list[tuple[str, str]], _exc_info: Any = None
    ) -> Callable[[bytes], object]:
        nonlocal status, given, route
        status, given = line, headers
        # Flask and Werkzeug leave their request here, and Flask takes it away when it is done.
        rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
        route = getattr(rule, "rule", None)
        return parts.append

    _collect(application(environ, start_response), parts)
    if not _STATUS.fullmatch(status):
        raise ResponseError(f"the response's status is {status!r}; set one from 200 to 599")
    headers: dict[str, list[str]] = {}
    for name, value in given:
        headers.setdefault(_header_name(name), []).append(_header_value(name, value))
    body = b"" if status.startswith(("204", "304")) else b"".join(parts)
    length = [str(len(body))]
    if environ["REQUEST_METHOD"] != "HEAD" and headers.get("content-length", length) != length:
        del headers["content-length"]  # API Gateway counts itself.
    if "content-encoding" not in headers and b"\x00" not in body:
        try:
            return Response(int(status[:3]), headers, body.decode(), route=route)
        except UnicodeDecodeError:
            """It is not text, or text of another encoding."""
    text = base64.b64encode(body).decode()
    return Response(int(status[:3]), headers, text, is_base64=bool(body), route=route)


def _user(authorizer: dict[str, Any]) -> str:
    """Return whom an authorizer found: a Lambda function's principal, a JWT's subject, a role.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    claims = authorizer["jwt"].get("claims") if isinstance(authorizer.get("jwt"), dict) else None
    for found, name in (
        (authorizer, "principalId"),
        (authorizer.get("lambda"), "principalId"),
        (claims, "sub"),
        (authorizer.get("iam"), "userArn"),
    ):
        user = found.get(name) if isinstance(found, dict) else None
        if isinstance(user, str):
            return user
    return ""


@lru_cache(maxsize=256)
def _variable(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"


def _collect(body: Iterable[bytes], parts: list[bytes]) -> None:
    """Read a body to its end, then close it: `Response.call_on_close` depends on that."""
    size = sum(map(len, parts))
    try:
        for part in body:
            size += len(part)
            if size > LIMIT:
                raise ResponseError(TOO_LARGE)
            parts.append(part)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()


@lru_cache(maxsize=256)
def _header_name(name: str) -> str:
    lower = name.lower()
    if _HEADER_NAME.fullmatch(lower):
        return lower
    raise ResponseError(f"the response has a header named {name!r}; rename it")


def _header_value(name: str, value: str) -> str:
    """Return the text that a value means: its characters are bytes, mostly of UTF-8.

    Raises UnicodeEncodeError for a value that is not bytes, which no WSGI application may send.
    """
    if value.isascii() and value.isprintable():
        return value
    if _CONTROL_BUT_TAB.search(value):
        raise ResponseError(
            f"the response's header {name} has a line break or another control character; remove it"
        )
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value
