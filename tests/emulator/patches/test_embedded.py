"""What functions write into their logs as metrics, CloudWatch has."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from emulator.patches.embedded import Datum, embedded

from ..account import Account, unique, wait
from .test_metric_data import sums


def line(**changes: Any) -> str:
    metric = {"Name": "requests", "Unit": "Count"}
    directive = {"Namespace": "shop", "Dimensions": [["environment"]], "Metrics": [metric]}
    about = {"Timestamp": 1773119783600, "CloudWatchMetrics": [directive | changes]}
    return json.dumps({"_aws": about, "environment": "dev", "requests": 2, "many": [1, 2.5]})


ONE = Datum("shop", "requests", {"environment": "dev"}, "Count", 2.0, 1773119783.6)


def test_a_line_holds_metrics() -> None:
    assert embedded(line()) == [ONE]


def test_a_metric_may_have_several_values_sets_of_dimensions_and_no_unit() -> None:
    found = embedded(line(Metrics=[{"Name": "many"}], Dimensions=[[], ["environment"]]))

    assert [(one.value, one.unit, one.dimensions) for one in found] == [
        (1.0, "None", {}),
        (2.5, "None", {}),
        (1.0, "None", {"environment": "dev"}),
        (2.5, "None", {"environment": "dev"}),
    ]


@pytest.mark.parametrize(
    "message",
    [
        None,
        "START RequestId: 1",
        '"_aws"',
        '{"_aws": 1}',
        '{"_aws": {"Timestamp": "now", "CloudWatchMetrics": []}}',
        line(Metrics=[{"Name": "absent"}]),
        line(Metrics=[{"Name": "environment"}]),
        line(Dimensions=[["absent"]]),
        line(Dimensions=[["requests"]]),
        line(Metrics=[{"Name": "many"}]).replace("2.5", ", ".join("1" * 100)),
        line().replace(": 2,", ": true,"),
    ],
)
def test_what_does_not_keep_the_format_is_no_metric(message: str | None) -> None:
    assert embedded(message) == []


def test_a_functions_line_counts_and_raises_the_alarm(account: Account) -> None:
    namespace = _invoked(account)

    wait(lambda: sums(account, namespace, "errors", environment="dev") == [3.0])
    about = {"Namespace": namespace, "MetricName": "errors"}
    for environment, state in (("dev", "ALARM"), ("staging", "OK")):
        dimensions = [{"Name": "environment", "Value": environment}]
        name = account.alarm("any", Dimensions=dimensions, **about)
        assert account.alarm_state(name) == state


def test_without_the_mend_it_does_not_count(unmended: Account) -> None:
    namespace = _invoked(unmended)

    time.sleep(0.5)
    assert sums(unmended, namespace, "errors", environment="dev") == []


def _invoked(account: Account) -> str:
    """Have a function write a line; the namespace of its metrics."""
    namespace = unique("namespace")
    directive = {"Namespace": namespace, "Dimensions": [["environment"]]}
    about = {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": [directive | {"Metrics": [{"Name": "errors", "Unit": "Count"}]}],
    }
    account.invoke(
        account.function(), line=json.dumps({"_aws": about, "environment": "dev", "errors": 3})
    )
    return namespace
