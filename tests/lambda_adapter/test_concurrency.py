from __future__ import annotations

import re
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import Any

import pytest

from lambda_adapter import concurrency
from lambda_adapter.concurrency import identity, warm
from lambda_adapter.config import Credentials, Settings
from tests.lambda_adapter.baselines import Context, Neighbours, neighbours


@pytest.fixture
def around() -> Iterator[Neighbours]:
    with neighbours() as double:
        yield double


def settings_for(url: str) -> Settings:
    return Settings(lambda_endpoint=url, credentials=Credentials("AKIDEXAMPLE", "secret", "token"))


def test_one_environment_asks_for_no_other(around: Neighbours) -> None:
    assert warm(1, None, settings_for(around.url), 1) == (1, "")
    assert around.asked == []


def test_the_others_are_asked_for_through_the_same_alias(around: Neighbours) -> None:
    assert warm(3, Context(), settings_for(around.url), 1) == (3, "")

    assert len(around.asked) == 2
    for method, path, headers, _ in around.asked:
        assert method == "POST"
        assert path == ("/2015-03-31/functions/serverless-flask-dev/invocations?Qualifier=live")
        assert headers["host"] == around.url.removeprefix("http://")
        assert headers["x-amz-security-token"] == "token"
        assert "/eu-central-1/lambda/aws4_request" in headers["authorization"]


def test_they_arrive_before_any_is_answered(around: Neighbours) -> None:
    around.together = 8

    assert warm(9, Context(), settings_for(around.url), 5) == (9, "")
    assert around.late == 0


def test_all_connections_stand_before_the_first_request_leaves(
    around: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    class Connection(HTTPConnection):
        def connect(self) -> None:
            steps.append("connect")
            super().connect()

        def request(self, *arguments: Any, **keywords: Any) -> None:
            steps.append("request")
            super().request(*arguments, **keywords)

    monkeypatch.setattr(concurrency, "HTTPConnection", Connection)
    warm(4, Context(), settings_for(around.url), 1)

    assert steps == ["connect"] * 3 + ["request"] * 3


def test_environments_that_answer_twice_count_once(around: Neighbours) -> None:
    around.invocation = (200, b'{"status": "warm", "environment": "the same"}')

    found, fault = warm(4, Context(), settings_for(around.url), 1)

    assert found == 2
    assert "2 of 4 environments are warm" in fault


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
    around: Neighbours, status: int, body: bytes, hint: str
) -> None:
    around.invocation = (status, body)

    found, fault = warm(3, Context(), settings_for(around.url), 1)

    assert found == 1
    assert f"Lambda answered {status}; " in fault
    assert hint in fault
    assert "secret" not in fault


def test_nobody_there_is_told() -> None:
    found, fault = warm(3, Context(), settings_for("http://127.0.0.1:9"), 1)

    assert found == 1
    assert "ConnectionRefusedError" in fault


def test_it_waits_no_longer_than_it_may(around: Neighbours) -> None:
    around.together = 9

    began = time.monotonic()
    found, fault = warm(2, Context(), settings_for(around.url), 0.2)

    assert found == 1
    assert "TimeoutError" in fault
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
def test_without_an_alias_nobody_is_asked(around: Neighbours, arn: object) -> None:
    context = SimpleNamespace(invoked_function_arn=arn)

    found, fault = warm(2, context, settings_for(around.url), 1)

    assert found == 1
    assert "without an alias" in fault
    assert around.asked == []


def test_without_a_role_nobody_is_asked(around: Neighbours) -> None:
    found, fault = warm(2, Context(), Settings(lambda_endpoint=around.url), 1)

    assert found == 1
    assert "without an alias or a role" in fault


def test_a_process_has_one_name() -> None:
    assert identity() == identity()
    assert re.fullmatch("[0-9a-f]{16}", identity())
