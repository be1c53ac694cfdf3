"""SQS: the metrics of queues."""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from emulator.patches import patch

if TYPE_CHECKING:
    from emulator.patches import Settings

_PERIOD_SECONDS = 60.0
# The attribute of a queue, and what its metric is called.
_METRICS = {
    "ApproximateNumberOfMessages": "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
}


@patch("queue-metrics", "an alarm on the messages of a queue never fires")
def count_messages(_: Settings) -> None:
    """Emit how many messages a queue has, each minute and whenever that has changed.

    Report: "Queues emit no AWS/SQS metrics".
    AWS does it each minute; here it is done when alarms are looked at.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    Reproduce: send a message to a queue, then get the metric ApproximateNumberOfMessagesVisible.
    """
    from ministack.services import cloudwatch, sqs

    original = cloudwatch._evaluate_all_alarms
    emitted: dict[tuple[str, str], tuple[float, str]] = {}

    def emit(queue: dict[str, Any]) -> None:
        sqs._refresh_counts(queue)
        attributes, now = queue["attributes"], time.monotonic()
        for attribute, name in _METRICS.items():
            key, value = (attributes["QueueArn"], name), attributes[attribute]
            at, before = emitted.get(key, (0.0, ""))
            if value != before or now - at >= _PERIOD_SECONDS:
                emitted[key] = (now, value)
                whose = {"QueueName": queue["name"]}
                cloudwatch.record_metric("AWS/SQS", name, float(value), "Count", whose)

    def evaluate_all_alarms() -> None:
        with sqs._queues_lock:
            for queue in sqs._queues.values():
                emit(queue)
        original()

    cloudwatch._evaluate_all_alarms = evaluate_all_alarms
