"""How well an environment's deploys go, from its history: DORA's metrics.

https://dora.dev/guides/dora-metrics/
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ship.state.store import HistoryEntry


@dataclass(frozen=True)
class Metrics:
    """Deploys in a number of days; None where there is nothing to measure.

    A deploy failed when it was reverted, or its release was rolled back later; the time to restore
    is from when it began, or went live, to the end of that. Rework is the first deploy after a
    failure. The lead time is from the commit to its going live. Times are medians, in seconds.
    """

    days: float
    deploys: int
    deploys_per_week: float
    lead_time: float | None
    change_failure_rate: float | None
    time_to_restore: float | None
    rework_rate: float | None


@dataclass
class _Deploy:
    """One that users could see; `failed_for` is how many seconds until it was taken back."""

    release: str | None
    at: datetime
    lead_time: float | None = None
    is_rework: bool = False
    failed_for: float | None = None


def measure(
    history: Iterable[HistoryEntry], committed: Mapping[str, datetime], days: float, now: datetime
) -> Metrics:
    """Return the metrics of the days before `now`.

    Args:
        history: the environment's, oldest first; it may reach back further.
        committed: when commits were made, by their SHA-1; others have no lead time.
        days: how many.
        now: their end.
    """
    since = now - timedelta(days=days)
    deploys = [deploy for deploy in _deploys(history, committed) if deploy.at >= since]
    lead = [one.lead_time for one in deploys if one.lead_time is not None]
    failed = [one.failed_for for one in deploys if one.failed_for is not None]
    count = len(deploys)
    return Metrics(
        days=days,
        deploys=count,
        deploys_per_week=round(count * 7 / days, 2),
        lead_time=median(lead) if lead else None,
        change_failure_rate=round(len(failed) / count, 3) if count else None,
        time_to_restore=median(failed) if failed else None,
        rework_rate=round(sum(one.is_rework for one in deploys) / count, 3) if count else None,
    )


def _deploys(
    history: Iterable[HistoryEntry], committed: Mapping[str, datetime]
) -> Iterable[_Deploy]:
    deploys, started, failing = list[_Deploy](), None, False
    for entry in history:
        at = datetime.fromisoformat(entry.at)
        if entry.event.endswith(" started"):
            started = at if entry.event == "deploy started" else None
        elif entry.event == "live":
            commit = committed.get(entry.commit)
            lead_time = (at - commit).total_seconds() if commit else None
            deploys.append(_Deploy(entry.release, at, lead_time, failing))
            failing = False
        elif entry.event == "reverted" and started:
            failed_for = (at - started).total_seconds()
            deploys.append(_Deploy(entry.previous, started, None, failing, failed_for))
            failing = True
        elif entry.event == "rolled back":
            live = [one.release for one in deploys if one.failed_for is None]
            # Going back to a newer release, after a rollback too many, blames nobody.
            if entry.previous in live and entry.release in live[: live.index(entry.previous)]:
                deploy = next(one for one in reversed(deploys) if one.release == entry.previous)
                deploy.failed_for = (at - deploy.at).total_seconds()
                failing = True
    return deploys
