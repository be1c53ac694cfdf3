from __future__ import annotations

import json
import random
from typing import Any

import pytest

from ship.release import traffic
from ship.release.traffic import Sample, TrafficLog, find_fault


def entry(number: int, version: str = "7", **other: Any) -> dict[str, Any]:
    """An entry as the adapter writes it."""
    return {
        "message": "event",
        "lambda_request_id": f"id-{number}",
        "request_id": f"id-{number}",
        "path": "/api/items",
        "status": 200,
        "duration_ms": 20.0,
        "cold_start": False,
        "function_version": version,
        "requests": 1,
        **other,
    }


def report(number: int, status: str) -> dict[str, Any]:
    """What Lambda itself writes about an invocation."""
    return {"type": "platform.report", "record": {"requestId": f"id-{number}", "status": status}}


class Logs:
    """A log group: pages of records, each with the time of its event."""

    def __init__(self, *pages: list[Any]) -> None:
        self.pages = list(pages)
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, call: str) -> Any:
        assert call == "filter_log_events"
        return self

    def paginate(self, **request: Any) -> Any:
        self.asked.append(request)
        stream = "2026/11/25/corner-shop-qa[7]0123abcd"
        for page in self.pages:
            texts = [one if isinstance(one, str) else json.dumps(one) for one in page]
            yield {
                "events": [
                    {"message": text, "timestamp": 2_000_000_000_000, "logStreamName": stream}
                    for text in texts
                ]
            }


def read(*pages: list[Any]) -> dict[str, Sample]:
    log = TrafficLog(Logs(*pages), "group")
    log.read()
    return dict(log.samples)


def test_requests_are_counted_by_version_and_once() -> None:
    page = [entry(1), entry(2, "6"), entry(3, status=500, duration_ms=1.0)]
    logs = Logs(page, [entry(4, cold_start=True, duration_ms=900.0)])
    log = TrafficLog(logs, "group")
    log.read()
    logs.pages.append([entry(5)])
    log.read()

    assert log.samples == {"7": Sample(4, 1, [20.0, 20.0]), "6": Sample(1, 0, [20.0])}
    assert [one["startTime"] for one in logs.asked][1] == 2_000_000_000_000 - 10_000
    assert "$.requests = 1" in logs.asked[0]["filterPattern"]


def test_what_is_no_users_request_does_not_count() -> None:
    records = ["not JSON", "[]", "7", {"message": "the application's"}]
    own = [entry(1, path="/-/version"), entry(2, request_id="pre-traffic")]
    assert read([*records, *own, report(3, "success")]) == {}


def test_crashes_and_timeouts_are_failed_requests_of_the_streams_version() -> None:
    found = read(
        [report(1, "timeout"), report(2, "error"), entry(3, status=500), report(3, "error")]
    )

    assert found == {"7": Sample(3, 3, [])}


def sample(count: int, errors: float, milliseconds: float, seed: int) -> Sample:
    chance = random.Random(seed)  # noqa: S311
    failed = sum(chance.random() < errors for _ in range(count))
    durations = [chance.expovariate(1 / milliseconds) for _ in range(count - failed)]
    return Sample(count, failed, durations)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("count", [4, 40, 400])
def test_chance_alone_is_no_fault(count: int, seed: int) -> None:
    old, new = (sample(count, 0.05, 40, number) for number in (seed, 100 + seed))
    assert find_fault(new, old) == ""


@pytest.mark.parametrize("seed", range(5))
def test_twice_the_errors_and_twice_the_time_are_faults(seed: int) -> None:
    old = sample(2000, 0.05, 40, seed)
    assert "requests failed" in find_fault(sample(2000, 0.10, 40, 100 + seed), old)
    assert "warm requests took more than" in find_fault(sample(200, 0.05, 400, 100 + seed), old)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (Sample(), Sample(100, 0)),
        (Sample(9, 9), Sample()),
        (Sample(2, 1), Sample(100, 0)),
        (Sample(100_000, 1_200), Sample(100_000, 1_000)),
        (Sample(9, 0, [9e3] * 9), Sample(9, 0, [1.0] * 9)),
        (Sample(500, 0, [90.0] * 500), Sample(500, 0, [1.0] * 500)),
        (Sample(9, 0, [9e3] * 9), Sample(500, 0, [1.0] * 500)),
        (Sample(900, 0, [1.0] * 830 + [9e3] * 70), Sample(900, 0, [1.0] * 900)),
    ],
    ids=[
        "nobody",
        "nothing",
        "one-error",
        "hardly-more",
        "few",
        "not-noticed",
        "first-ones",
        "many-first-ones",
    ],
)
def test_what_is_not_enough_for_a_fault(new: Sample, old: Sample) -> None:
    assert find_fault(new, old) == ""


def test_few_requests_are_enough_when_most_fail() -> None:
    assert find_fault(Sample(5, 3), Sample(45, 0)) == (
        "3 of its 5 requests failed, and 0 of 45 of the other version's"
    )
    assert traffic.find_fault(Sample(5, 5), Sample(45, 45)) == ""
