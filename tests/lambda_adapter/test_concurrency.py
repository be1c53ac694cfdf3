import re
import time
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_adapter.concurrency import identity, warm_up
from lambda_adapter.connection import Connection
from tests.lambda_adapter.fake_services import Context, FakeServices
from tests.lambda_adapter.http_server import Answer


def test_one_environment_asks_for_no_other(services: FakeServices) -> None:
    assert warm_up(1, None, services.aws, 1) == (1, "")
    assert services.received == []


def test_the_others_are_asked_for_through_the_same_alias(services: FakeServices) -> None:
    assert warm_up(3, Context(), services.aws, 1) == (3, "")

    assert len(services.received) == 2
    for request in services.received:
        headers = request.headers
        assert request.method == "POST"
        assert request.path == (
            "/2015-03-31/functions/serverless-flask-dev/invocations?Qualifier=live"
        )
        assert headers["host"] == services.url.removeprefix("http://")
        assert headers["x-amz-security-token"] == "token"
        assert "/eu-central-1/lambda/aws4_request" in headers["authorization"]


def test_they_arrive_before_any_is_answered(services: FakeServices) -> None:
    services.together = 8

    assert warm_up(9, Context(), services.aws, 5) == (9, "")
    assert services.late == 0


def test_all_connections_stand_before_the_first_request_leaves(
    services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    class Spied(Connection):
        def open(self) -> Any:
            steps.append("open")
            return super().open()

        def send(self, *arguments: Any, **keywords: Any) -> None:
            steps.append("send")
            super().send(*arguments, **keywords)

    monkeypatch.setattr("lambda_adapter.concurrency.Connection", Spied)
    warm_up(4, Context(), services.aws, 1)

    assert steps == ["open"] * 3 + ["send", "open"] * 3 + ["open"] * 3


def test_environments_that_answer_twice_count_once(services: FakeServices) -> None:
    services.invocation = Answer(body=b'{"status": "warm", "environment": "the same"}')

    count, problem = warm_up(4, Context(), services.aws, 1)

    assert count == 2
    assert "2 of 4 execution environments are warm" in problem


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (429, b'{"Reason": "secret"}', "raise function_reserved_concurrency"),
        (403, b'{"Message": "secret"}', "lambda:InvokeFunction"),
        (500, b"<html>secret", "function's log"),
        (500, b'{"environment": "one that failed"}', "function's log"),
        (200, b'{"errorMessage": "secret"}', "function's log"),
        (200, b"[" * 9000, "function's log"),
        (200, b'{"environment": 7}', "function's log"),
    ],
)
def test_a_refusal_is_told_without_its_words(
    services: FakeServices, status: int, body: bytes, hint: str
) -> None:
    services.invocation = Answer(status, body)

    count, problem = warm_up(3, Context(), services.aws, 1)

    assert count == 1
    assert f"Lambda answered {status}; " in problem
    assert hint in problem
    assert "secret" not in problem


def test_nobody_there_is_told() -> None:
    count, problem = warm_up(3, Context(), FakeServices("http://127.0.0.1:9").aws, 1)

    assert count == 1
    assert "ConnectionRefusedError" in problem


def test_it_waits_no_longer_than_it_may(services: FakeServices) -> None:
    services.together = 9

    began = time.monotonic()
    count, problem = warm_up(2, Context(), services.aws, 0.2)

    assert count == 1
    assert "TimeoutError" in problem
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "arn",
    [
        None,
        7,
        "",
        "arn:aws:lambda:eu-central-1:000000000000:function:serverless-flask-dev",
        "arn:aws:lambda:eu-central-1:000000000000:function:a/../b:live",
        "arn:aws:lambda:eu-central-1:000000000000:function:a:live?x=y",
        "arn:aws:s3:::bucket",
    ],
)
def test_without_an_alias_nobody_is_asked(services: FakeServices, arn: object) -> None:
    context = SimpleNamespace(invoked_function_arn=arn)

    count, problem = warm_up(2, context, services.aws, 1)

    assert count == 1
    assert "without an alias" in problem
    assert services.received == []


def test_without_a_role_nobody_is_asked(services: FakeServices) -> None:
    count, problem = warm_up(2, Context(), services.aws._replace(credentials=None), 1)

    assert count == 1
    assert "without an alias or a role" in problem


def test_a_process_has_one_name() -> None:
    assert identity() == identity()
    assert re.fullmatch("[0-9a-f]{16}", identity())
