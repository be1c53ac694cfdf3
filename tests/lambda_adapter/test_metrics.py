from typing import Any

import pytest
from flask import Flask

from lambda_adapter import metrics
from lambda_adapter.config import Settings
from lambda_adapter.lambda_handler import LambdaHandler
from tests.fixtures.events import http_api, keep_busy, warm_up
from tests.lambda_adapter.in_memory import Log

UNITS = {"Count", "Milliseconds"}


def assert_is_embedded_metric_format(record: dict[str, Any]) -> None:
    """Check what the specification demands of a record that carries metrics."""
    assert set(record["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    assert isinstance(record["_aws"]["Timestamp"], int)
    for directive in record["_aws"]["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 1024
        assert len(directive["Metrics"]) <= 100
        for dimensions in directive["Dimensions"]:
            assert len(dimensions) <= 30
            assert all(isinstance(record[name], str) and record[name] for name in dimensions)
        for metric in directive["Metrics"]:
            assert set(metric) == {"Name", "Unit"}
            assert metric["Unit"] in UNITS
            assert isinstance(record[metric["Name"]], int | float)
            assert not isinstance(record[metric["Name"]], bool)


def test_the_record_of_a_request_is_its_metrics(handler: LambdaHandler, log: Log) -> None:
    handler(http_api(), None)
    handler(http_api(), None)

    first, second = log.records()
    assert_is_embedded_metric_format(first)
    assert (first["requests"], first["errors"], first["cold_starts"]) == (1, 0, 1)
    assert (second["requests"], second["errors"], second["cold_starts"]) == (1, 0, 0)
    (directive,) = first["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "serverless-flask"
    assert directive["Dimensions"] == [["environment"]]
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert units == metrics.REQUEST_METRICS


@pytest.mark.parametrize(("status", "errors"), [(200, 0), (404, 0), (499, 0), (500, 1), (503, 1)])
def test_only_responses_from_500_on_are_errors(
    app: Flask, handler: LambdaHandler, log: Log, status: int, errors: int
) -> None:
    app.add_url_rule("/status", "status", lambda: ("", status))
    handler(http_api("/status"), None)

    assert log.records()[0]["errors"] == errors


def test_a_malformed_request_is_a_request(handler: LambdaHandler, log: Log) -> None:
    handler(http_api("//x"), None)

    (record,) = log.records()
    assert (record["status"], record["requests"], record["errors"]) == (400, 1, 0)


def test_a_synthetic_check_is_measured_and_is_not_a_request(
    handler: LambdaHandler, log: Log
) -> None:
    handler(warm_up(), None)

    (record,) = log.records()
    assert_is_embedded_metric_format(record)
    (directive,) = record["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "serverless-flask"
    assert directive["Dimensions"] == [["environment"]]
    assert directive["Metrics"] == [{"Name": "available", "Unit": "Count"}]
    assert (record["available"], record["environment"]) == (0, "staging")
    assert "requests" not in record


def test_what_a_warm_up_sends_on_is_not_measured(handler: LambdaHandler, log: Log) -> None:
    handler(keep_busy(), None)

    assert "_aws" not in log.records()[0]


@pytest.mark.parametrize("event", [http_api(), warm_up()])
def test_without_a_namespace_there_are_none(
    app: Flask, settings: Settings, log: Log, event: dict[str, Any]
) -> None:
    LambdaHandler(app, settings._replace(metrics_namespace=""), log)(event, None)

    assert "_aws" not in log.records()[0]
