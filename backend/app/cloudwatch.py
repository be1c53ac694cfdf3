"""Reads the environment's history from CloudWatch: its metrics and its alarms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from lambda_adapter.aws import Client, Service
from lambda_adapter.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.config import Settings
    from lambda_adapter.aws import AwsSettings

HOURS = 24
DAYS = 90
SLICE = 300
HOUR = 3600
DAY = 86400
_LAST_SECOND = 253402300800  # The year 10000 has no four digits.
_ENOUGH = 1e18

Points = dict[int, float]
"""Values by the second, since the epoch, at which their slice of time begins."""

_SERVICE = Service(
    "CloudWatch",
    "monitoring",
    "cloudwatch",
    "GraniteServiceVersion20100801",
    "application/x-amz-json-1.0",
)


class _Query(NamedTuple):
    metric: str
    statistic: str
    period: int


# CloudWatch bills each of these, each time that the history is read.
_LAST_DAY = {
    "requests": _Query("requests", "Sum", SLICE),
    "errors": _Query("errors", "Sum", SLICE),
    "checks": _Query("available", "Average", SLICE),
    "cold_starts": _Query("cold_starts", "Sum", DAY),
    "p50": _Query("duration_ms", "p50", DAY),
    "p95": _Query("duration_ms", "p95", DAY),
    "p99": _Query("duration_ms", "p99", DAY),
    "hourly_p50": _Query("duration_ms", "p50", HOUR),
    "hourly_p95": _Query("duration_ms", "p95", HOUR),
    "hourly_p99": _Query("duration_ms", "p99", HOUR),
}
_LAST_DAYS = {
    "daily_available": _Query("available", "Average", DAY),
    "daily_checks": _Query("available", "SampleCount", DAY),
}


@dataclass(frozen=True)
class Alarm:
    """An alarm that is on."""

    name: str
    """Without what all names of the environment's alarms begin with."""
    description: str
    since: float
    """Seconds since the epoch."""


@dataclass(frozen=True, eq=False)
class History:
    """What CloudWatch said, as it said it; two readings are never the same."""

    at: float
    """When it was asked, in seconds since the epoch."""
    alarms: tuple[Alarm, ...]
    requests: Points
    errors: Points
    checks: Points
    """The share of synthetic checks that found the environment available, from 0 to 1."""
    cold_starts: Points
    p50: Points
    p95: Points
    p99: Points
    hourly_p50: Points
    hourly_p95: Points
    hourly_p99: Points
    daily_available: Points
    daily_checks: Points


class CloudWatch:
    """Reads what one environment measured, and which of its alarms are on."""

    def __init__(self, settings: Settings, aws: AwsSettings) -> None:
        self._settings = settings
        self._client = Client(_SERVICE, aws, settings.aws_timeout)

    def read(self, now: float) -> History:
        """Return the history up to now.

        Raises:
            ServiceError: CloudWatch does not answer, or not with metrics and alarms.
        """
        return History(
            at=now,
            alarms=self._alarms(),
            **self._series(_LAST_DAY, first_hour(now), HOURS * HOUR),
            **self._series(_LAST_DAYS, first_day(now), DAYS * DAY),
        )

    def _series(self, queries: Mapping[str, _Query], start: int, seconds: int) -> dict[str, Points]:
        """Ask for data from a start that is a period's, so that all slices begin where ours do.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
        """
        operation = "GetMetricData"
        dimensions = [{"Name": "environment", "Value": self._settings.environment}]
        metric = {"Namespace": self._settings.metrics_namespace, "Dimensions": dimensions}
        body = {
            "MetricDataQueries": [
                {
                    "Id": name,
                    "MetricStat": {
                        "Metric": metric | {"MetricName": query.metric},
                        "Period": query.period,
                        "Stat": query.statistic,
                    },
                }
                for name, query in queries.items()
            ],
            "StartTime": start,
            "EndTime": start + seconds,
        }
        found: dict[str, Points] = {}
        for page in self._client.pages(operation, body):
            for result in _list(page.get("MetricDataResults")):
                points = _points(result)
                if points is None:
                    raise _unusable(operation)
                name = str(result.get("Id"))
                found[name] = found.get(name, {}) | points
        if found.keys() != queries.keys():
            raise _unusable(operation)
        return found

    def _alarms(self) -> tuple[Alarm, ...]:
        """Return the alarms that are on; where there are none at all, it is not our CloudWatch.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
        """
        operation, prefix = "DescribeAlarms", self._settings.alarm_prefix
        body = {"AlarmNamePrefix": prefix, "AlarmTypes": ["MetricAlarm"], "MaxRecords": 100}
        pages = self._client.pages(operation, body)
        if not all(isinstance(page.get("MetricAlarms"), list) for page in pages):
            raise _unusable(operation)
        known = [
            entry
            for page in pages
            for entry in page["MetricAlarms"]
            if isinstance(entry, dict) and str(entry.get("AlarmName")).startswith(prefix)
        ]
        if not known:
            raise ServiceError(
                "CloudWatch has no alarm of this environment; create them with `ship apply`"
            )
        return tuple(_alarm(entry, prefix) for entry in known if entry.get("StateValue") == "ALARM")


def first_hour(now: float) -> int:
    """Return the second at which the first of the last 24 hours begins; the last is running."""
    return int(now) // HOUR * HOUR - (HOURS - 1) * HOUR


def first_day(now: float) -> int:
    """Return the second at which the first of the last 90 days (UTC) begins."""
    return int(now) // DAY * DAY - (DAYS - 1) * DAY


def _unusable(operation: str) -> ServiceError:
    return ServiceError(f"CloudWatch answered {operation} with something else; check its endpoint")


def _points(result: object) -> Points | None:
    """Return the values of one result; None where it is none."""
    if not isinstance(result, dict) or result.get("StatusCode") not in ("Complete", "PartialData"):
        return None
    times, values = _list(result.get("Timestamps")), _list(result.get("Values"))
    if len(times) != len(values) or not all(map(_is_time, times)):
        return None
    if not all(map(_is_amount, values)):
        return None
    return {int(time): float(value) for time, value in zip(times, values, strict=True)}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_amount(value: Any) -> TypeGuard[float]:
    """Whether it is a number that things can be counted by: none of them is negative."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and 0 <= value < _ENOUGH


def _is_time(value: Any) -> TypeGuard[float]:
    """Whether it is a number of seconds since the epoch that a calendar knows."""
    return _is_amount(value) and value < _LAST_SECOND


def _alarm(entry: dict[str, Any], prefix: str) -> Alarm:
    since = entry.get("StateTransitionedTimestamp") or entry.get("StateUpdatedTimestamp")
    return Alarm(
        name=entry["AlarmName"].removeprefix(prefix),
        description=str(entry.get("AlarmDescription") or ""),
        since=float(since) if _is_time(since) else 0.0,
    )
