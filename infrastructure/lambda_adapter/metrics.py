"""Metrics without a client: CloudWatch reads them out of log lines.

Source: the Embedded Metric Format,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import time
from typing import Any

DIMENSION = "environment"
METRICS = {
    "requests": "Count",
    "errors": "Count",
    "cold_starts": "Count",
    "duration_ms": "Milliseconds",
}
CHECK_METRICS = {"available": "Count"}
"""What a self-check counts for: 1 or 0."""


def values(line: dict[str, Any]) -> dict[str, int]:
    """Return what a request counts for, besides the duration that its line has already."""
    return {
        "requests": 1,
        "errors": int(line["status"] >= 500),
        "cold_starts": int(line["cold_start"]),
    }


class Directives:
    """The member of a log line that makes CloudWatch read it; without a namespace there is none."""

    def __init__(self, namespace: str) -> None:
        self._request = _directive(namespace, METRICS)
        self._check = _directive(namespace, CHECK_METRICS)

    def of_a_request(self) -> str:
        """Return the member for the line of a request, to be written behind a line's others."""
        return self._request and f"{self._request}{int(time.time() * 1000)}}}"

    def of_a_check(self) -> str:
        """Return the member for the line of a self-check."""
        return self._check and f"{self._check}{int(time.time() * 1000)}}}"


def _directive(namespace: str, units: dict[str, str]) -> str:
    """Write what is the same for all lines once: all but the milliseconds and a closing brace."""
    if not namespace:
        return ""
    definition = {
        "Namespace": namespace,
        "Dimensions": [[DIMENSION]],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
    }
    return f', "_aws": {{"CloudWatchMetrics": {json.dumps([definition])}, "Timestamp": '
