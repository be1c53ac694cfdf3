"""Alarms follow their own metric, data are cut where the request begins, log lines are metrics."""

import datetime as dt
import json
import re
import time
from typing import Any

import pytest

from emulator.patches.cloudwatch import (
    Datum,
    decide_state,
    read_metrics,
    round_start,
)

from ..account import ALARM, REGION, Account, unique, wait

HOUR, DAY = 3600, 86400
ALARM_OF_THREE = ALARM | {"StateValue": "OK", "EvaluationPeriods": 3}
MEMBERS = ("Dimensions", "TreatMissingData", "AlarmActions", "ActionsEnabled", "AlarmDescription")


def describe(account: Account, name: str) -> str:
    return account.query("monitoring", "DescribeAlarms", **{"AlarmNames.member.1": name})


def test_an_alarm_is_described_with_all_its_members(either: Account) -> None:
    topic = f"arn:aws:sns:{REGION}:000000000000:topic"
    name = either.alarm("one", AlarmActions=[topic], AlarmDescription="a < b & c")
    found = describe(either, name)
    assert f"<AlarmName>{name}</AlarmName>" in found
    assert [f"<{member}>" in found for member in MEMBERS] == [either.patched] * len(MEMBERS)
    if either.patched:
        assert f"<AlarmActions><member>{topic}</member></AlarmActions>" in found
        assert "<member><Name>FunctionName</Name><Value>one</Value></member>" in found
        assert "<AlarmDescription>a &lt; b &amp; c</AlarmDescription>" in found
        assert "<ActionsEnabled>true</ActionsEnabled>" in found
        assert re.search(r"<StateUpdatedTimestamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ<", found)


def test_an_alarm_on_a_percentile_has_no_other_statistic(account: Account) -> None:
    found = describe(account, account.alarm("one", ExtendedStatistic="p99", Statistic=None))
    assert "<ExtendedStatistic>p99</ExtendedStatistic>" in found
    assert "<Statistic>" not in found
    assert "<Statistic>Sum</Statistic>" in describe(account, account.alarm("one"))


def test_a_query_that_is_wrong_is_an_error(account: Account) -> None:
    found = account.query("monitoring", "DescribeAlarms", MaxRecords="1000")
    assert "<Code>ValidationError</Code>" in found


def test_alarms_are_selected_by_name_and_by_prefix(account: Account) -> None:
    one, two, three = (account.alarm("any") for _ in range(3))
    by_name = {"AlarmNames.member.1": one, "AlarmNames.member.2": two}
    for query, expected in ((by_name, {one, two}), ({"AlarmNamePrefix": three}, {three})):
        found = account.query("monitoring", "DescribeAlarms", **query)
        assert {name for name in (one, two, three) if name in found} == expected


def test_an_alarm_counts_only_its_own_dimensions(either: Account) -> None:
    name = either.alarm(unique("one"))
    _put_error(either, unique("other"))
    assert either.alarm_state(name) == ("OK" if either.patched else "ALARM")


def test_an_alarm_without_data_does_as_it_says(either: Account) -> None:
    states = {"notBreaching": "OK", "breaching": "ALARM", "missing": "INSUFFICIENT_DATA"}
    for treatment, state in states.items():
        name = either.alarm("any", Namespace="Silent", TreatMissingData=treatment)
        assert either.alarm_state(name) == (state if either.patched else "INSUFFICIENT_DATA")


def test_an_alarm_returns_when_the_errors_are_past(account: Account) -> None:
    function = unique("one")
    name = account.alarm(function)
    _put_error(account, function)
    assert account.alarm_state(name) == "ALARM"
    brief = account.alarm(function, Period=1)
    wait(lambda: account.alarm_state(brief) == "OK")


def test_a_state_that_was_set_stays_until_the_next_evaluation(account: Account) -> None:
    name, brief = account.alarm(unique("one")), account.alarm(unique("one"), Period=1)
    for alarm in (name, brief):
        account.client("cloudwatch").set_alarm_state(
            AlarmName=alarm, StateValue="ALARM", StateReason="a test"
        )
    assert account.alarm_state(name) == "ALARM"
    wait(lambda: account.alarm_state(brief) == "OK")


def _put_error(account: Account, function: str) -> None:
    _put(account, "AWS/Lambda", time.time(), 1.0, "Errors", FunctionName=function)


@pytest.mark.parametrize(
    ("values", "more", "expected"),
    [
        ([1.0, 1.0, 1.0], {}, "ALARM"),
        ([1.0, 1.0, 0.0], {}, "OK"),
        ([1.0, 0.0, 1.0], {"DatapointsToAlarm": 2}, "ALARM"),
        ([0.0, 0.0, 0.0], {"ComparisonOperator": "LessThanThreshold"}, "ALARM"),
        ([1.0, 1.0, 1.0], {"ComparisonOperator": "LessThanOrEqualToThreshold"}, "ALARM"),
        ([1.0, 1.0, 1.0], {"ComparisonOperator": "GreaterThanThreshold"}, "OK"),
        ([1.0, None, None], {"TreatMissingData": "breaching"}, "ALARM"),
        ([1.0, None, None], {"TreatMissingData": "notBreaching"}, "OK"),
        ([None, None, None], {"TreatMissingData": "breaching"}, "ALARM"),
        ([None, None, None], {"TreatMissingData": "notBreaching"}, "OK"),
        ([None, None, None], {}, "INSUFFICIENT_DATA"),
        ([None, None, None], {"TreatMissingData": "ignore", "StateValue": "ALARM"}, "ALARM"),
    ],
)
def test_the_state_follows_the_values(
    values: list[float | None], more: dict[str, Any], expected: str
) -> None:
    assert decide_state(ALARM_OF_THREE | more, values)[0] == expected


def test_slices_begin_with_the_request_the_newest_first(either: Account) -> None:
    namespace, start = _put_two_days(either)
    found = _get(either, namespace, "p50", DAY, start, environment="dev")
    if either.patched:
        assert found == [(start + DAY, 9.0), (start, 2.0)]
        order = "TimestampAscending"
        oldest_first = _get(either, namespace, "Sum", DAY, start, order, environment="dev")
        assert oldest_first == [(start, 6.0), (start + DAY, 9.0)]
    else:
        assert [at % DAY for at, _ in found] == [0.0] * len(found)
        assert found == sorted(found)


def test_a_query_without_dimensions_means_the_metric_that_has_none(either: Account) -> None:
    namespace, start = _put_two_days(either)
    values = [value for _, value in _get(either, namespace, "Sum", DAY, start)]
    assert sum(values) == (0.0 if either.patched else 16.0)


def test_data_are_kept_for_longer_than_two_weeks(either: Account) -> None:
    namespace, then = unique("namespace"), time.time() - 80 * DAY
    _put(either, namespace, then, 4.0, environment="dev")
    start = round_start(then, time.time())
    found = _get(either, namespace, "Sum", HOUR, start, environment="dev")
    assert [value for _, value in found] == ([4.0] if either.patched else [])


@pytest.mark.parametrize(
    ("days", "step"), [(0, 60), (14, 60), (16, 300), (62, 300), (64, 3600), (400, 3600)]
)
def test_a_start_is_rounded_down_to_what_is_kept_of_its_time(days: int, step: int) -> None:
    start = 1773119783.6 - days * DAY
    found = round_start(start, 1773119783.6)
    assert found % step == 0
    assert 0 <= start - found < step


def _put_two_days(account: Account) -> tuple[str, int]:
    """Put metrics of two environments within two days from half past an hour."""
    namespace, start = unique("namespace"), int(time.time()) // DAY * DAY - 2 * DAY + HOUR // 2
    for value, offset in ((1.0, 0), (2.0, 60), (3.0, DAY - 60), (9.0, DAY)):
        _put(account, namespace, start + offset, value, environment="dev")
    _put(account, namespace, start, 1.0, environment="staging")
    return namespace, start


def _put(
    account: Account,
    namespace: str,
    at: float,
    value: float,
    metric: str = "errors",
    **dimensions: str,
) -> None:
    datum = {
        "MetricName": metric,
        "Value": value,
        "Timestamp": dt.datetime.fromtimestamp(at, dt.UTC),
        "Dimensions": _dimensions(dimensions),
    }
    account.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])


def _dimensions(named: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in named.items()]


def _get(
    account: Account,
    namespace: str,
    stat: str,
    period: int,
    start: int,
    order: str | None = None,
    **dimensions: str,
) -> list[tuple[float, float]]:
    """What GetMetricData says of a metric of three days: the start of each slice, and its value."""
    metric = {"Namespace": namespace, "MetricName": "errors", "Dimensions": _dimensions(dimensions)}
    found = account.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {"Id": "one", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}
        ],
        StartTime=dt.datetime.fromtimestamp(start, dt.UTC),
        EndTime=dt.datetime.fromtimestamp(start + 3 * DAY, dt.UTC),
        **({"ScanBy": order} if order else {}),
    )["MetricDataResults"][0]
    times = [at.timestamp() for at in found["Timestamps"]]
    return list(zip(times, found["Values"], strict=True))


def line(**changes: Any) -> str:
    metric = {"Name": "requests", "Unit": "Count"}
    directive = {"Namespace": "shop", "Dimensions": [["environment"]], "Metrics": [metric]}
    about = {"Timestamp": 1773119783600, "CloudWatchMetrics": [directive | changes]}
    return json.dumps({"_aws": about, "environment": "dev", "requests": 2, "many": [1, 2.5]})


def test_a_line_holds_metrics() -> None:
    environment = {"environment": "dev"}
    one = Datum("shop", "requests", environment, 1773119783.6, "Count", 2.0)
    assert read_metrics(line()) == [one]
    several = read_metrics(line(Metrics=[{"Name": "many"}], Dimensions=[[], ["environment"]]))
    assert [(each.value, each.unit, each.dimensions) for each in several] == [
        (1.0, "None", {}),
        (2.5, "None", {}),
        (1.0, "None", environment),
        (2.5, "None", environment),
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
def test_a_line_that_does_not_keep_the_format_holds_none(message: str | None) -> None:
    assert read_metrics(message) == []


def test_a_functions_line_counts_and_raises_the_alarm(either: Account) -> None:
    namespace, now = unique("namespace"), int(time.time())
    metrics = {"Metrics": [{"Name": "errors", "Unit": "Count"}]}
    directive = {"Namespace": namespace, "Dimensions": [["environment"]], **metrics}
    about = {"Timestamp": now * 1000, "CloudWatchMetrics": [directive]}
    text = json.dumps({"_aws": about, "environment": "dev", "errors": 3})
    either.invoke(either.function(), line=text)

    def total() -> float:
        found = _get(either, namespace, "Sum", 2 * HOUR, now - HOUR, environment="dev")
        return sum(value for _, value in found)

    if not either.patched:
        time.sleep(0.5)
        assert total() == 0
        return
    wait(lambda: total() == 3.0)
    for environment, state in (("dev", "ALARM"), ("staging", "OK")):
        metric = {"Namespace": namespace, "MetricName": "errors"}
        dimensions = _dimensions({"environment": environment})
        assert either.alarm_state(either.alarm("any", Dimensions=dimensions, **metric)) == state
