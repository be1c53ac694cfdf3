"""What the numbers mean: how the environment is, and how it has been. Pure functions.

Loaded when somebody asks for the status, never in a cold start.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from app.cloudwatch import DAY, DAYS, HOUR, HOURS, first_day, first_hour

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.caching import Snapshot
    from app.cloudwatch import History, Points
    from app.public_settings import PublicSettings

OPERATIONAL, DEGRADED, OUTAGE, UNKNOWN = "operational", "degraded", "outage", "unknown"

RECENT = 900
"""Seconds whose requests say how the API is."""
CHECKED = 1800
"""Seconds for which the last self-check says how the site is."""
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
    """Return what `/api/status` answers; `age` is the history's, in seconds."""
    known = history.values
    fresh = known if age is not None and age <= STALE else None
    components = {
        "api": api_state(fresh),
        "site": site_state(fresh),
        "settings": settings_state(settings, configured=has_settings),
    }
    return {
        "state": worst(components.values()),
        "as_of": None if history.read_at is None else _iso(history.read_at),
        "age_seconds": age,
        "faults": [*_history_faults(history, has_history), *settings.faults],
        "components": [{"id": id_, "state": state} for id_, state in components.items()],
        **numbers(known),
    }


def worst(states: Iterable[str]) -> str:
    """Return the worst of what is known; unknown only where nothing is known."""
    found = set(states)
    return next(state for state in (OUTAGE, DEGRADED, OPERATIONAL, UNKNOWN) if state in found)


def api_state(history: History | None) -> str:
    """Judge the API by its last requests and the alarms: who reads this was answered by it."""
    if history is None:
        return UNKNOWN
    requests = _since(history.requests, history.at - RECENT)
    errors = _since(history.errors, history.at - RECENT)
    if errors and errors >= requests * _OUTAGE_SHARE:
        return OUTAGE
    if (errors and errors >= requests * _DEGRADED_SHARE) or history.alarms:
        return DEGRADED
    return OPERATIONAL


def site_state(history: History | None) -> str:
    """Judge the site by the last self-checks through its public address."""
    if history is None:
        return UNKNOWN
    last = max(history.checks, default=0)
    if last < history.at - CHECKED:
        return UNKNOWN
    share = history.checks[last]
    if share >= 1:
        return OPERATIONAL
    return DEGRADED if share > 0 else OUTAGE


def settings_state(settings: Snapshot[PublicSettings], *, configured: bool) -> str:
    """Judge the settings as `/api/ready` does."""
    if configured and not settings.known:
        return OUTAGE
    return DEGRADED if settings.faults else OPERATIONAL


@lru_cache(maxsize=1)
def numbers(history: History | None) -> dict[str, Any]:
    """Return what does not change until the history is read again."""
    return {
        "last_24_hours": last_day(history),
        "availability": [] if history is None else availability(history),
        "alarms": [] if history is None else alarms(history),
    }


def last_day(history: History | None) -> dict[str, Any]:
    """Return the sums of the last 24 hours, and each hour of them; null where nothing is known."""
    if history is None:
        latency = dict.fromkeys(("p50", "p95", "p99"))
        return {
            "requests": None,
            "errors": None,
            "cold_starts": None,
            "latency_ms": latency,
            "hours": [],
        }
    return {
        "requests": _count(history.requests.values()),
        "errors": _count(history.errors.values()),
        "cold_starts": _count(history.cold_starts.values()),
        "latency_ms": {
            "p50": _any(history.p50),
            "p95": _any(history.p95),
            "p99": _any(history.p99),
        },
        "hours": [_hour(history, first_hour(history.at) + n * HOUR) for n in range(HOURS)],
    }


def availability(history: History) -> list[dict[str, Any]]:
    """Return how many self-checks there were on each of the last 90 days, and how many were good.

    The share is in percent, and null on a day without checks.
    """
    starts = [first_day(history.at) + number * DAY for number in range(DAYS)]
    return [
        {
            "date": _iso(start)[:10],
            "checks": _count([history.daily_checks.get(start, 0.0)]),
            "percent": _percent(history.daily_available.get(start)),
        }
        for start in starts
    ]


def alarms(history: History) -> list[dict[str, Any]]:
    """Return the alarms that are on."""
    return [
        {"name": alarm.name, "description": alarm.description, "since": _iso(alarm.since)}
        for alarm in history.alarms
    ]


def _history_faults(history: Snapshot[History | None], has_history: bool) -> tuple[str, ...]:
    if has_history:
        return history.faults
    return ("there is no CloudWatch to read; set ALARM_PREFIX and METRICS_NAMESPACE",)


def _hour(history: History, start: int) -> dict[str, Any]:
    return {
        "start": _iso(start),
        "requests": _count(_within(history.requests, start)),
        "errors": _count(_within(history.errors, start)),
        "p50": _rounded(history.hourly_p50.get(start)),
        "p95": _rounded(history.hourly_p95.get(start)),
        "p99": _rounded(history.hourly_p99.get(start)),
    }


def _within(points: Points, start: int) -> list[float]:
    return [value for at, value in points.items() if start <= at < start + HOUR]


def _since(points: Points, start: float) -> float:
    return sum(value for at, value in points.items() if at >= start)


def _count(values: Iterable[float]) -> int:
    return round(sum(values))


def _any(points: Points) -> float | None:
    """Return the one value there is: the slice is the whole day."""
    return _rounded(next(iter(points.values()), None))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _percent(share: float | None) -> float | None:
    return None if share is None else round(min(share, 1.0) * 100, 3)


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
