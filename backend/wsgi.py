"""Runs a WSGI application for one request.

serverless-wsgi makes the environment and calls the application. The environment is then
completed with what the library reads wrongly or not at all, and the answer is taken off its
hands: it would mangle repeated headers, fail on text that is no UTF-8, and close nothing.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import serverless_wsgi

from backend.answers import Reply
from backend.errors import AnswerTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from backend.events import Request

MAX_BODY = 6_000_000
"""Bytes; more would not fit into what Lambda hands back, whatever they are."""

_Headers = list[tuple[str, str]]


def run(app: WSGIApplication, request: Request, more: dict[str, Any]) -> Reply:
    """Run the application to the end of its answer, with more in its environment.

    Raises AnswerTooLargeError, and whatever the application raises.
    """
    call = _Call(app, request, more)
    serverless_wsgi.handle_request(call, _canonical(request), None)
    headers = _headers(call.headers, request)
    body, is_base64 = _encoded(call.body, headers)
    return Reply(int(call.status[:3]), headers, body, is_base64)


def _canonical(request: Request) -> dict[str, Any]:
    """Make an event of payload 2.0 in which there is nothing for serverless-wsgi to trip over."""
    return {
        "version": "2.0",
        "rawPath": "/",
        "rawQueryString": request.query,
        "headers": {},
        "requestContext": {"http": {"method": request.method, "sourceIp": request.client}},
        "body": request.body,
    }


class _Call:
    """One call of the application, as an application that serverless-wsgi can call."""

    def __init__(self, app: WSGIApplication, request: Request, more: dict[str, Any]) -> None:
        self._app = app
        self._request = request
        self._more = more
        self.status = ""
        self.headers: _Headers = []
        self.body = b""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        _complete(environ, self._request)
        environ |= self._more
        self.body = _read(self._app(environ, self._begin))
        start_response(self.status, [])
        return []

    def _begin(self, status: str, headers: _Headers, _: object = None) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return _no_write


def _no_write(_: bytes) -> None:
    """PEP 3333 has it for frameworks older than it, and Flask is none."""


def _complete(environ: WSGIEnvironment, request: Request) -> None:
    del environ["HTTP_COOKIE"]  # The library sets it even when there is none.
    for header, value in request.headers.items():
        environ[_environ_key(header)] = value
    name, _, port = request.host.partition(":")
    environ |= {
        "SCRIPT_NAME": _tunnelled(request.mount),
        "PATH_INFO": _tunnelled(request.path),
        "HTTP_HOST": request.host,
        "SERVER_NAME": name,
        "SERVER_PORT": port or ("443" if request.scheme == "https" else "80"),
        "wsgi.url_scheme": request.scheme,
    }


@lru_cache(maxsize=256)
def _environ_key(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"


def _tunnelled(text: str) -> str:
    return text if text.isascii() else text.encode().decode("latin-1")


def _read(parts: Iterable[bytes]) -> bytes:
    """Collect a body, then close it: `Response.call_on_close` hangs on that."""
    read: list[bytes] = []
    size = 0
    try:
        for part in parts:
            size += len(part)
            if size > MAX_BODY:
                raise AnswerTooLargeError(MAX_BODY)
            read.append(part)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    return b"".join(read)


def _headers(given: _Headers, request: Request) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in given:
        headers.setdefault(name.lower(), []).append(_meant(value))
    if "location" in headers:
        headers["location"] = [_relative(value, request) for value in headers["location"]]
    return headers


def _meant(value: str) -> str:
    """Read what a WSGI application means: bytes, each as one character, mostly UTF-8.

    Raises UnicodeEncodeError for what no WSGI application may send.
    """
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _relative(location: str, request: Request) -> str:
    """Behind CloudFront the host that Flask sees is not the one the browser asked."""
    path = location.removeprefix(f"{request.scheme}://{request.host}")
    return path if path.startswith("/") and not path.startswith("//") else location


def _encoded(body: bytes, headers: dict[str, list[str]]) -> tuple[str, bool]:
    """Return the body as text if it is, else in base64, and whether it is in base64."""
    if "content-encoding" not in headers and b"\x00" not in body:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            """No text, then, or text of another kind."""
    return base64.b64encode(body).decode(), bool(body)
