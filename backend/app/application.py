"""Wires the application together."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from app import api, problems
from app.caching import Cache
from app.public_settings import SettingsCache
from lambda_adapter import logs, request_ids
from lambda_adapter.aws import TIMEOUT, ParameterStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from app.cloudwatch import History
    from lambda_adapter.config import Settings

LINE_KEY = "backend.line"
"""Where the Lambda entry point leaves, in the WSGI environment, the log line it will write."""


class Application(Flask):
    """Flask, with the trace of an unexpected error in the one log line of its request."""

    def log_exception(
        self, exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None]
    ) -> None:
        """Put the trace where it belongs: into the request's line, or a line of its own."""
        line = request.environ.get(LINE_KEY)
        if line is None:
            super().log_exception(exc_info)
        else:
            line["exception"] = "".join(traceback.format_exception(exc_info[1]))


def build(settings: Settings) -> Flask:
    """Make the application for these settings."""
    logs.install(settings.log_level)
    app = Application("backend", static_folder=None)
    # A redirect made from the path is an open door (`//evil.example`); a 404 is not.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    reader = ParameterStore(settings) if settings.parameter_prefix else None
    app.extensions[api.EXTENSION] = api.Services(
        settings=settings,
        public=SettingsCache(reader, settings.parameter_ttl),
        history=history_cache(settings),
    )
    app.register_blueprint(api.blueprint)
    problems.install(app)
    app.before_request(_note_route)
    app.after_request(_stamp)
    return app


def history_cache(
    settings: Settings, clock: Callable[[], float] = time.time, timeout: float = TIMEOUT
) -> Cache[History | None]:
    """Make the memory of what CloudWatch said; what reads it is loaded when it is first due."""

    def read(_: History | None) -> tuple[History, tuple[str, ...]]:
        from app.cloudwatch import CloudWatch

        return CloudWatch(settings, timeout).read(clock()), ()

    configured = settings.metrics_namespace and settings.alarm_prefix
    return Cache("history", None, read if configured else None, settings.status_ttl, clock)


def _note_route() -> None:
    line = request.environ.get(LINE_KEY)
    if line is not None and request.url_rule is not None:
        line["route"] = request.url_rule.rule


def _stamp(response: Response) -> Response:
    """Do without the Lambda entry point what it does to every answer, refusals too."""
    if LINE_KEY in request.environ:
        return response
    response.headers[request_ids.HEADER] = request_ids.current()
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
