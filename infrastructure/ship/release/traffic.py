"""What two versions made of real requests in the same minutes, read from the function's log.

Lambda's own metrics come a minute or two late, log records after a few seconds. The adapter writes
one entry a request, with the version, the status and the duration; Lambda reports the requests
that no entry was written for, because the function crashed or ran out of time.
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report
"""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from math import exp, lgamma
from typing import TYPE_CHECKING, Any

from ship.aws import aws_call
from ship.release.pre_traffic import REQUEST_ID

if TYPE_CHECKING:
    from ship.aws import Client

_FAILED = ("error", "failure", "timeout")
_PATTERN = " || ".join(["($.requests = 1)", *(f'($.record.status = "{one}")' for one in _FAILED)])
# A record may arrive late. Of more than some ten thousand requests in that time a part is read.
_OVERLAP_MILLISECONDS = 10_000
_PAGES = 10
# How improbable a difference must be, if both versions were equally good, to count as one; and
# how large: with many requests a tiny one is certain, too.
_CHANCE = 0.001
_FACTOR = 1.25
# From how many durations of the old version its 95th percentile is known.
_ENOUGH_DURATIONS = 20
_SLOWER_MILLISECONDS = 100.0
# The first request of the application in each execution environment often is slow, as it connects
# to a database, also where a probe came before it. It says nothing about the others.
_ENOUGH_SLOW = 10
_SLOW_SHARE = 0.1


@dataclass
class Sample:
    """A version's requests; durations (ms) are those of warm requests without an error."""

    requests: int = 0
    errors: int = 0
    durations: list[float] = field(default_factory=list)


class TrafficLog:
    """The requests of each version since this was made."""

    def __init__(self, logs: Client, group: str) -> None:
        self._logs = logs
        self._group = group
        self._since = int(time.time() * 1000)
        self._seen = set[object]()
        self.samples: dict[str, Sample] = defaultdict(Sample)

    def read(self) -> None:
        """Count what has arrived since the last time."""
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._group, startTime=self._since, filterPattern=f"{{ {_PATTERN} }}"
        )
        found = aws_call(
            lambda: [event for page in islice(pages, _PAGES) for event in page["events"]],
            f"the log group {self._group} cannot be read",
        )
        for event in found:
            self._since = max(self._since, event["timestamp"] - _OVERLAP_MILLISECONDS)
            try:
                record = json.loads(event["message"])
            except ValueError:
                continue  # The application prints what it likes.
            if isinstance(record, dict):
                self._count(record, event["logStreamName"])

    def _count(self, record: dict[str, Any], stream: str) -> None:
        if record.get("requests") == 1:
            identity, version = record.get("lambda_request_id"), record["function_version"]
            # The adapter answers these itself; and the canary's own say nothing about users.
            is_own = str(record.get("path")).startswith("/-/")
            is_ignored = is_own or record.get("request_id") == REQUEST_ID
        elif record.get("type") == "platform.report" and record["record"]["status"] in _FAILED:
            # The name of a log stream has the version in brackets.
            found = re.search(r"\[(\d+)\]", stream)
            identity, version = record["record"]["requestId"], found[1] if found else ""
            is_ignored = False
        else:
            return
        if is_ignored or identity in self._seen:
            return
        self._seen.add(identity)
        sample = self.samples[version]
        sample.requests += 1
        if record.get("status", 500) >= 500:
            sample.errors += 1
        elif not record["cold_start"]:
            sample.durations.append(record["duration_ms"])


def find_fault(new: Sample, old: Sample) -> str:
    """What is worse with the new version than chance explains; empty when nothing is."""
    if _is_worse(new.errors, new.requests, old.errors, old.requests):
        return (
            f"{new.errors} of its {new.requests} requests failed, and {old.errors} of "
            f"{old.requests} of the other version's"
        )
    if len(old.durations) < _ENOUGH_DURATIONS:
        return ""
    usual = sorted(old.durations)[int(0.95 * len(old.durations))]
    limit = usual + max(usual, _SLOWER_MILLISECONDS)
    slow_new, slow_old = (sum(ms > limit for ms in one.durations) for one in (new, old))
    are_enough = slow_new >= max(_ENOUGH_SLOW, _SLOW_SHARE * len(new.durations))
    if are_enough and _is_worse(slow_new, len(new.durations), slow_old, len(old.durations)):
        return (
            f"{slow_new} of its {len(new.durations)} warm requests took more than {limit:.0f} ms, "
            f"and {slow_old} of {len(old.durations)} of the other version's"
        )
    return ""


def _is_worse(bad: int, count: int, old_bad: int, old_count: int) -> bool:
    """Whether more of the new requests are bad: Fisher's exact test, one-sided."""
    if not count or not old_count or bad * old_count <= _FACTOR * old_bad * count:
        return False
    all_bad, all_count = bad + old_bad, count + old_count
    every = _log_combinations(all_count, all_bad)
    ways = (
        _log_combinations(count, one) + _log_combinations(old_count, all_bad - one) - every
        for one in range(max(bad, all_bad - old_count), min(all_bad, count) + 1)
    )
    return sum(map(exp, ways)) < _CHANCE


def _log_combinations(count: int, chosen: int) -> float:
    return lgamma(count + 1) - lgamma(chosen + 1) - lgamma(count - chosen + 1)
