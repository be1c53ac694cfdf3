"""Work that is not a request: messages of the function's own queues, and sending one.

A queue is named PROJECT-ENV-NAME, and `[tool.ship.application.events]` names its handler. Lambda
repeats what fails, and SQS moves what fails again and again to the dead-letter queue:
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import importlib
import json
import os
import threading
import traceback
from contextlib import nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lambda_adapter import request_ids
from lambda_adapter.aws import AwsSettings, Client, Service
from lambda_adapter.errors import ServiceError, UnknownEventError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambda_adapter.logs import AccessLogEntry, LogStream

_SQS = Service("SQS", "sqs", "sqs", "AmazonSQS", "application/x-amz-json-1.0")
_FUNCTION = "AWS_LAMBDA_FUNCTION_NAME"
# Where there are no queues: the handlers by queue, and what gives them the application's context.
_here: tuple[Mapping[str, str], Any] | None = None


def run(
    event: dict[str, Any],
    application: Any,
    handlers: Mapping[str, str],
    log: LogStream,
    entry: AccessLogEntry,
) -> dict[str, Any]:
    """Give each message of a batch to the queue's handler; return those that failed.

    Raises:
        UnknownEventError: it is no batch of a queue that has a handler. SQS keeps the messages.
    """
    records = event["Records"]
    if not isinstance(records, list) or not records or not all(map(_is_message, records)):
        raise UnknownEventError(
            "this function gets records of its own queues only; have a topic or a bucket send to a "
            "queue of [tool.ship.application.events]"
        )
    source = records[0]["eventSourceARN"]
    name = source.partition(f":{os.environ.get(_FUNCTION)}-")[2]
    if name not in handlers:
        raise UnknownEventError(
            f"this release has no handler for the messages of {source}; name one in "
            "[tool.ship.application.events] of pyproject.toml"
        )
    handle = _load(handlers[name])
    entry.queue, entry.messages, failed = name, len(records), []
    for record in records:
        message = _read(record)
        # S3 says once that it has found the queue, and there is no object.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
        if isinstance(message["body"], dict) and message["body"].get("Event") == "s3:TestEvent":
            continue
        try:
            _call(handle, message, application, entry.request_id)
        # A handler may call exit(), as a view may.
        except BaseException:
            failed.append({"itemIdentifier": record["messageId"]})
            fields = {"request_id": entry.request_id, "queue": name, "id": message["id"]}
            fields |= {"attempt": message["attempt"], "exception": traceback.format_exc()}
            log.write_record("ERROR", "message failed", fields)
    entry.failed = len(failed)
    entry.status = 500 if failed else 200
    return {"batchItemFailures": failed}


def enqueue(queue: str, body: object, *, id: str | None = None) -> str:  # noqa: A002
    """Send a message to a queue of `[tool.ship.application.events]`, and return its id.

    Its handler gets it soon, once or more than once, as a dictionary of `id`, `body` and `attempt`.
    `id` is what tells it from others, by default a new one: a handler that keeps the ids of what it
    has done does nothing twice. `ship serve` calls the handler in a thread, once.

    Args:
        queue: the queue's name there.
        body: what JSON can hold, at most 256 KB of it.
        id: for example that of the order to be shipped.

    Raises:
        ServiceError: SQS did not take it.
    """
    found = request_ids.choose(id)
    if _FUNCTION not in os.environ:
        _handle_here(queue, {"id": found, "body": json.loads(json.dumps(body)), "attempt": 1})
        return found
    client = Client(_SQS, AwsSettings.from_environment())
    message = {
        "QueueUrl": _find_url(f"{os.environ[_FUNCTION]}-{queue}"),
        "MessageBody": json.dumps(body),
        "MessageAttributes": {"id": {"DataType": "String", "StringValue": found}},
    }
    client.pages("SendMessage", message)
    return found


def handle_here(handlers: Mapping[str, str], application: object) -> None:
    """Let `enqueue` call the handlers in this process, as there are no queues."""
    global _here
    _here = handlers, application


def _handle_here(queue: str, message: dict[str, Any]) -> None:
    if _here is None or queue not in _here[0]:
        raise ServiceError(
            f"there is no queue {queue!r} here; name it in [tool.ship.application.events], use "
            "`ship serve` or Lambda, and replace enqueue() in tests"
        )
    handle = _load(_here[0][queue])
    threading.Thread(target=_call, args=(handle, message, _here[1], None), daemon=True).start()


def _call(
    handle: Callable[[Any], object],
    message: dict[str, Any],
    application: Any,
    request_id: str | None,
) -> None:
    token = request_ids.current.set(request_id)
    try:
        with getattr(application, "app_context", nullcontext)():
            handle(message)
    finally:
        request_ids.current.reset(token)


def _load(handler: str) -> Callable[[Any], object]:
    module, _, name = handler.partition(":")
    found: Callable[[Any], object] = getattr(importlib.import_module(module), name)
    return found


def _is_message(record: object) -> bool:
    if not isinstance(record, dict) or record.get("eventSource") != "aws:sqs":
        return False
    texts = (record.get("messageId"), record.get("eventSourceARN"), record.get("body"))
    return all(isinstance(text, str) for text in texts)


def _read(record: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event."""
    text = record["body"]
    try:
        body = json.loads(text)
    except ValueError:
        body = text
    sent = (record.get("messageAttributes") or {}).get("id") or {}
    attempt = (record.get("attributes") or {}).get("ApproximateReceiveCount", 1)
    identity = sent.get("stringValue") or record["messageId"]
    return {"id": identity, "body": body, "attempt": int(attempt)}


@lru_cache(maxsize=32)
def _find_url(name: str) -> str:
    client = Client(_SQS, AwsSettings.from_environment())
    return str(client.pages("GetQueueUrl", {"QueueName": name})[0]["QueueUrl"])
