"""Between Lambda and Flask: every event gets an answer and one log line."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING, Any

from app import api, application, problems
from lambda_adapter import events, logs, metrics, request_ids, schedule, wsgi
from lambda_adapter.errors import AnswerTooLargeError, RefusalError
from lambda_adapter.responses import Answer, Reply, render

if TYPE_CHECKING:
    from flask import Flask

    from lambda_adapter.config import Settings


class Edge:
    """The Lambda handler around one application."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._rules = events.Rules(settings.base_path, settings.trusted_hosts)
        self._cold = True
        self._metrics = metrics.Directives(settings.metrics_namespace)
        self._same_on_every_line = logs.members(
            {
                "environment": settings.environment,
                "release": settings.release.id,
                "function_version": settings.function_version,
            }
        )

    def __call__(self, event: object, context: object) -> Answer:
        """Answer any event. Raises nothing, whatever it is given."""
        started = time.perf_counter()
        line = self._line(context)
        try:
            answer = self._dispatch(event, context, line)
        except RefusalError as refusal:
            line["refused"] = refusal.detail
            answer = _problem(event, refusal, line)
        except AnswerTooLargeError as fault:
            line["fault"] = str(fault)
            answer = _problem(event, _INTERNAL, line)
        except (Exception, SystemExit):  # The last line of defence, and a view may call exit().
            line["exception"] = traceback.format_exc()
            answer = _problem(event, _INTERNAL, line)
        line["duration_ms"] = round((time.perf_counter() - started) * 1000, 3)
        self._write(line)
        return answer

    def _line(self, context: object) -> dict[str, Any]:
        cold, self._cold = self._cold, False
        lambda_id = getattr(context, "aws_request_id", None)
        return {
            "request_id": None,
            "lambda_request_id": lambda_id if isinstance(lambda_id, str) else None,
            "cold_start": cold,
        }

    def _write(self, line: dict[str, Any]) -> None:
        tail = self._same_on_every_line
        if line.get("source") != schedule.SOURCE:
            line |= metrics.values(line)
            tail += self._metrics.of_a_request()
        elif "available" in line:
            tail += self._metrics.of_a_check()
        failed = line["status"] >= 500 or "exception" in line
        logs.write("ERROR" if failed else "INFO", "event", line, tail)

    def _dispatch(self, event: object, context: object, line: dict[str, Any]) -> Answer:
        if isinstance(event, dict) and event.get("source") == schedule.SOURCE:
            _name(line)
            return schedule.follow(event, self._app.extensions[api.EXTENSION], context, line)
        request = events.parse(event, self._rules)
        _name(line, request.headers.get("x-request-id"), request.gateway_id)
        line |= {"source": request.source, "method": request.method, "path": request.path}
        line["trace"] = request.headers.get("x-amzn-trace-id")
        reply = wsgi.run(self._app, request, _more(event, line))
        line["status"] = reply.status
        return render(event, _stamped(reply, line))


def _name(line: dict[str, Any], *candidates: object) -> None:
    """Give the line the request's id: the first that will do, else Lambda's."""
    line["request_id"] = request_ids.choose(*candidates, line["lambda_request_id"])


def _more(event: object, line: dict[str, Any]) -> dict[str, Any]:
    """Return what the application finds in its environment besides the request."""
    return {
        "serverless.event": event,
        request_ids.ENVIRON_KEY: line["request_id"],
        application.LINE_KEY: line,
        api.COLD_START_KEY: line["cold_start"],
    }


def _stamped(reply: Reply, line: dict[str, Any]) -> Reply:
    """Name the request; let nothing be cached that does not ask for it, nor guessed at."""
    reply.headers["x-request-id"] = [line["request_id"]]
    reply.headers.setdefault("cache-control", ["no-store"])
    reply.headers["x-content-type-options"] = ["nosniff"]
    return reply


def _problem(event: object, refusal: RefusalError, line: dict[str, Any]) -> Answer:
    line["status"] = refusal.status
    if line["request_id"] is None:
        _name(line)
    text = problems.body(refusal.status, refusal.title, refusal.detail, line["request_id"])
    reply = Reply(refusal.status, {"content-type": [problems.MEDIA_TYPE]}, text, is_base64=False)
    return render(event, _stamped(reply, line))


_INTERNAL = RefusalError(500, problems.INTERNAL_TITLE, problems.INTERNAL_DETAIL)
