from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from flask import Flask, current_app

from lambda_adapter import queues
from lambda_adapter.config import Release, Settings
from lambda_adapter.errors import ServiceError, UnknownEventError
from lambda_adapter.lambda_handler import LambdaHandler
from tests.fixtures.events import load
from tests.lambda_adapter.fake_services import FakeServices
from tests.lambda_adapter.http_server import Answer
from tests.lambda_adapter.in_memory import SETTINGS, Log

got: list[tuple[Any, str]] = []


def handle(message: dict[str, Any]) -> None:
    """Stand for a handler of the application."""
    if message["body"] == "exit":
        raise SystemExit
    if message["body"] == "fail":
        raise RuntimeError("no stock")
    got.append((message, current_app.name))


@pytest.fixture(autouse=True)
def function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "corner-shop-dev")
    got.clear()
    queues._find_url.cache_clear()


@pytest.fixture
def settings() -> Settings:
    return SETTINGS._replace(
        release=Release("r", "c", "wsgi:app", {"orders": f"{__name__}:handle"})
    )


def batch(*bodies: str, queue: str = "corner-shop-dev-orders") -> dict[str, Any]:
    """A batch of messages; the first was sent by `enqueue`."""
    event = load("sqs")
    (first,) = event["Records"]
    records = [{**first, "messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]
    for record in records:
        record["eventSourceARN"] = first["eventSourceARN"].rpartition(":")[0] + f":{queue}"
    for record in records[1:]:
        record["messageAttributes"] = {}
    return {"Records": records}


def test_each_message_reaches_the_handler_in_the_application_s_context(
    handler: LambdaHandler, log: Log
) -> None:
    answer = handler(batch('{"order": 7}', "not JSON"), None)

    assert answer == {"batchItemFailures": []}
    assert got == [
        ({"id": "order-7", "body": {"order": 7}, "attempt": 2}, "hello"),
        ({"id": "m1", "body": "not JSON", "attempt": 2}, "hello"),
    ]
    (record,) = log.records()
    assert (record["source"], record["queue"], record["level"]) == ("queue", "orders", "INFO")
    assert (record["messages"], record["failed"]) == (2, 0)
    assert "requests" not in record, "a message is no request"


def test_the_test_of_a_bucket_s_notification_is_no_message(handler: LambdaHandler) -> None:
    told = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"}

    assert handler(batch(json.dumps(told), "1"), None) == {"batchItemFailures": []}
    assert [message["body"] for message, _ in got] == [1]


def test_messages_that_fail_are_returned_and_no_others(handler: LambdaHandler, log: Log) -> None:
    answer = handler(batch('"fail"', '"fine"', '"exit"', "1"), None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m2"}]}
    assert [message["id"] for message, _ in got] == ["m1", "m3"]
    first, second, whole = log.records()
    assert (first["id"], first["attempt"], first["level"]) == ("order-7", 2, "ERROR")
    assert "no stock" in first["exception"]
    assert "SystemExit" in second["exception"]
    assert (whole["failed"], whole["level"]) == (2, "ERROR")


@pytest.mark.parametrize(
    "event",
    [
        batch("1", queue="corner-shop-dev-others"),
        batch("1", queue="corner-shop-dev-orders-dead"),
        batch("1", queue="other-shop-dev-orders"),
        {"Records": []},
        {"Records": {"eventSourceARN": "x"}},
        {"Records": [{"eventSource": "aws:s3", "s3": {}}]},
        {"Records": [{"EventSource": "aws:sns", "Sns": {}}]},
        {"Records": [batch("1")["Records"][0] | {"eventSource": "aws:kinesis"}]},
        {"Records": [*batch("1")["Records"], None]},
    ],
)
def test_an_event_without_a_handler_raises_so_that_it_is_kept(
    handler: LambdaHandler, event: dict[str, Any]
) -> None:
    with pytest.raises(UnknownEventError, match=r"tool\.ship\.application\.events"):
        handler(event, None)
    assert got == []


@pytest.fixture
def sqs(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> FakeServices:
    """SQS at a fake's address, which names a queue's URL and takes messages."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", services.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    services.invocation = Answer(body=b'{"QueueUrl": "https://sqs/1/orders", "MessageId": "m"}')
    return services


def test_a_message_is_sent_with_its_id(sqs: FakeServices) -> None:
    assert queues.enqueue("orders", {"order": 7}, id="order-7") == "order-7"
    assert queues.enqueue("orders", None) != queues.enqueue("orders", None)

    url, first, *_ = sqs.received
    assert url.headers["x-amz-target"] == "AmazonSQS.GetQueueUrl"
    assert json.loads(url.body) == {"QueueName": "corner-shop-dev-orders"}
    assert first.headers["x-amz-target"] == "AmazonSQS.SendMessage"
    assert json.loads(first.body) == {
        "QueueUrl": "https://sqs/1/orders",
        "MessageBody": '{"order": 7}',
        "MessageAttributes": {"id": {"DataType": "String", "StringValue": "order-7"}},
    }
    assert len(sqs.received) == 4, "the address of a queue is asked for once"


def test_a_message_that_sqs_does_not_take_raises(sqs: FakeServices) -> None:
    sqs.invocation = Answer(400, b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist"}')

    with pytest.raises(ServiceError, match="QueueDoesNotExist"):
        queues.enqueue("orders", 1)


def test_without_queues_the_handler_is_called_here(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME")
    monkeypatch.setattr(queues, "_here", None)
    with pytest.raises(ServiceError, match="no queue 'orders' here"):
        queues.enqueue("orders", 1)

    queues.handle_here({"orders": f"{__name__}:handle"}, app)
    before = set(threading.enumerate())
    queues.enqueue("orders", {"order": 7}, id="order-7")
    for thread in set(threading.enumerate()) - before:
        thread.join()

    assert got == [({"id": "order-7", "body": {"order": 7}, "attempt": 1}, "hello")]
