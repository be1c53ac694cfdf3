from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app import create_app
from lambda_adapter import metrics
from lambda_adapter.config import Settings
from lambda_adapter.lambda_handler import Edge
from tests.fixtures.events import hold, http_api, warm_up
from tests.lambda_adapter.fakes import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS = {"Count", "Milliseconds"}


def assert_is_embedded_metric_format(line: dict[str, Any]) -> None:
    """Check what the specification demands of a line that carries metrics."""
    assert set(line["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    assert isinstance(line["_aws"]["Timestamp"], int)
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 1024
        assert len(directive["Metrics"]) <= 100
        for dimensions in directive["Dimensions"]:
            assert len(dimensions) <= 30
            assert all(isinstance(line[name], str) and line[name] for name in dimensions)
        for metric in directive["Metrics"]:
            assert set(metric) == {"Name", "Unit"}
            assert metric["Unit"] in UNITS
            assert isinstance(line[metric["Name"]], int | float)
            assert not isinstance(line[metric["Name"]], bool)


def test_the_line_of_a_request_is_its_metrics(
    edge: Edge, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    edge(http_api(), None)
    edge(http_api(), None)

    first, second = log_lines()
    assert_is_embedded_metric_format(first)
    assert (first["requests"], first["errors"], first["cold_starts"]) == (1, 0, 1)
    assert (second["requests"], second["errors"], second["cold_starts"]) == (1, 0, 0)
    (directive,) = first["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "serverless-flask"
    assert directive["Dimensions"] == [["environment"]]
    assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == metrics.METRICS


@pytest.mark.parametrize(("status", "errors"), [(200, 0), (404, 0), (499, 0), (500, 1), (503, 1)])
def test_only_answers_from_500_on_are_errors(status: int, errors: int) -> None:
    assert metrics.values({"status": status, "cold_start": False}) == {
        "requests": 1,
        "errors": errors,
        "cold_starts": 0,
    }


def test_a_self_check_is_measured_and_is_no_request(
    edge: Edge, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    edge(warm_up(), None)

    (line,) = log_lines()
    assert_is_embedded_metric_format(line)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "serverless-flask"
    assert directive["Dimensions"] == [["environment"]]
    assert directive["Metrics"] == [{"Name": "available", "Unit": "Count"}]
    assert line["available"] == 0
    assert line["environment"] == "staging"


def test_what_a_warm_up_sends_on_is_not_measured(
    edge: Edge, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    edge(hold(), None)

    assert "_aws" not in log_lines()[0]


def test_without_a_namespace_there_are_none(
    log_lines: Callable[[], list[dict[str, Any]]],
) -> None:
    settings = Settings(metrics_namespace="")
    Edge(create_app(settings), settings)(http_api(), None)

    assert "_aws" not in log_lines()[0]
    assert SETTINGS.metrics_namespace
