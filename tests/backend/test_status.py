from dataclasses import replace
from typing import Any

import pytest

from app.cache import Snapshot
from app.cloudwatch import DAY, HOUR, Alarm, History
from app.public_settings import PublicSettings
from app.status import describe, worst
from tests.backend.contract import check_body

NOW = 1773119783.6  # 2026-03-10T05:16:23Z
MIDNIGHT = 1773100800
FIVE = MIDNIGHT + 5 * HOUR  # The slices of five minutes around now begin here and every 300 s.
NOTHING = History(NOW, (), *({} for _ in range(12)))
READ = Snapshot(PublicSettings(), NOW)


def description(
    history: History | None, *, age: int | None = 0, settings: Any = READ, **more: Any
) -> dict[str, Any]:
    read_at = None if history is None else history.at
    warnings = more.pop("warnings", ())
    found = describe(
        Snapshot(history, read_at, warnings),
        age,
        settings,
        **{"has_history": True, "has_settings": True, **more},
    )
    check_body(found, "Status")
    return found


def states(found: dict[str, Any]) -> list[str]:
    assert [one["id"] for one in found["components"]] == ["api", "site", "settings"]
    return [one["state"] for one in found["components"]]


def test_where_nothing_was_read_nothing_is_claimed() -> None:
    assert description(None, age=None, warnings=("CloudWatch did not answer; wait",)) == {
        "state": "operational",
        "as_of": None,
        "age_seconds": None,
        "warnings": ["CloudWatch did not answer; wait"],
        "components": [
            {"id": "api", "state": "unknown"},
            {"id": "site", "state": "unknown"},
            {"id": "settings", "state": "operational"},
        ],
        "last_24_hours": {
            "requests": None,
            "errors": None,
            "cold_starts": None,
            "latency_ms": {"p50": None, "p95": None, "p99": None},
            "hours": [],
        },
        "availability": [],
        "alarms": [],
    }


def test_a_new_environment_has_no_requests_and_no_checks() -> None:
    found = description(NOTHING)

    assert states(found) == ["operational", "unknown", "operational"]
    assert found["as_of"] == "2026-03-10T05:16:23Z"
    day = found["last_24_hours"]
    assert (day["requests"], day["errors"], day["cold_starts"]) == (0, 0, 0)
    assert day["latency_ms"] == {"p50": None, "p95": None, "p99": None}
    assert len(day["hours"]) == 24
    assert len(found["availability"]) == 90


def test_the_day_is_summed_up_and_listed_by_the_hour() -> None:
    history = replace(
        NOTHING,
        requests={FIVE - 18 * HOUR: 1.0, FIVE: 10.0, FIVE + 300: 20.0},
        errors={FIVE + 300: 2.0},
        cold_starts={FIVE - 23 * HOUR: 3.0},
        p50={FIVE - 23 * HOUR: 1.26},
        p99={FIVE - 23 * HOUR: 99.0},
        hourly_p95={FIVE: 33.333},
    )

    day = description(history)["last_24_hours"]

    assert (day["requests"], day["errors"], day["cold_starts"]) == (31, 2, 3)
    assert day["latency_ms"] == {"p50": 1.3, "p95": None, "p99": 99.0}
    starts = [hour["start"] for hour in day["hours"]]
    assert (starts[0], starts[-1]) == ("2026-03-09T06:00:00Z", "2026-03-10T05:00:00Z")
    assert starts == sorted(set(starts))
    assert day["hours"][-1] == {
        "start": "2026-03-10T05:00:00Z",
        "requests": 30,
        "errors": 2,
        "p50": None,
        "p95": 33.3,
        "p99": None,
    }
    assert day["hours"][5]["requests"] == 1


def test_availability_is_listed_by_the_day_and_null_where_nobody_checked() -> None:
    history = replace(
        NOTHING,
        daily_checks={MIDNIGHT: 60.0, MIDNIGHT - DAY: 288.0, MIDNIGHT - 89 * DAY: 1.0},
        daily_available={MIDNIGHT: 1.0, MIDNIGHT - DAY: 287 / 288, MIDNIGHT - 89 * DAY: 1.5},
    )

    days = description(history)["availability"]

    assert days[-1] == {"date": "2026-03-10", "checks": 60, "percent": 100.0}
    assert days[-2] == {"date": "2026-03-09", "checks": 288, "percent": 99.653}
    assert days[-3] == {"date": "2026-03-08", "checks": 0, "percent": None}
    assert days[0] == {"date": "2025-12-11", "checks": 1, "percent": 100.0}


@pytest.mark.parametrize(
    ("requests", "errors", "state"),
    [
        ({}, {}, "operational"),
        ({FIVE + 900: 1000.0}, {}, "operational"),
        ({FIVE + 900: 1000.0}, {FIVE + 900: 9.0}, "operational"),
        ({FIVE + 900: 1000.0}, {FIVE + 900: 10.0}, "degraded"),
        ({FIVE + 900: 600.0, FIVE + 600: 400.0}, {FIVE + 600: 499.0}, "degraded"),
        ({FIVE + 900: 1000.0}, {FIVE + 900: 500.0}, "outage"),
        ({}, {FIVE + 900: 1.0}, "outage"),
        ({FIVE + 900: 1.0}, {FIVE: 1.0}, "operational"),
    ],
)
def test_the_api_is_judged_by_the_errors_of_the_last_quarter_of_an_hour(
    requests: dict[int, float], errors: dict[int, float], state: str
) -> None:
    assert states(description(replace(NOTHING, requests=requests, errors=errors)))[0] == state


def test_an_alarm_degrades_the_api_and_is_listed() -> None:
    history = replace(NOTHING, alarms=(Alarm("errors", "Too many.", 1773119700.2),))

    found = description(history)

    assert states(found)[0] == "degraded"
    assert found["state"] == "degraded"
    assert found["alarms"] == [
        {"name": "errors", "description": "Too many.", "since": "2026-03-10T05:15:00Z"}
    ]


@pytest.mark.parametrize(
    ("checks", "state"),
    [
        ({}, "unknown"),
        ({FIVE + 600: 1.0}, "operational"),
        ({FIVE + 600: 0.0, FIVE + 900: 1.0}, "operational"),
        ({FIVE + 900: 0.5}, "degraded"),
        ({FIVE + 600: 1.0, FIVE + 900: 0.0}, "outage"),
        ({FIVE - 900: 1.0}, "unknown"),
        ({FIVE - 600: 1.0}, "operational"),
    ],
)
def test_the_site_is_judged_by_the_last_check_of_half_an_hour(
    checks: dict[int, float], state: str
) -> None:
    assert states(description(replace(NOTHING, checks=checks)))[1] == state


@pytest.mark.parametrize(
    ("settings", "has_settings", "state"),
    [
        (READ, True, "operational"),
        (Snapshot(PublicSettings()), False, "operational"),
        (Snapshot(PublicSettings(), NOW, ("a value is bad; correct it",)), True, "degraded"),
        (Snapshot(PublicSettings(), None, ("denied; check the role",)), True, "outage"),
    ],
)
def test_the_settings_are_judged_by_their_last_reading(
    settings: Snapshot[PublicSettings], has_settings: bool, state: str
) -> None:
    found = description(NOTHING, settings=settings, has_settings=has_settings)

    assert states(found)[2] == state
    assert found["warnings"] == list(settings.warnings)


def test_old_numbers_are_returned_but_say_nothing_about_now() -> None:
    history = replace(NOTHING, requests={FIVE: 7.0}, checks={FIVE + 900: 0.0})

    assert states(description(history, age=600))[:2] == ["operational", "outage"]
    old = description(history, age=601)
    assert states(old)[:2] == ["unknown", "unknown"]
    assert old["age_seconds"] == 601
    assert old["as_of"] == "2026-03-10T05:16:23Z"
    assert old["last_24_hours"]["requests"] == 7


def test_numbers_are_worked_out_once_for_each_reading() -> None:
    again = replace(NOTHING)

    assert description(NOTHING)["availability"] is description(NOTHING, age=9)["availability"]
    assert description(again)["availability"] is not description(NOTHING)["availability"]


@pytest.mark.parametrize(
    ("states", "found"),
    [
        (["operational", "unknown"], "operational"),
        (["degraded", "operational"], "degraded"),
        (["operational", "outage", "degraded"], "outage"),
        (["unknown", "unknown"], "unknown"),
    ],
)
def test_the_worst_of_what_is_known_counts(states: list[str], found: str) -> None:
    assert worst(states) == found
