from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from ship.state.metrics import Metrics, measure
from ship.state.store import HistoryEntry

NOW = datetime(2026, 11, 30, tzinfo=UTC)
EMPTY = Metrics(30, 0, 0, None, None, None, None)


class Past:
    """A history that is written an event after another; times are hours before now."""

    def __init__(self) -> None:
        self.entries = list[HistoryEntry]()
        self._numbers = count()

    def add(self, hours: float, event: str, release: str, previous: str | None = None) -> None:
        at = (NOW - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
        commit = f"commit of {release}"
        number = next(self._numbers)
        self.entries.append(
            HistoryEntry(number, event, release, previous, commit, "1", "ann", "local", "", at, 1)
        )

    def measure(self, days: float = 30, **hours: float) -> Metrics:
        committed = {
            f"commit of {name}": NOW - timedelta(hours=hour) for name, hour in hours.items()
        }
        return measure(self.entries, committed, days, NOW)


@pytest.fixture
def past() -> Past:
    return Past()


def test_nothing_is_measured_where_nothing_happened(past: Past) -> None:
    assert past.measure() == EMPTY


def test_deploys_without_failures(past: Past) -> None:
    for release, hours in (("a", 48), ("b", 24), ("c", 1)):
        past.add(hours, "deploy started", release)
        past.add(hours - 0.5, "live", release)

    found = past.measure(days=7, a=50, b=30)

    assert found == Metrics(7, 3, 3, (2.5 + 6.5) / 2 * 3600, 0, None, 0)


def test_what_is_older_than_the_window_does_not_count(past: Past) -> None:
    past.add(24 * 8, "live", "a")
    past.add(24 * 6, "live", "b")

    assert past.measure(days=7).deploys == 1


def test_a_deploy_that_is_reverted_failed_until_then(past: Past) -> None:
    past.add(10, "live", "a")
    past.add(3, "deploy started", "b", "a")
    past.add(2.5, "reverted", "a", "b")
    past.add(1, "deploy started", "c", "a")
    past.add(1, "live", "c", "a")

    found = past.measure()

    assert (found.deploys, found.change_failure_rate) == (3, 0.333)
    assert found.time_to_restore == 1800
    assert found.rework_rate == 0.333


def test_a_release_that_is_rolled_back_failed_since_it_was_live(past: Past) -> None:
    past.add(20, "live", "a")
    past.add(10, "live", "b", "a")
    past.add(8, "rollback started", "a", "b")
    past.add(8, "rolled back", "a", "b")

    found = past.measure()

    assert (found.change_failure_rate, found.time_to_restore) == (0.5, 7200)
    assert found.rework_rate == 0


def test_going_forward_again_after_a_rollback_blames_nobody(past: Past) -> None:
    past.add(20, "live", "a")
    past.add(10, "live", "b", "a")
    past.add(8, "rolled back", "a", "b")
    past.add(7, "rolled back", "b", "a")

    assert past.measure().change_failure_rate == 0.5


def test_what_users_never_saw_is_no_deploy(past: Past) -> None:
    past.add(5, "deploy started", "a")
    past.add(5, "deploy failed", "a")
    # A rollback that is reverted is no failed deploy, either.
    past.add(4, "rollback started", "z", "y")
    past.add(4, "reverted", "y", "z")
    past.add(3, "frozen", "y")

    assert past.measure() == replace(EMPTY, days=30)


def test_a_month_of_a_team(past: Past) -> None:
    """A deploy on each of 22 days; the 5th is reverted, the 13th rolled back after two hours."""
    committed = {}
    for day in range(22):
        began, release = 24.0 * (29 - day), f"r{day}"
        committed[release] = began + 3 + day % 3
        past.add(began, "deploy started", release)
        if day == 5:
            past.add(began - 0.1, "reverted", "r4", release)
            continue
        past.add(began - 0.1, "live", release, f"r{day - 1}")
        if day == 13:
            past.add(began - 2, "rollback started", "r12", release)
            past.add(began - 2.1, "rolled back", "r12", release)

    found = past.measure(**committed)

    assert (found.deploys, found.deploys_per_week) == (22, 5.13)
    assert found.lead_time == pytest.approx(4.1 * 3600)
    assert (found.change_failure_rate, found.rework_rate) == (0.091, 0.091)
    assert found.time_to_restore == pytest.approx((0.1 + 2.0) / 2 * 3600)
