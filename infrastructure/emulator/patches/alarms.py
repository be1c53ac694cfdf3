"""CloudWatch alarms: described whole, and evaluated as CloudWatch does."""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from . import mend

if TYPE_CHECKING:
    from collections.abc import Callable

    from . import Settings
    from .theirs import Theirs

_BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "LessThanThreshold": lambda value, limit: value < limit,
    "LessThanOrEqualToThreshold": lambda value, limit: value <= limit,
}


@mend(
    "complete-alarms",
    found="2026-11-23",
    fault="DescribeAlarms by the Query protocol leaves members out: each second plan differs",
)
def complete_alarms(_: Settings) -> None:
    """Describe alarms with all their members by the Query protocol, which provider 5 speaks."""
    from ministack.services import cloudwatch

    original = cloudwatch._describe_alarms

    def describe_alarms(
        params: Theirs, data: Theirs, is_cbor: bool, is_json: bool = False
    ) -> Theirs:
        if is_cbor or is_json:
            return original(params, data, is_cbor, is_json)
        status, _, body = original({}, query_as_data(params), is_cbor=False, is_json=True)
        if status != 200:
            return original(params, data, is_cbor, is_json)
        found = without_second_statistic(json.loads(body))
        inner = "".join(xml(name, value) for name, value in found.items())
        result = f"<DescribeAlarmsResult>{inner}</DescribeAlarmsResult>"
        return cloudwatch._xml(200, "DescribeAlarmsResponse", result)

    cloudwatch._describe_alarms = describe_alarms


def without_second_statistic(found: dict[str, Any]) -> dict[str, Any]:
    """Leave the statistic out where an alarm has a percentile: CloudWatch takes one of the two."""
    for alarm in found.get("MetricAlarms", []):
        if alarm.get("ExtendedStatistic"):
            alarm.pop("Statistic", None)
    return found


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


def xml(name: str, value: Theirs) -> str:
    """Render one member of an answer as the Query protocol does."""
    if value is None:
        return ""
    return f"<{name}>{_content(name, value)}</{name}>"


def _content(name: str, value: Theirs) -> str:
    if isinstance(value, dict):
        return "".join(xml(key, inner) for key, inner in value.items())
    if isinstance(value, list):
        return "".join(xml("member", inner) for inner in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if name.endswith("Timestamp") and isinstance(value, int | float):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(value))
    return escape(str(value))


@mend(
    "evaluated-alarms",
    found="2026-11-23",
    fault="alarms add up all dimensions, look only at PutMetricData, and never see silence",
)
def evaluate_alarms(_: Settings) -> None:
    """Evaluate alarms over their own dimensions, M of N periods, missing data as told.

    They are looked at whenever they are described, beside the times that ministack does it. A
    state that SetAlarmState gave stays for one period of the alarm, as it does on AWS until
    the next evaluation.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
    """
    from ministack.services import cloudwatch

    held: dict[str, float] = {}

    def evaluate(alarm: dict[str, Any]) -> None:
        known = alarm.get("MetricName") and alarm["ComparisonOperator"] in _BREACHES
        if known and held.get(alarm["AlarmArn"], 0.0) <= time.time():
            values = _values(cloudwatch, alarm, time.time())
            _move(cloudwatch, alarm, *decide(alarm, values))

    cloudwatch._evaluate_alarm = evaluate
    _hold_set_states(cloudwatch, held)
    _evaluate_before_describing(cloudwatch)


def _values(cloudwatch: Theirs, alarm: dict[str, Any], now: float) -> list[float | None]:
    """Compute the alarm's statistic for each of its periods, the newest first."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    key = (alarm["Namespace"], alarm["MetricName"], dimensions)
    period, count = int(alarm["Period"]), int(alarm["EvaluationPeriods"])
    buckets: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    for point in list(cloudwatch._metrics.get(key) or []):
        place = int((now - point["Timestamp"]) // period)
        if 0 <= place < count:
            buckets[place].append(point)
    return [_statistic(cloudwatch, alarm, bucket) for bucket in buckets]


def _statistic(cloudwatch: Theirs, alarm: dict[str, Any], points: list[Any]) -> float | None:
    if not points:
        return None
    name = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    value = cloudwatch._stat_value(cloudwatch._calc_stats(points), name, points)
    return None if value is None else float(value)


def decide(alarm: dict[str, Any], values: list[float | None]) -> tuple[str, str]:
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


def _move(cloudwatch: Theirs, alarm: dict[str, Any], state: str, reason: str) -> None:
    before = alarm["StateValue"]
    if state == before:
        return
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _hold_set_states(cloudwatch: Theirs, held: dict[str, float]) -> None:
    original = cloudwatch._set_alarm_state

    def set_alarm_state(
        params: Theirs, data: Theirs, is_cbor: bool, is_json: bool = False
    ) -> Theirs:
        asked = data if is_cbor or is_json else query_as_data(params)
        alarm = cloudwatch._alarms.get(asked.get("AlarmName", ""))
        if alarm:
            held[alarm["AlarmArn"]] = time.time() + int(alarm.get("Period") or 60)
        return original(params, data, is_cbor, is_json)

    cloudwatch._set_alarm_state = set_alarm_state


def _evaluate_before_describing(cloudwatch: Theirs) -> None:
    original = cloudwatch._describe_alarms

    def describe_alarms(
        params: Theirs, data: Theirs, is_cbor: bool, is_json: bool = False
    ) -> Theirs:
        cloudwatch._evaluate_all_alarms()
        return original(params, data, is_cbor, is_json)

    cloudwatch._describe_alarms = describe_alarms
