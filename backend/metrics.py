"""Metrics without a client: CloudWatch reads them out of the log line of each request.

Source: the Embedded Metric Format,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from typing import Any

DIMENSION = "environment"
METRICS = {
    "requests": "Count",
    "errors": "Count",
    "cold_starts": "Count",
    "duration_ms": "Milliseconds",
}
_DEFINITIONS = [{"Name": name, "Unit": unit} for name, unit in METRICS.items()]


def of(line: dict[str, Any], namespace: str, now: float) -> dict[str, Any]:
    """Return the fields that make a request's log line also its metrics.

    The line has `environment`, `status`, `duration_ms` and `cold_start`; `now` is in seconds
    since the epoch.
    """
    return {
        "requests": 1,
        "errors": int(line["status"] >= 500),
        "cold_starts": int(line["cold_start"]),
        "_aws": {
            "Timestamp": int(now * 1000),
            "CloudWatchMetrics": [
                {"Namespace": namespace, "Dimensions": [[DIMENSION]], "Metrics": _DEFINITIONS}
            ],
        },
    }
