"""GetMetricData cuts time where the request begins, and tells metrics apart."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest

from emulator.patches.metric_data import slice_start, whole

from ..account import Account, unique

HOUR, DAY = 3600, 86400


def test_a_slice_begins_where_the_request_does_and_the_newest_comes_first(
    account: Account,
) -> None:
    namespace, start = _measured(account)

    found = data(account, namespace, "p50", DAY, start, environment="dev")

    assert found == [(start + DAY, 9.0), (start, 2.0)]
    oldest_first = data(
        account, namespace, "Sum", DAY, start, "TimestampAscending", environment="dev"
    )
    assert oldest_first == [(start, 6.0), (start + DAY, 9.0)]


def test_without_the_mend_a_slice_begins_where_the_clocks_does(unmended: Account) -> None:
    namespace, start = _measured(unmended)

    found = data(unmended, namespace, "p50", DAY, start, environment="dev")

    assert found != [(start + DAY, 9.0), (start, 2.0)]
    assert [at % DAY for at, _ in found] == [0.0] * len(found)
    assert found == sorted(found)


def test_a_query_without_dimensions_means_the_metric_that_has_none(account: Account) -> None:
    namespace, start = _measured(account)

    assert data(account, namespace, "Sum", DAY, start) == []


def test_without_the_mend_it_means_all_dimensions_together(unmended: Account) -> None:
    namespace, start = _measured(unmended)

    assert sum(value for _, value in data(unmended, namespace, "Sum", DAY, start)) == 16.0


def test_data_are_kept_for_longer_than_two_weeks(account: Account, unmended: Account) -> None:
    for place, kept in ((account, [4.0]), (unmended, [])):
        namespace, then = unique("namespace"), time.time() - 80 * DAY
        _put(place, namespace, then, 4.0, environment="dev")
        found = data(place, namespace, "Sum", HOUR, whole(then, time.time()), environment="dev")
        assert [value for _, value in found] == kept


def test_percentiles_and_counts_are_those_of_the_slice(account: Account) -> None:
    namespace, start = unique("namespace"), int(time.time()) // HOUR * HOUR - 2 * HOUR
    for number in range(1, 101):
        _put(account, namespace, start + 10, float(number), environment="dev")

    values = {
        stat: data(account, namespace, stat, HOUR, start, environment="dev")[0][1]
        for stat in ("p50", "p95", "p99", "SampleCount", "Average")
    }

    assert values == {
        "p50": pytest.approx(50.5),
        "p95": pytest.approx(95.05),
        "p99": pytest.approx(99.01),
        "SampleCount": 100.0,
        "Average": 50.5,
    }


@pytest.mark.parametrize(
    ("days", "step"), [(0, 60), (14, 60), (16, 300), (62, 300), (64, 3600), (400, 3600)]
)
def test_a_start_is_rounded_down_to_what_is_kept_of_its_time(days: int, step: int) -> None:
    start = 1773119783.6 - days * DAY

    found = whole(start, 1773119783.6)

    assert found % step == 0
    assert 0 <= start - found < step


@pytest.mark.parametrize(("at", "begin"), [(100, 100), (159.9, 100), (160, 160), (1000, 1000)])
def test_a_moment_lies_in_one_slice(at: float, begin: float) -> None:
    assert slice_start(at, 100, 60) == begin


def _measured(account: Account) -> tuple[str, int]:
    """Make metrics of two environments within two days from half past an hour."""
    namespace, start = unique("namespace"), int(time.time()) // DAY * DAY - 2 * DAY + HOUR // 2
    for value, offset in ((1.0, 0), (2.0, 60), (3.0, DAY - 60), (9.0, DAY)):
        _put(account, namespace, start + offset, value, environment="dev")
    _put(account, namespace, start, 1.0, environment="staging")
    return namespace, start


def _put(account: Account, namespace: str, at: float, value: float, **dimensions: str) -> None:
    datum = {
        "MetricName": "errors",
        "Value": value,
        "Timestamp": dt.datetime.fromtimestamp(at, dt.UTC),
        "Dimensions": _named(dimensions),
    }
    account.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])


def _named(dimensions: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def sums(account: Account, namespace: str, metric: str, **dimensions: str) -> list[float]:
    """The sum of a metric in the last and the next hour."""
    start = int(time.time()) - HOUR
    found = data(account, namespace, "Sum", 2 * HOUR, start, metric=metric, **dimensions)
    return [value for _, value in found]


def data(
    account: Account,
    namespace: str,
    stat: str,
    period: int,
    start: int,
    order: str | None = None,
    metric: str = "errors",
    **dimensions: str,
) -> list[tuple[float, float]]:
    """What GetMetricData says of a metric of three days: the start of each slice, and its value."""
    about: dict[str, Any] = {
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": _named(dimensions),
    }
    found = account.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {"Id": "one", "MetricStat": {"Metric": about, "Period": period, "Stat": stat}}
        ],
        StartTime=dt.datetime.fromtimestamp(start, dt.UTC),
        EndTime=dt.datetime.fromtimestamp(start + 3 * DAY, dt.UTC),
        **({"ScanBy": order} if order else {}),
    )["MetricDataResults"][0]
    times = [at.timestamp() for at in found["Timestamps"]]
    return list(zip(times, found["Values"], strict=True))
