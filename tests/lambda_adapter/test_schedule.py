import json
import time
from typing import Any

import pytest

from lambda_adapter import schedule
from lambda_adapter.config import Settings
from lambda_adapter.errors import UnknownEventError
from lambda_adapter.lambda_handler import LambdaHandler
from tests.fixtures.events import keep_busy, warm_up
from tests.lambda_adapter.fake_services import Context, FakeServices
from tests.lambda_adapter.http_server import Answer
from tests.lambda_adapter.in_memory import Log

SITE = "https://d123.cloudfront.net"
AWS = "https://lambda.eu-central-1.amazonaws.com"
EMULATOR = "http://127.0.0.1:4566"


@pytest.fixture
def beside(
    handler: LambdaHandler, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> LambdaHandler:
    """A handler whose Lambda and whose site are fakes."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", services.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return handler


def ordered(services: FakeServices, environments: int = 1) -> dict[str, Any]:
    return warm_up(detail={"environments": environments, "site_url": services.url})


def test_a_warm_up_checks_the_site_and_records_that_it_is_available(
    beside: LambdaHandler, services: FakeServices, log: Log
) -> None:
    answer = beside(ordered(services), Context())

    assert answer == {"status": "warm", "environments": 1, "available": 1, "problems": []}
    (record,) = log.records()
    assert record["source"] == "lambda_adapter.schedule"
    assert (record["status"], record["level"], record["available"]) == (200, "INFO", 1)
    assert record["cold_start"] is True
    assert record["request_id"] == record["lambda_request_id"] == Context.aws_request_id
    (request,) = services.received
    assert (request.method, request.path) == ("GET", "/-/health")
    assert request.headers["user-agent"] == "lambda-adapter-synthetic-check"


def test_a_site_that_does_not_answer_is_recorded_as_not_available(
    beside: LambdaHandler, services: FakeServices, log: Log
) -> None:
    services.site = Answer(502, b"")

    answer = beside(ordered(services), Context())

    assert answer["available"] == 0
    assert "502, not 200" in answer["problems"][0]
    (record,) = log.records()
    assert (record["status"], record["level"], record["available"]) == (503, "ERROR", 0)
    assert record["problems"] == answer["problems"]


def test_the_other_execution_environments_are_kept_busy_at_the_same_time(
    beside: LambdaHandler, services: FakeServices
) -> None:
    services.together = 4

    answer = beside(ordered(services, 5), Context())

    assert answer["environments"] == 5
    assert services.late == 0
    assert [json.loads(request.body) for request in services.received[:4]] == [keep_busy()] * 4


def test_what_a_warm_up_sends_on_is_busy_for_a_moment_and_goes_no_further(
    beside: LambdaHandler, services: FakeServices, log: Log
) -> None:
    more = keep_busy(detail={"environments": 20, "site_url": services.url})

    began = time.monotonic()
    first, second = beside(more, Context()), beside(keep_busy(), Context())
    took = time.monotonic() - began

    assert first == second == {"status": "warm", "environment": first["environment"]}
    assert 0.2 <= took < 2
    assert services.received == []
    assert [record["status"] for record in log.records()] == [200, 200]


def test_the_application_has_no_part_in_it(
    settings: Settings, log: Log, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", services.url)

    def never(environ: object, start_response: object) -> list[bytes]:
        raise AssertionError

    handler = LambdaHandler(never, settings, log)

    assert handler(ordered(services), Context())["available"] == 1


def test_a_schedule_that_fails_does_not_count_as_a_request(
    handler: LambdaHandler, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "run", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        handler(warm_up(), Context())
    (record,) = log.records()
    assert record["level"] == "ERROR"
    assert "requests" not in record
    assert "ZeroDivisionError" in record["exception"]


def test_steps_end_before_the_function_would_be_stopped() -> None:
    assert schedule._remaining_seconds(Context(10)) == 5
    assert schedule._remaining_seconds(Context(2)) == 1.5
    assert schedule._remaining_seconds(Context(0)) == 0.1
    assert schedule._remaining_seconds(None) == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "aws.events"},
        {"source": "serverless-plugin-warmup"},
        {"source": ["lambda_adapter.schedule"]},
        {"detail-type": "Scheduled Event"},
        {"detail-type": None},
    ],
)
def test_any_other_schedule_raises(
    handler: LambdaHandler, log: Log, changes: dict[str, Any]
) -> None:
    with pytest.raises(UnknownEventError, match="schedule"):
        handler(warm_up(**changes), None)
    (record,) = log.records()
    assert record["level"] == "ERROR"
    assert "requests" not in record


@pytest.mark.parametrize("environments", [1, 20])
def test_what_terraform_writes_is_read(environments: int) -> None:
    detail = {"environments": environments, "site_url": SITE}

    assert schedule.read(detail, AWS) == schedule.WarmUp(environments, SITE)


def test_plain_http_is_for_an_emulator_on_the_function_s_own_host() -> None:
    def read(site_url: str, endpoint: str) -> str:
        return schedule.read({"environments": 1, "site_url": site_url}, endpoint).site_url

    assert read("http://127.0.0.1:4567", EMULATOR) == "http://127.0.0.1:4567"
    assert read(SITE, EMULATOR) == SITE
    for site_url, endpoint in (
        ("http://127.0.0.1:4567", AWS),
        ("http://169.254.169.254:80", EMULATOR),
        ("http://127.0.0.1:4567", "http://localhost:4566"),
        ("http://127.0.0.1.evil.example:80", EMULATOR),
        ("http://127.0.0.1", EMULATOR),
    ):
        with pytest.raises(UnknownEventError):
            read(site_url, endpoint)


@pytest.mark.parametrize(
    "detail",
    [
        None,
        [],
        "1",
        {},
        {"environments": 1},
        {"site_url": SITE},
        {"environments": 1, "site_url": SITE, "path": "/"},
        *({"environments": n, "site_url": SITE} for n in (0, -1, 21, 10**9, True, 1.0, "1", None)),
        *(
            {"environments": 1, "site_url": address}
            for address in (
                *(None, 1, [SITE], "", "d123.cloudfront.net", f"{SITE}/", f"{SITE}/x", f"{SITE}?x"),
                *(f"{SITE}:443", f" {SITE}", f"{SITE}\n", f"{SITE}\r\nx: y", f"{SITE}#x"),
                *("HTTPS://D123.CLOUDFRONT.NET", "http://d123.cloudfront.net", "//evil.example"),
                *("ftp://evil.example", "file:///etc/passwd", "gopher://evil.example", "https://"),
                *("https://127.0.0.1", "https://169.254.169.254", "https://[::1]", "https://1.2"),
                *("https://localhost", "https://2852039166", "https://0xa9fea9fe", "https://x."),
                *("https://a@evil.example", "https://a:b@evil.example", "https://evil.example\\x"),
                *("https://é.example", "https://-a.example", "https://a..example", "https://a b.c"),
                f"https://{'a' * 64}.example",
            )
        ),
    ],
)
def test_a_detail_of_any_other_shape_raises(detail: object) -> None:
    with pytest.raises(UnknownEventError, match=r"schedule\.tf"):
        schedule.read(detail, AWS)


def test_an_event_that_raises_asks_nobody(beside: LambdaHandler, services: FakeServices) -> None:
    changed = ordered(services)
    changed["detail"]["path"] = "/"

    with pytest.raises(UnknownEventError):
        beside(changed, Context())
    assert services.received == []
