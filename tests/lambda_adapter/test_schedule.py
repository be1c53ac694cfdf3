from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from app import create_app
from lambda_adapter import schedule
from lambda_adapter.config import Credentials, Settings
from lambda_adapter.errors import RefusalError
from lambda_adapter.lambda_handler import Edge
from tests.fixtures.events import hold, warm_up
from tests.lambda_adapter.baselines import Context, Neighbours, neighbours
from tests.lambda_adapter.fakes import SETTINGS, running_parameter_store

SITE = "https://d123.cloudfront.net"
AWS = "https://lambda.eu-central-1.amazonaws.com"
EMULATOR = "http://127.0.0.1:4566"


@pytest.fixture
def around() -> Iterator[Neighbours]:
    with neighbours() as double:
        yield double


def edge_beside(around: Neighbours, **changes: Any) -> Edge:
    """Return an entry point whose endpoint of Lambda is the double."""
    keys = Credentials("AKIDEXAMPLE", "secret", "token")
    settings = replace(SETTINGS, lambda_endpoint=around.url, credentials=keys, **changes)
    return Edge(create_app(settings), settings)


def order(around: Neighbours, environments: int = 1) -> dict[str, Any]:
    return warm_up(detail={"environments": environments, "address": around.url})


def test_a_warm_up_checks_itself_and_records_that_it_is_available(
    around: Neighbours, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    answer = edge_beside(around)(order(around), Context())

    assert answer == {"status": "warm", "environments": 1, "available": 1, "faults": []}
    (line,) = log_lines()
    assert line["source"] == "serverless-flask.schedule"
    assert (line["status"], line["level"], line["available"]) == (200, "INFO", 1)
    assert line["cold_start"] is True
    assert line["request_id"] == line["lambda_request_id"] == Context.aws_request_id
    ((method, path, headers, _),) = around.asked
    assert (method, path) == ("GET", "/api/health")
    assert headers["user-agent"] == "serverless-flask-self-check"


def test_a_site_that_does_not_answer_is_recorded_as_not_available(
    around: Neighbours, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    around.site = (502, b"")

    answer = edge_beside(around)(order(around), Context())

    assert answer["available"] == 0
    assert "502, not 200" in answer["faults"][0]
    (line,) = log_lines()
    assert (line["status"], line["level"], line["available"]) == (503, "ERROR", 0)
    assert line["faults"] == answer["faults"]


def test_it_holds_the_other_environments_at_the_same_time(around: Neighbours) -> None:
    around.together = 4

    answer = edge_beside(around)(order(around, 5), Context())

    assert answer["environments"] == 5
    assert around.late == 0
    assert [json.loads(body) for *_, body in around.asked[:4]] == [hold()] * 4


def test_settings_that_cannot_be_read_are_told_and_do_not_make_the_site_unavailable(
    around: Neighbours, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    with running_parameter_store() as store:
        edge = edge_beside(around, parameter_prefix="/x/dev/public", ssm_endpoint=store.url)
        answer = edge(order(around), Context())

    assert answer["available"] == 1
    assert "there is no parameter" in answer["faults"][0]
    assert log_lines()[-1]["faults"] == answer["faults"]


def test_what_a_warm_up_sends_on_holds_for_a_moment_and_goes_no_further(
    around: Neighbours, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    edge = edge_beside(around)
    more = hold(detail={"environments": 20, "address": around.url})

    began = time.monotonic()
    first, second = edge(more, Context()), edge(hold(), Context())
    took = time.monotonic() - began

    assert first == second == {"status": "warm", "environment": first["environment"]}
    assert 0.2 <= took < 2
    assert around.asked == []
    assert [line["status"] for line in log_lines()] == [200, 200]


def test_steps_end_before_the_function_would_be_stopped() -> None:
    assert schedule._seconds(Context(10)) == 5
    assert schedule._seconds(Context(2)) == 1.5
    assert schedule._seconds(Context(0)) == 0.1
    assert schedule._seconds(None) == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "aws.events"},
        {"source": "serverless-plugin-warmup"},
        {"source": ["serverless-flask.schedule"]},
        {"detail-type": "Scheduled Event"},
        {"detail-type": None},
    ],
)
def test_any_other_schedule_is_refused(changes: dict[str, Any]) -> None:
    answer = Edge(create_app(SETTINGS), SETTINGS)(warm_up(**changes), None)

    assert answer["statusCode"] == 400
    assert "schedule" in answer["body"]


@pytest.mark.parametrize("environments", [1, 20])
def test_an_order_of_terraform_is_read(environments: int) -> None:
    detail = {"environments": environments, "address": SITE}

    assert schedule.read(detail, AWS) == (environments, SITE)


def test_plain_http_is_for_an_emulator_on_the_function_s_own_host() -> None:
    def read(address: str, endpoint: str) -> str:
        return schedule.read({"environments": 1, "address": address}, endpoint).address

    assert read("http://127.0.0.1:4567", EMULATOR) == "http://127.0.0.1:4567"
    assert read(SITE, EMULATOR) == SITE
    for address, endpoint in (
        ("http://127.0.0.1:4567", AWS),
        ("http://169.254.169.254:80", EMULATOR),
        ("http://127.0.0.1:4567", "http://localhost:4566"),
        ("http://127.0.0.1.evil.example:80", EMULATOR),
        ("http://127.0.0.1", EMULATOR),
    ):
        with pytest.raises(RefusalError):
            read(address, endpoint)


@pytest.mark.parametrize(
    "detail",
    [
        None,
        [],
        "1",
        {},
        {"environments": 1},
        {"address": SITE},
        {"environments": 1, "address": SITE, "path": "/"},
        *({"environments": n, "address": SITE} for n in (0, -1, 21, 10**9, True, 1.0, "1", None)),
        *(
            {"environments": 1, "address": address}
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
def test_an_order_of_any_other_shape_is_refused(detail: object) -> None:
    with pytest.raises(RefusalError, match=r"schedule\.tf"):
        schedule.read(detail, AWS)


def test_an_event_that_is_refused_asks_nobody(around: Neighbours) -> None:
    edge = edge_beside(around)
    changed = order(around)
    changed["detail"]["path"] = "/"

    assert edge(changed, Context())["statusCode"] == 400
    assert around.asked == []


def test_without_a_namespace_a_check_is_not_measured(
    around: Neighbours, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    edge_beside(around, metrics_namespace="")(order(around), Context())

    assert "_aws" not in log_lines()[0]
    assert Settings().metrics_namespace
