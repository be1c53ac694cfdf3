"""Metrics without a client: CloudWatch reads them out of log records.

Source: the Embedded Metric Format,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambda_adapter.logs import AccessLogEntry

DIMENSION = "environment"
REQUEST_METRICS = {
    "requests": "Count",
    "errors": "Count",
    "cold_starts": "Count",
    "duration_ms": "Milliseconds",
}
CHECK_METRICS = {"available": "Count"}
"""What a synthetic check counts for: 1 or 0."""


class EmbeddedMetrics:
    """The members of a log record that CloudWatch reads as metrics; none without a namespace."""

    def __init__(self, namespace: str) -> None:
        # What is the same in all records is encoded once: all but the milliseconds.
        self._request, self._check = (
            namespace
            and json.dumps(
                {
                    "Namespace": namespace,
                    "Dimensions": [[DIMENSION]],
                    "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
                }
            )
            for units in (REQUEST_METRICS, CHECK_METRICS)
        )

    def of_request(self, entry: AccessLogEntry) -> str:
        """Return the members for a request's entry, which has its duration already."""
        counts = (
            f', "requests": 1, "errors": {int(entry.status >= 500)}, '
            f'"cold_starts": {int(entry.cold_start)}'
        )
        return self._request and f"{counts}{_directive(self._request)}"

    def of_check(self) -> str:
        """Return the members for the entry of a synthetic check."""
        return self._check and _directive(self._check)


def _directive(definition: str) -> str:
    milliseconds = int(time.time() * 1000)
    return f', "_aws": {{"Timestamp": {milliseconds}, "CloudWatchMetrics": [{definition}]}}'
