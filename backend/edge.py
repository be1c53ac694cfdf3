"""Between Lambda and Flask: every event gets an answer and one log line.

serverless-wsgi makes the WSGI environment and runs the application. What it gets wrong is
mended before it (`backend.events`), around the application (`_Run`), and after it (`_reply`).
"""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING, Any

import serverless_wsgi

from backend import api, application, events, logs, metrics, problems, request_ids, schedule
from backend.answers import Answer, Reply, render
from backend.errors import AnswerTooLargeError, RefusalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from flask import Flask

    from backend.config import Settings
    from backend.events import Request

_MAX_BYTES = 6_000_000
_TEXT_TYPES = (*serverless_wsgi.TEXT_MIME_TYPES, problems.MEDIA_TYPE)


class Edge:
    """The Lambda handler around one application."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        # The list is the library's only setting for this; without it problems go as base64.
        serverless_wsgi.TEXT_MIME_TYPES[:] = _TEXT_TYPES
        self._app = app
        self._rules = events.Rules(settings.base_path, settings.trusted_hosts)
        self._namespace = settings.metrics_namespace
        self._cold = True
        self._same_on_every_line = {
            "environment": settings.environment,
            "release": settings.release.id,
            "function_version": settings.function_version,
        }

    def __call__(self, event: object, context: object) -> Answer:
        """Answer any event. Raises nothing, whatever it is given."""
        started = time.perf_counter()
        line = self._line(context)
        try:
            answer = self._dispatch(event, line)
        except RefusalError as refusal:
            line["refused"] = refusal.detail
            answer = _problem(event, refusal, line)
        except AnswerTooLargeError as fault:
            line["fault"] = str(fault)
            answer = _problem(event, _INTERNAL, line)
        except Exception:  # The last line of defence.
            line["exception"] = traceback.format_exc()
            answer = _problem(event, _INTERNAL, line)
        line["duration_ms"] = round((time.perf_counter() - started) * 1000, 3)
        self._write(line)
        return answer

    def _line(self, context: object) -> dict[str, Any]:
        cold, self._cold = self._cold, False
        lambda_id = getattr(context, "aws_request_id", None)
        return {
            "request_id": request_ids.choose(lambda_id),
            "lambda_request_id": lambda_id if isinstance(lambda_id, str) else None,
            "cold_start": cold,
            **self._same_on_every_line,
        }

    def _write(self, line: dict[str, Any]) -> None:
        if self._namespace and line.get("source") != schedule.SOURCE:
            line |= metrics.of(line, self._namespace, time.time())
        failed = line["status"] >= 500 or "exception" in line
        logs.write("ERROR" if failed else "INFO", "event", **line)

    def _dispatch(self, event: object, line: dict[str, Any]) -> Answer:
        if isinstance(event, dict) and schedule.is_warm_up(event):
            services: api.Services = self._app.extensions[api.EXTENSION]
            line |= {"source": schedule.SOURCE, "status": 200}
            return schedule.warm_up(services.public)
        request = events.parse(event, self._rules)
        line["request_id"] = request_ids.choose(
            request.headers.get("x-request-id"), request.gateway_id, line["request_id"]
        )
        line |= {"source": request.source, "method": request.method, "path": request.path}
        line["trace"] = request.headers.get("x-amzn-trace-id")
        reply = self._run(request, event, line)
        line["status"] = reply.status
        return render(event, reply)

    def _run(self, request: Request, event: object, line: dict[str, Any]) -> Reply:
        run = _Run(self._app, request, event, line)
        return _reply(serverless_wsgi.handle_request(run, _canonical(request), None), request)


class _Run:
    """A WSGI application that runs Flask's for one request, and to the end."""

    def __init__(self, app: Flask, request: Request, event: object, line: dict[str, Any]) -> None:
        self._app = app
        self._request = request
        self._event = event
        self._line = line

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._mend(environ)
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def begin(
            status: str, headers: list[tuple[str, str]], _: object = None
        ) -> Callable[[bytes], object]:
            begun.append((status, headers))
            return _no_write

        body = self._read(self._app(environ, begin))
        status, headers = begun[-1]
        start_response(status, _marked_as_binary(headers, body))
        return [body]

    def _mend(self, environ: WSGIEnvironment) -> None:
        request = self._request
        name, _, port = request.host.partition(":")
        environ |= {
            "SCRIPT_NAME": _wsgi(request.mount),
            "PATH_INFO": _wsgi(request.path),
            "HTTP_HOST": request.host,
            "SERVER_NAME": name,
            "SERVER_PORT": port or ("443" if request.scheme == "https" else "80"),
            "wsgi.url_scheme": request.scheme,
            "serverless.event": self._event,
            request_ids.ENVIRON_KEY: self._line["request_id"],
            application.LINE_KEY: self._line,
            api.COLD_START_KEY: self._line["cold_start"],
        }
        if not environ["HTTP_COOKIE"]:
            del environ["HTTP_COOKIE"]

    def _read(self, parts: Iterable[bytes]) -> bytes:
        """Collect the body, then close it: `Response.call_on_close` hangs on that."""
        try:
            return b"".join(_limited(parts))
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()


def _no_write(_: bytes) -> None:
    """PEP 3333 has it for frameworks older than it, and Flask is none."""


def _limited(parts: Iterable[bytes]) -> Iterable[bytes]:
    size = 0
    for part in parts:
        size += len(part)
        if size > _MAX_BYTES:
            raise AnswerTooLargeError(
                f"the answer has more than {_MAX_BYTES} bytes; send it in pages, or from the site"
            )
        yield part


def _canonical(request: Request) -> dict[str, Any]:
    """Make the event that serverless-wsgi reads it best: payload 2.0 without anything to trip over.

    With `multiValueHeaders` it keeps repeated headers of the answer apart.
    """
    cookie = request.headers.get("cookie")
    return {
        "version": "2.0",
        "rawPath": "/",
        "rawQueryString": request.query,
        "headers": request.headers,
        "cookies": [cookie] if cookie else [],
        "requestContext": {"http": {"method": request.method, "sourceIp": request.client}},
        "body": request.body,
        "multiValueHeaders": {"": []},
    }


def _reply(result: dict[str, Any], request: Request) -> Reply:
    headers: dict[str, list[str]] = {}
    for name, values in result["multiValueHeaders"].items():
        headers.setdefault(name.lower(), [_text(value) for value in values])
    if headers.get("content-encoding") == ["identity"]:
        del headers["content-encoding"]
    if "location" in headers:
        headers["location"] = [_relative(value, request) for value in headers["location"]]
    return Reply(
        status=result["statusCode"],
        headers=headers,
        body=result.get("body", ""),
        is_base64=result.get("isBase64Encoded", False),
    )


def _relative(location: str, request: Request) -> str:
    """Behind CloudFront the host that Flask sees is not the one the browser asked."""
    origin = f"{request.scheme}://{request.host}"
    path = location.removeprefix(origin)
    return path if path.startswith("/") and not path.startswith("//") else location


def _marked_as_binary(headers: list[tuple[str, str]], body: bytes) -> list[tuple[str, str]]:
    """serverless-wsgi decodes text as UTF-8 and fails on any other, unless it is encoded."""
    try:
        body.decode()
    except UnicodeDecodeError:
        if not any(name.lower() == "content-encoding" for name, _ in headers):
            return [*headers, ("Content-Encoding", "identity")]
    return headers


def _problem(event: object, refusal: RefusalError, line: dict[str, Any]) -> Answer:
    line["status"] = refusal.status
    text = problems.body(refusal.status, refusal.title, refusal.detail, line["request_id"])
    headers = {
        "content-type": [problems.MEDIA_TYPE],
        "cache-control": ["no-store"],
        request_ids.HEADER.lower(): [line["request_id"]],
    }
    return render(event, Reply(refusal.status, headers, text, is_base64=False))


_INTERNAL = RefusalError(500, problems.INTERNAL_TITLE, problems.INTERNAL_DETAIL)


def _text(value: str) -> str:
    """Read what a WSGI application means: bytes, each as one character, mostly UTF-8.

    Raises UnicodeEncodeError for what no WSGI application may send.
    """
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _wsgi(text: str) -> str:
    return text if text.isascii() else text.encode().decode("latin-1")
