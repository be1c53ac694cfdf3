"""The metrics that functions write into their logs."""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from . import mend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from . import Settings
    from .theirs import Theirs

_MARK = '"_aws"'
_MOST_VALUES = 100
_MOST_DIMENSIONS = 30


class Datum(NamedTuple):
    """One value of one metric."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    unit: str
    value: float
    timestamp: float


@mend(
    "embedded-metrics",
    found="2026-11-23",
    fault="metrics in a log line's embedded format are not read: charts and alarms stay empty",
)
def read_embedded_metrics(_: Settings) -> None:
    """Read the embedded metric format out of every log event, as CloudWatch Logs does."""
    from ministack.services import cloudwatch, cloudwatch_logs

    original = cloudwatch_logs._append_log_events

    def append_log_events(stream: Theirs, events: list[dict[str, Any]]) -> None:
        original(stream, events)
        for event in events:
            for datum in embedded(event.get("message")):
                cloudwatch._store_datum(
                    datum.namespace,
                    datum.name,
                    datum.dimensions,
                    datum.timestamp,
                    datum.unit,
                    datum.value,
                    None,
                    None,
                    None,
                )

    cloudwatch_logs._append_log_events = append_log_events


def embedded(message: object) -> list[Datum]:
    """Return what a log line holds; what does not keep the format is no metric.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    if not isinstance(message, str) or _MARK not in message:
        return []
    try:
        line = json.loads(message)
        about = line["_aws"]
        timestamp = about["Timestamp"] / 1000
        return [
            Datum(one["Namespace"], name, dimensions, unit, value, timestamp)
            for one in about["CloudWatchMetrics"]
            for dimensions in _dimension_sets(line, one["Dimensions"])
            for name, unit, value in _values(line, one["Metrics"])
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


def _values(line: dict[str, Any], metrics: list[Any]) -> Iterator[tuple[str, str, float]]:
    for metric in metrics:
        given = line[metric["Name"]]
        values = given if isinstance(given, list) else [given]
        if len(values) > _MOST_VALUES:
            raise ValueError(metric["Name"])
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(metric["Name"])
            yield metric["Name"], metric.get("Unit", "None"), float(value)
