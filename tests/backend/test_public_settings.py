from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from backend import public_settings
from backend.aws import Parameter
from backend.errors import ParameterStoreError
from backend.public_settings import PublicSettings, SettingsCache, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def given(**values: str) -> list[Parameter]:
    return [Parameter(name, value, secret=False) for name, value in values.items()]


class Reader:
    """Hands out what it is told, or raises it; waits while it is held."""

    def __init__(self, *answers: list[Parameter] | ParameterStoreError) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.free = threading.Event()
        self.free.set()

    def read(self) -> Iterable[Parameter]:
        self.calls += 1
        answer = self.answers[min(self.calls, len(self.answers)) - 1]
        assert self.free.wait(5)
        if isinstance(answer, ParameterStoreError):
            raise answer
        return answer


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


DENIED = ParameterStoreError("denied; check the role")


def test_values_are_typed() -> None:
    values, faults = merge(
        PublicSettings(),
        given(title=" Hello ", notice="", refresh_seconds="5", maintenance="TRUE"),
    )

    assert values == PublicSettings("Hello", "", 5, maintenance=True)
    assert faults == ()


@pytest.mark.parametrize("value", ["none", " None ", "", " "])
def test_a_notice_of_none_is_no_notice(value: str) -> None:
    assert merge(PublicSettings(), given(notice=value)) == (PublicSettings(), ())


def test_a_parameter_that_was_deleted_falls_back_to_its_default() -> None:
    before = PublicSettings(title="Hello", notice="Careful", refresh_seconds=5)

    assert merge(before, given(title="Hello"))[0] == PublicSettings(title="Hello")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("title", "", "is empty; give the page a title"),
        ("title", "x" * 81, "no single line of at most 80 characters; shorten it"),
        ("title", "two\nlines", "no single line"),
        ("notice", "x" * 501, "at most 500"),
        ("notice", "bell\x07", "no single line"),
        ("refresh_seconds", "4", "no whole number of seconds from 5 to 3600; set one"),
        ("refresh_seconds", "3601", "no whole number"),
        ("refresh_seconds", "1e3", "no whole number"),
        ("refresh_seconds", "-5", "no whole number"),
        ("refresh_seconds", "\u0663\u0660", "no whole number"),
        ("refresh_seconds", "9" * 5000, "no whole number"),
        ("maintenance", "yes", "neither true nor false; set one of them"),
    ],
)
def test_a_bad_value_is_told_without_itself_and_leaves_the_last_good_one(
    name: str, value: str, words: str
) -> None:
    before = PublicSettings("Before", "Careful", 45, maintenance=True)
    good = given(title="Before", notice="Careful", refresh_seconds="45", maintenance="true")
    bad = [Parameter(name, value, secret=False)]

    values, faults = merge(before, [*good, *bad])

    assert values == before
    assert len(faults) == 1
    assert faults[0].startswith(f"parameter {name} is")
    assert words in faults[0]
    assert not value or value not in faults[0]


def test_a_secure_string_is_never_shown() -> None:
    values, faults = merge(PublicSettings(), [Parameter("notice", "canary", secret=True)])

    assert values.notice == ""
    assert "canary" not in faults[0]
    assert "make it a String" in faults[0]


def test_an_unknown_parameter_is_told_and_not_shown() -> None:
    values, faults = merge(PublicSettings(), given(title="Hello", secret_key="canary"))

    assert values == PublicSettings(title="Hello")
    assert faults == ("parameter 'secret_key' is not a known setting; remove it",)


def test_no_parameter_at_all_is_a_wrong_prefix() -> None:
    with pytest.raises(ParameterStoreError, match="create them with `ship apply`"):
        merge(PublicSettings(), [])


def test_without_a_reader_the_defaults_hold() -> None:
    cache = SettingsCache(None, ttl=60)

    assert not cache.configured
    assert cache.current().values == PublicSettings()
    assert cache.age() is None


def test_making_a_cache_reads_nothing() -> None:
    reader = Reader(given(title="Hello"))
    cache = SettingsCache(reader, ttl=60)

    assert cache.configured
    assert reader.calls == 0


def test_values_are_read_once_in_their_time() -> None:
    reader, clock = Reader(given(title="Hello"), given(title="World")), Clock()
    cache = SettingsCache(reader, ttl=60, clock=clock)

    assert cache.current().values.title == "Hello"
    clock.now += 59
    assert cache.current().values.title == "Hello"
    assert cache.age() == 59
    clock.now += 1
    assert cache.current().values.title == "World"
    assert reader.calls == 2


def test_a_clock_that_was_set_back_does_not_keep_values_for_ever() -> None:
    reader, clock = Reader(given(title="Hello"), given(title="World")), Clock()
    cache = SettingsCache(reader, ttl=60, clock=clock)
    cache.current()

    clock.now -= 100_000

    assert cache.current().values.title == "World"


def test_the_last_good_value_holds_while_reading_fails() -> None:
    reader, clock = Reader(given(title="Hello"), DENIED, DENIED, given(title="World")), Clock()
    cache = SettingsCache(reader, ttl=60, clock=clock)
    cache.current()

    clock.now += 60
    failed = cache.current()
    assert failed.values.title == "Hello"
    assert failed.source == "parameter-store"
    assert failed.faults == ("denied; check the role",)
    assert cache.age() == 60
    clock.now += 6
    assert cache.current().faults == ("denied; check the role",)
    clock.now += 6
    assert cache.current().values.title == "World"
    assert cache.current().faults == ()


def test_after_a_failure_the_service_is_left_alone_for_a_moment() -> None:
    reader, clock = Reader(DENIED), Clock()
    cache = SettingsCache(reader, ttl=60, clock=clock)

    assert cache.current().source == "defaults"
    clock.now += 3.9
    assert cache.current().source == "defaults"
    assert reader.calls == 1
    clock.now += 2.2
    cache.current()
    assert reader.calls == 2


def test_a_slow_service_costs_a_caller_a_quarter_of_a_second_and_is_asked_once() -> None:
    reader, clock = Reader(given(title="Hello"), given(title="World")), Clock()
    cache = SettingsCache(reader, ttl=60, clock=clock)
    cache.current()
    reader.free.clear()
    clock.now += 60

    started = time.monotonic()
    assert cache.current().values.title == "Hello"
    assert 0.2 < time.monotonic() - started < 0.5
    assert cache.current().values.title == "Hello"
    assert reader.calls == 2

    reader.free.set()
    assert _eventually(lambda: cache.current().values.title == "World")
    assert reader.calls == 2


def test_the_first_caller_waits_longer_and_then_gets_the_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(public_settings, "_FIRST_WAIT", 0.6)
    reader = Reader(given(title="Hello"))
    reader.free.clear()
    cache = SettingsCache(reader, ttl=60, clock=Clock())

    started = time.monotonic()
    assert cache.current().values == PublicSettings()
    assert 0.55 < time.monotonic() - started < 0.9

    reader.free.set()
    assert _eventually(lambda: cache.current().values.title == "Hello")


@pytest.mark.parametrize("passed", [16, -100])
def test_a_reading_that_was_frozen_is_given_up_and_cannot_overwrite_a_later_one(
    passed: int,
) -> None:
    old, new, clock = Reader(given(title="old")), Reader(given(title="new")), Clock()
    old.free.clear()
    cache = SettingsCache(new, ttl=60, clock=clock)
    frozen = cache._run_if_due(old)
    assert frozen is not None
    assert cache._run_if_due(old) is frozen

    clock.now += passed
    run = cache._run_if_due(new)
    assert run is not None
    assert run is not frozen
    assert run.done.wait(5)
    old.free.set()
    assert frozen.done.wait(5)

    assert cache.current().values.title == "new"


def test_faults_are_logged_when_they_come_and_when_they_go(
    app: object, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    reader, clock = Reader(DENIED, DENIED, given(title="Hello")), Clock()
    cache = SettingsCache(reader, ttl=1, clock=clock)
    for _ in range(5):
        cache.current()
        clock.now += 6

    assert [(line["level"], line["message"]) for line in log_lines()] == [
        ("WARNING", "public settings: denied; check the role"),
        ("WARNING", "public settings: all good again"),
    ]


def test_many_callers_at_once_start_one_reading() -> None:
    reader = Reader(given(title="Hello"))
    reader.free.clear()
    cache = SettingsCache(reader, ttl=60, clock=Clock())
    titles: list[str] = []
    callers = [
        threading.Thread(target=lambda: titles.append(cache.current().values.title))
        for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    time.sleep(0.05)
    reader.free.set()
    for caller in callers:
        caller.join()

    assert titles == ["Hello"] * 8
    assert reader.calls == 1


def test_settings_are_plain_json() -> None:
    assert json.dumps(vars(PublicSettings()))


def _eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)
    return False
