"""CloudWatch: alarms, GetMetricData, and metrics in the embedded format."""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import escape

from emulator.patches import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulator.patches import Settings
    from emulator.patches.upstream import Upstream

_DAY = 86400
_RETENTION_SECONDS = 455 * _DAY
_MOST_VALUES = 100
_MOST_DIMENSIONS = 30
_BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "LessThanThreshold": lambda value, limit: value < limit,
    "LessThanOrEqualToThreshold": lambda value, limit: value <= limit,
}


@patch("complete-alarms", "every second plan differs in the alarms")
def complete_alarms(_: Settings) -> None:
    """Describe alarms with all their members by the Query protocol, which provider 5 speaks.

    Report: "DescribeAlarms (Query protocol) leaves out Dimensions, TreatMissingData and actions".
    AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html
    Reproduce: POST Action=DescribeAlarms&Version=2010-08-01 for an alarm with dimensions.
    """
    from ministack.services import cloudwatch

    original = cloudwatch._describe_alarms

    def describe_alarms(params: Upstream, data: Upstream, *protocol: bool) -> Upstream:
        if any(protocol):
            return original(params, data, *protocol)
        status, _, body = original({}, query_as_data(params), is_cbor=False, is_json=True)
        if status != 200:
            return original(params, data, *protocol)
        found = json.loads(body)
        for alarm in found.get("MetricAlarms", []):
            # CloudWatch takes one of the two; ministack names both.
            if alarm.get("ExtendedStatistic"):
                alarm.pop("Statistic", None)
        inner = "".join(_render_member(name, value) for name, value in found.items())
        result = f"<DescribeAlarmsResult>{inner}</DescribeAlarmsResult>"
        return cloudwatch._xml(200, "DescribeAlarmsResponse", result)

    cloudwatch._describe_alarms = describe_alarms


def query_as_data(params: dict[str, Any]) -> dict[str, Any]:
    """Turn form parameters (`AlarmNames.member.1`) into the data that JSON would carry."""
    data: dict[str, Any] = {}
    for name, value in params.items():
        first = value[0] if isinstance(value, list) else value
        head, member, _ = name.partition(".member.")
        if member:
            data.setdefault(head, []).append(first)
        else:
            data[name] = first
    return data


def _render_member(name: str, value: Upstream) -> str:
    """Render one member of a response as the Query protocol does."""
    match value:
        case None:
            return ""
        case dict():
            text = "".join(_render_member(key, inner) for key, inner in value.items())
        case list():
            text = "".join(_render_member("member", inner) for inner in value)
        case bool():
            text = str(value).lower()
        case int() | float() if name.endswith("Timestamp"):
            text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(value))
        case _:
            text = escape(str(value))
    return f"<{name}>{text}</{name}>"


@patch("evaluated-alarms", "alarms ignore dimensions, and stay as they are without data")
def evaluate_alarms(_: Settings) -> None:
    """Evaluate alarms over their own dimensions, M of N periods, and their missing data.

    Report: "Alarms add up all dimensions, are evaluated by PutMetricData only, and ignore
    TreatMissingData".
    They are evaluated whenever they are described, beside the times that ministack does it. A
    state that SetAlarmState gave stays for one period of the alarm, as it does on AWS until
    the next evaluation.
    Reproduce: make an alarm on one function, then put a datum for another.
    AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
    """
    from ministack.services import cloudwatch

    until: dict[str, float] = {}
    describe, set_state = cloudwatch._describe_alarms, cloudwatch._set_alarm_state

    def evaluate(alarm: dict[str, Any]) -> None:
        known = alarm.get("MetricName") and alarm["ComparisonOperator"] in _BREACHES
        if not known or until.get(alarm["AlarmArn"], 0.0) > time.time():
            return
        before = alarm["StateValue"]
        state, reason = decide_state(alarm, _values(cloudwatch, alarm, time.time()))
        if state != before:
            now = int(time.time())
            alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=now)
            cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
            cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
            cloudwatch._evaluate_parent_alarms(alarm)

    def describe_alarms(*request: Upstream) -> Upstream:
        cloudwatch._evaluate_all_alarms()
        return describe(*request)

    def set_alarm_state(params: Upstream, data: Upstream, *protocol: bool) -> Upstream:
        given = data if any(protocol) else query_as_data(params)
        alarm = cloudwatch._alarms.get(given.get("AlarmName", ""))
        if alarm:
            until[alarm["AlarmArn"]] = time.time() + int(alarm.get("Period") or 60)
        return set_state(params, data, *protocol)

    cloudwatch._evaluate_alarm = evaluate
    cloudwatch._describe_alarms = describe_alarms
    cloudwatch._set_alarm_state = set_alarm_state


def _values(cloudwatch: Upstream, alarm: dict[str, Any], now: float) -> list[float | None]:
    """Compute the alarm's statistic for each of its periods, the newest first."""
    period, count = int(alarm["Period"]), int(alarm["EvaluationPeriods"])
    buckets: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    for point in _points(cloudwatch, alarm):
        place = int((now - point["Timestamp"]) // period)
        if 0 <= place < count:
            buckets[place].append(point)
    name = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    return [_statistic(cloudwatch, name, bucket) if bucket else None for bucket in buckets]


def _points(cloudwatch: Upstream, metric: dict[str, Any]) -> list[dict[str, Any]]:
    """List the data of just this metric, with just these dimensions."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
    key = (metric["Namespace"], metric["MetricName"], dimensions)
    return list(cloudwatch._metrics.get(key) or [])


def _statistic(cloudwatch: Upstream, name: str, points: list[Any]) -> float | None:
    value = cloudwatch._stat_value(cloudwatch._calc_stats(points), name, points)
    return None if value is None else float(value)


def decide_state(alarm: dict[str, Any], values: list[float | None]) -> tuple[str, str]:
    """Return the state that an alarm has after its periods' values, and the reason."""
    missing = alarm.get("TreatMissingData") or "missing"
    if all(value is None for value in values) and missing in ("missing", "ignore"):
        state = "INSUFFICIENT_DATA" if missing == "missing" else alarm["StateValue"]
        return state, "Insufficient Data: no datapoints were received"
    breaches = _BREACHES[alarm["ComparisonOperator"]]
    limit = float(alarm["Threshold"])
    found = [value for value in values if value is not None and breaches(value, limit)]
    count = len(found) + (values.count(None) if missing == "breaching" else 0)
    needed = int(alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"])
    if count >= needed:
        return "ALARM", f"Threshold Crossed: {count} datapoints {found} against {limit}"
    return "OK", f"Threshold not crossed: {count} of {needed} datapoints against {limit}"


@patch("metric-data", "a day's percentile is cut at midnight; nothing is older than two weeks")
def answer_right_data(_: Settings) -> None:
    """Let slices begin where the request does, the newest first; keep data for 455 days.

    Report: "GetMetricData aligns periods to the clock, returns the oldest first, adds up all
    dimensions where none is named, and forgets after two weeks".
    Patched for the JSON and CBOR protocols, and without expressions.
    Reproduce: ask for a period of a day from half past an hour.
    AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
    """
    from ministack.services import cloudwatch

    cloudwatch.TWO_WEEKS_SECONDS = _RETENTION_SECONDS
    original = cloudwatch._get_metric_data

    def get_metric_data(params: Upstream, data: Upstream, cbor: bool, *other: bool) -> Upstream:
        queries = data.get("MetricDataQueries") or []
        if not (cbor or any(other)) or any("Expression" in query for query in queries):
            return original(params, data, cbor, *other)
        results = [
            _result(cloudwatch, query, data) for query in queries if query.get("ReturnData", True)
        ]
        if cbor:
            found = [cloudwatch._cbor_metric_data_result(result) for result in results]
            return cloudwatch._cbor_ok({"MetricDataResults": found, "Messages": []})
        return cloudwatch._json_ok({"MetricDataResults": results, "Messages": []})

    cloudwatch._get_metric_data = get_metric_data


def _result(cloudwatch: Upstream, query: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    stat = query["MetricStat"]
    period = int(stat["Period"])
    start = round_start(cloudwatch._parse_ts(data["StartTime"]), time.time())
    end = cloudwatch._parse_ts(data["EndTime"])
    slices: dict[float, list[Any]] = {}
    for point in _points(cloudwatch, stat["Metric"]):
        if start <= point["Timestamp"] < end:
            begin = start + (point["Timestamp"] - start) // period * period
            slices.setdefault(begin, []).append(point)
    found = [
        (begin, _statistic(cloudwatch, stat["Stat"], points))
        for begin, points in sorted(slices.items())
    ]
    if data.get("ScanBy", "TimestampDescending") == "TimestampDescending":
        found.reverse()
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or stat["Metric"]["MetricName"],
        "Timestamps": [cloudwatch._ts_iso(begin) for begin, value in found if value is not None],
        "Values": [value for _, value in found if value is not None],
        "StatusCode": "Complete",
    }


def round_start(start: float, now: float) -> int:
    """Round a start down to what CloudWatch keeps of that time: minutes, then more."""
    age = now - start
    step = 3600 if age > 63 * _DAY else 300 if age > 15 * _DAY else 60
    return int(start) // step * step


class Datum(NamedTuple):
    """One value of one metric."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    timestamp: float
    unit: str
    value: float


@patch("embedded-metrics", "what a function measures about itself is in no chart and no alarm")
def read_embedded_metrics(_: Settings) -> None:
    """Read the embedded metric format from every log event, as CloudWatch Logs does.

    Report: "Metrics in the embedded metric format are not extracted from log events".
    AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
    Reproduce: let a function print a line in the format, then get the metric.
    """
    from ministack.services import cloudwatch, cloudwatch_logs

    original = cloudwatch_logs._append_log_events

    def append_log_events(stream: Upstream, events: list[dict[str, Any]]) -> None:
        original(stream, events)
        for event in events:
            for datum in read_metrics(event.get("message")):
                cloudwatch._store_datum(*datum, None, None, None)

    cloudwatch_logs._append_log_events = append_log_events


def read_metrics(message: object) -> list[Datum]:
    """Return the metrics in a log line; none where it does not keep the format.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    if not isinstance(message, str) or '"_aws"' not in message:
        return []
    try:
        line = json.loads(message)
        about = line["_aws"]
        timestamp = about["Timestamp"] / 1000
        return [
            Datum(one["Namespace"], name, dimensions, timestamp, unit, value)
            for one in about["CloudWatchMetrics"]
            for dimensions in _dimension_sets(line, one["Dimensions"])
            for name, unit, value in _metric_values(line, one["Metrics"])
        ]
    except (ValueError, KeyError, TypeError):
        return []


def _dimension_sets(line: dict[str, Any], sets: list[list[str]]) -> list[dict[str, str]]:
    found = [{name: line[name] for name in names} for names in sets]
    for dimensions in found:
        wrong = [value for value in dimensions.values() if not isinstance(value, str)]
        if wrong or len(dimensions) > _MOST_DIMENSIONS:
            raise ValueError(wrong)
    return found


def _metric_values(line: dict[str, Any], metrics: list[Any]) -> Iterator[tuple[str, str, float]]:
    for metric in metrics:
        given = line[metric["Name"]]
        values = given if isinstance(given, list) else [given]
        if len(values) > _MOST_VALUES:
            raise ValueError(metric["Name"])
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(metric["Name"])
            yield metric["Name"], metric.get("Unit", "None"), float(value)
