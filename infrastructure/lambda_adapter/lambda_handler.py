"""Between Lambda and the application: every request gets a response and one access log entry."""

from __future__ import annotations

import contextlib
import time
import traceback
from typing import TYPE_CHECKING, Any

from lambda_adapter import endpoints, events, logs, request_ids, responses, wsgi
from lambda_adapter.errors import RequestError, ResponseError, UnknownEventError
from lambda_adapter.logs import AccessLogEntry
from lambda_adapter.metrics import EmbeddedMetrics
from lambda_adapter.responses import problem, to_lambda

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from lambda_adapter.config import Settings
    from lambda_adapter.events import Request
    from lambda_adapter.responses import Response

HTTP = "http-api"
INVOKED = "pre-traffic"
"""Stands for the API's id in the events that `ship` makes. API Gateway writes its own there."""
COMMAND = "lambda_adapter.command"
"""The only member of the event of a command: its `arguments`, the name first, and an `id`."""
QUEUE = "queue"
SCHEDULE = "lambda_adapter.schedule"
"""The source of the schedule's events. A name of our own: `aws.events` could be anybody's."""


class LambdaHandler:
    """The Lambda handler around one application."""

    def __init__(
        self, application: WSGIApplication, settings: Settings, log: logs.LogStream
    ) -> None:
        self._application = application
        self._settings = settings
        self._log = log
        self._is_cold = True
        self._metrics = EmbeddedMetrics(settings.metrics_namespace)
        self._suffix = logs.encode_members(
            {
                "environment": settings.environment,
                "release": settings.release.id,
                "function_version": settings.function_version,
            }
        )

    def __call__(self, event: object, context: object) -> dict[str, Any]:
        """Answer a request, or do what the schedule or `ship run` asks for.

        Raises:
            UnknownEventError: it is another event. A queue's message or an object's notification
                that were answered would count as done, and be lost.
        """
        started = time.perf_counter()
        lambda_id = getattr(context, "aws_request_id", None)
        entry = AccessLogEntry(cold_start=self._is_cold)
        self._is_cold = False
        if isinstance(lambda_id, str):
            entry.lambda_request_id = lambda_id
        try:
            if isinstance(event, dict) and event.get("source") == SCHEDULE:
                from lambda_adapter import schedule  # A request needs nothing of it.

                entry.source = SCHEDULE
                entry.request_id = request_ids.choose(entry.lambda_request_id)
                return schedule.run(event, context, entry)
            if isinstance(event, dict) and COMMAND in event:
                from lambda_adapter import commands

                entry.source = COMMAND
                return commands.run(event, context, self._settings, self._log, entry)
            if isinstance(event, dict) and "Records" in event:
                from lambda_adapter import queues

                entry.source = QUEUE
                entry.request_id = request_ids.choose(entry.lambda_request_id)
                handlers = self._settings.release.events
                return queues.run(event, self._application, handlers, self._log, entry)
            return self._respond(event, context, entry)
        except UnknownEventError as error:
            entry.error = str(error)
            entry.request_id = request_ids.choose(entry.lambda_request_id)
            raise
        except Exception:  # Of the schedule's; EventBridge tries again.
            entry.exception = traceback.format_exc()
            raise
        finally:
            entry.duration_ms = round((time.perf_counter() - started) * 1000, 3)
            with contextlib.suppress(Exception):  # A response is worth more than its entry.
                self._write(entry)

    def _respond(self, event: object, context: object, entry: AccessLogEntry) -> dict[str, Any]:
        entry.source = HTTP
        try:
            request = events.parse(event, self._settings.cloudfront)
            entry.request_id = request_ids.choose(
                request.headers.get(request_ids.HEADER), request.gateway_id, entry.lambda_request_id
            )
            entry.method, entry.path = request.method, request.path
            if trace := request.headers.get("x-amzn-trace-id"):
                entry.trace = trace
            if self._settings.behind_cloudfront:
                _check_origin(request, event)
            _check_login(request, self._settings.login_paths)
            if request.path.startswith(endpoints.PREFIX):
                response = endpoints.respond(request, self._settings, cold_start=entry.cold_start)
            else:
                environ = wsgi.build_environ(request, event, context, entry.request_id)
                token = request_ids.current.set(entry.request_id)
                try:
                    response = wsgi.run(self._application, environ)
                finally:
                    request_ids.current.reset(token)
            return to_lambda(
                _with_default_headers(response, entry),
                through_cloudfront=request.through_cloudfront,
            )
        except UnknownEventError:
            del entry.source
            raise
        except RequestError as error:
            entry.error = error.detail
            reason = (error.status, error.title, error.detail)
        except ResponseError as error:
            entry.error = str(error)
            reason = (500, *responses.INTERNAL_ERROR)
        # A view may call exit(), or leave a cancelled task: either would end the process.
        except BaseException:
            entry.exception = traceback.format_exc()
            reason = (500, *responses.INTERNAL_ERROR)
        request_id = entry.request_id or request_ids.choose(entry.lambda_request_id)
        entry.request_id = request_id
        return to_lambda(_with_default_headers(problem(*reason, request_id), entry))

    def _write(self, entry: AccessLogEntry) -> None:
        suffix = self._suffix
        if entry.source == SCHEDULE:
            suffix += "" if entry.available is None else self._metrics.of_check()
        elif entry.source == HTTP:
            suffix += self._metrics.of_request(entry)
        level = "ERROR" if entry.status >= 500 else "INFO"
        self._log.write_record(level, "event", vars(entry), suffix)


def _check_origin(request: Request, event: Any) -> None:
    """Refuse a request that did not come through the distribution.

    An event without an API's id is no request: who may invoke the function has made it.
    """
    if not request.through_cloudfront and event["requestContext"].get("apiId") != INVOKED:
        raise RequestError(403, "Forbidden", "Ask at the site's address; this one is closed.")


def _check_login(request: Request, prefixes: tuple[str, ...]) -> None:
    """Refuse a request to a guarded path that the API's authorizer has let through unseen.

    API Gateway may read a path in another way than the application, which sees it decoded.
    Preflights have no token.
    """
    is_guarded = prefixes and f"{request.path}/".startswith(prefixes)
    if is_guarded and not request.authorizer.get("jwt") and request.method != "OPTIONS":
        raise RequestError(401, "Unauthorized", "This needs a valid token; log in.")


def _with_default_headers(response: Response, entry: AccessLogEntry) -> Response:
    """Name the request; let nothing be cached that does not ask for it, nor its type guessed."""
    entry.status = response.status
    if response.route:
        entry.route = response.route
    response.headers[request_ids.HEADER] = [str(entry.request_id)]
    response.headers.setdefault("cache-control", ["no-store"])
    response.headers.setdefault("x-content-type-options", ["nosniff"])
    return response
