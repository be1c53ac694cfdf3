"""The data of metrics, as GetMetricData returns them."""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from . import mend

if TYPE_CHECKING:
    from . import Settings
    from .theirs import Theirs

_DAY = 86400
_KEPT_SECONDS = 455 * _DAY


@mend(
    "right-metric-data",
    found="2026-11-23",
    fault="GetMetricData cuts time at the clock's periods, oldest first, adds up all dimensions "
    "where none is named, and forgets after two weeks",
)
def answer_right_data(_: Settings) -> None:
    """Let slices begin where the request does, the newest first; keep data for 455 days.

    Only for the JSON and CBOR protocols, and without expressions.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
    """
    from ministack.services import cloudwatch

    cloudwatch.TWO_WEEKS_SECONDS = _KEPT_SECONDS
    original = cloudwatch._get_metric_data

    def get_metric_data(
        params: Theirs, data: Theirs, is_cbor: bool, is_json: bool = False
    ) -> Theirs:
        queries = data.get("MetricDataQueries") or []
        if not (is_cbor or is_json) or any("Expression" in query for query in queries):
            return original(params, data, is_cbor, is_json)
        results = [
            _result(cloudwatch, query, data) for query in queries if query.get("ReturnData", True)
        ]
        if is_cbor:
            found = [cloudwatch._cbor_metric_data_result(result) for result in results]
            return cloudwatch._cbor_ok({"MetricDataResults": found, "Messages": []})
        return cloudwatch._json_ok({"MetricDataResults": results, "Messages": []})

    cloudwatch._get_metric_data = get_metric_data


def _result(cloudwatch: Theirs, query: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    stat = query["MetricStat"]
    metric = stat["Metric"]
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
    key = (metric["Namespace"], metric["MetricName"], dimensions)
    start = whole(cloudwatch._parse_ts(data["StartTime"]), time.time())
    end = cloudwatch._parse_ts(data["EndTime"])
    slices: dict[float, list[Any]] = {}
    for point in list(cloudwatch._metrics.get(key) or []):
        if start <= point["Timestamp"] < end:
            begin = slice_start(point["Timestamp"], start, int(stat["Period"]))
            slices.setdefault(begin, []).append(point)
    found = [
        (begin, cloudwatch._stat_value(cloudwatch._calc_stats(points), stat["Stat"], points))
        for begin, points in sorted(slices.items())
    ]
    if data.get("ScanBy", "TimestampDescending") == "TimestampDescending":
        found.reverse()
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or metric["MetricName"],
        "Timestamps": [cloudwatch._ts_iso(begin) for begin, value in found if value is not None],
        "Values": [value for _, value in found if value is not None],
        "StatusCode": "Complete",
    }


def whole(start: float, now: float) -> int:
    """Round a start down to what CloudWatch keeps of that time: minutes, then more."""
    age = now - start
    step = 3600 if age > 63 * _DAY else 300 if age > 15 * _DAY else 60
    return int(start) // step * step


def slice_start(at: float, start: int, period: int) -> float:
    """Return where the slice of time begins that a moment lies in."""
    return start + (at - start) // period * period
