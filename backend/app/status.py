"""What the numbers mean: how the environment is, and how it has been. Pure functions."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from app.cloudwatch import DAY, DAYS, HOUR, HOURS, first_day, first_hour

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.cache import Snapshot
    from app.cloudwatch import History, Points
    from app.public_settings import PublicSettings

OPERATIONAL, DEGRADED, OUTAGE, UNKNOWN = "operational", "degraded", "outage", "unknown"

RECENT = 900
"""Seconds whose requests say how the API is."""
CHECKED = 1800
"""Seconds for which the last synthetic check says how the site is."""
STALE = 600
"""Seconds after which what CloudWatch said says nothing about now."""
_DEGRADED_SHARE = 0.01
_OUTAGE_SHARE = 0.5


def describe(
    history: Snapshot[History | None],
    age: int | None,
    settings: Snapshot[PublicSettings],
    *,
    has_history: bool,
    has_settings: bool,
) -> dict[str, Any]:
    """Return the body of `/api/status`; `age` is the history's, in seconds."""
    fresh = history.values if age is not None and age <= STALE else None
    settings_state = DEGRADED if settings.warnings else OPERATIONAL
    if has_settings and not settings.known:
        settings_state = OUTAGE
    components = {"api": _api_state(fresh), "site": _site_state(fresh), "settings": settings_state}
    no_history = ("there is no CloudWatch to read; set ALARM_PREFIX and METRICS_NAMESPACE",)
    return {
        "state": worst(components.values()),
        "as_of": None if history.read_at is None else _iso(history.read_at),
        "age_seconds": age,
        "warnings": [*(history.warnings if has_history else no_history), *settings.warnings],
        "components": [{"id": id_, "state": state} for id_, state in components.items()],
        **_numbers(history.values),
    }


def worst(states: Iterable[str]) -> str:
    """Return the worst of what is known; unknown only where nothing is known."""
    found = set(states)
    return next(state for state in (OUTAGE, DEGRADED, OPERATIONAL, UNKNOWN) if state in found)


def _api_state(history: History | None) -> str:
    """Judge the API by its last requests and the alarms; without requests it is operational.

    The reader of this answer got it from the API.
    """
    if history is None:
        return UNKNOWN
    requests, errors = (
        sum(value for at, value in points.items() if at >= history.at - RECENT)
        for points in (history.requests, history.errors)
    )
    if errors and errors >= requests * _OUTAGE_SHARE:
        return OUTAGE
    if (errors and errors >= requests * _DEGRADED_SHARE) or history.alarms:
        return DEGRADED
    return OPERATIONAL


def _site_state(history: History | None) -> str:
    """Judge the site by the last synthetic checks through the site URL."""
    if history is None:
        return UNKNOWN
    last = max(history.checks, default=0)
    if last < history.at - CHECKED:
        return UNKNOWN
    share = history.checks[last]
    if share >= 1:
        return OPERATIONAL
    return DEGRADED if share > 0 else OUTAGE


@lru_cache(maxsize=1)
def _numbers(history: History | None) -> dict[str, Any]:
    """Return what does not change until the history is read again; null where nothing is known."""
    if history is None:
        day: dict[str, Any] = dict.fromkeys(("requests", "errors", "cold_starts"))
        day |= {"latency_ms": dict.fromkeys(("p50", "p95", "p99")), "hours": []}
        return {"last_24_hours": day, "availability": [], "alarms": []}
    latency = {"p50": history.p50, "p95": history.p95, "p99": history.p99}
    days = (first_day(history.at) + number * DAY for number in range(DAYS))
    return {
        "last_24_hours": {
            "requests": round(sum(history.requests.values())),
            "errors": round(sum(history.errors.values())),
            "cold_starts": round(sum(history.cold_starts.values())),
            # Each has one value at most: its slice of time is the whole day.
            "latency_ms": {
                name: _round(next(iter(points.values()), None)) for name, points in latency.items()
            },
            "hours": [_hour(history, first_hour(history.at) + n * HOUR) for n in range(HOURS)],
        },
        "availability": [
            {
                "date": _iso(start)[:10],
                "checks": round(history.daily_checks.get(start, 0.0)),
                "percent": _percent(history.daily_available.get(start)),
            }
            for start in days
        ],
        "alarms": [
            {"name": alarm.name, "description": alarm.description, "since": _iso(alarm.since)}
            for alarm in history.alarms
        ],
    }


def _hour(history: History, start: int) -> dict[str, Any]:
    def count(points: Points) -> int:
        return round(sum(value for at, value in points.items() if start <= at < start + HOUR))

    return {
        "start": _iso(start),
        "requests": count(history.requests),
        "errors": count(history.errors),
        "p50": _round(history.hourly_p50.get(start)),
        "p95": _round(history.hourly_p95.get(start)),
        "p99": _round(history.hourly_p99.get(start)),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _percent(share: float | None) -> float | None:
    return None if share is None else round(min(share, 1.0) * 100, 3)


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
