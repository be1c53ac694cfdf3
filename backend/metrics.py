"""Metrics without a client: CloudWatch reads them out of the log line of each request.

Source: the Embedded Metric Format,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from typing import Any

DIMENSION = "environment"
METRICS = {
    "requests": "Count",
    "errors": "Count",
    "cold_starts": "Count",
    "duration_ms": "Milliseconds",
}


def values(line: dict[str, Any]) -> dict[str, int]:
    """Return what a request counts for, besides the duration that its line has already."""
    return {
        "requests": 1,
        "errors": int(line["status"] >= 500),
        "cold_starts": int(line["cold_start"]),
    }


def directive(namespace: str) -> str:
    """Return the member of a log line that makes CloudWatch read it, but for the end.

    What is missing is the time in milliseconds since the epoch, and two closing braces. It is
    the same for all lines, so it is written once.
    """
    definition = {
        "Namespace": namespace,
        "Dimensions": [[DIMENSION]],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in METRICS.items()],
    }
    return f', "_aws": {{"CloudWatchMetrics": {json.dumps([definition])}, "Timestamp": '
