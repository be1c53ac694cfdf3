"""Runs a WSGI application for one request.

serverless-wsgi says how what the caller sent is put into the environment. Its `handle_request` is
not used: it takes as long as all that is done here, misreads addresses, mangles repeated headers,
fails on text that is no UTF-8, and closes nothing.
"""

from __future__ import annotations

import base64
import io
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import serverless_wsgi

from lambda_adapter.errors import AnswerTooLargeError
from lambda_adapter.responses import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

    from lambda_adapter.events import Request

MAX_BODY = 6_000_000
"""Bytes; more would not fit into what Lambda hands back, whatever they are."""

_Headers = list[tuple[str, str]]


def run(app: WSGIApplication, request: Request, more: dict[str, Any]) -> Reply:
    """Run the application to the end of its answer, with more in its environment.

    Raises AnswerTooLargeError, and whatever the application raises.
    """
    status, given = "", list[tuple[str, str]]()

    def begin(line: str, headers: _Headers, _: object = None) -> Callable[[bytes], object]:
        nonlocal status, given
        status, given = line, headers
        return _no_write

    content = _read(app(_environment(request) | more, begin))
    headers = _headers(given, request)
    body, is_base64 = _encoded(content, headers)
    return Reply(int(status[:3]), headers, body, is_base64)


def _no_write(_: bytes) -> None:
    """PEP 3333 has it for frameworks older than it, and Flask is none."""


def _environment(request: Request) -> WSGIEnvironment:
    """Make what PEP 3333 asks for: https://peps.python.org/pep-3333/#environ-variables."""
    asked = {
        "SCRIPT_NAME": request.mount,
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
    }
    environ: WSGIEnvironment = serverless_wsgi.setup_environ_items(asked, {})
    for header, value in request.headers.items():
        environ[_variable(header)] = value
    name, _, port = request.host.partition(":")
    return environ | {
        "REQUEST_METHOD": request.method,
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
    }


@lru_cache(maxsize=256)
def _variable(header: str) -> str:
    """Return the variable of a header; the library has none for the content type."""
    return next(iter(serverless_wsgi.setup_environ_items({}, {header: ""})), "CONTENT_TYPE")


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
        text = value if value.isascii() else _meant(value)
        headers.setdefault(name.lower(), []).append(text)
    if "location" in headers:
        headers["location"] = [_relative(value, request) for value in headers["location"]]
    return headers


def _meant(value: str) -> str:
    """Read what a WSGI application means: bytes, each as one character, mostly UTF-8.

    Raises UnicodeEncodeError for what no WSGI application may send.
    """
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
