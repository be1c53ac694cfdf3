import threading
import time
from collections.abc import Callable

import pytest

from app import cache as cache_module
from app.cache import Cache, Snapshot
from lambda_adapter.errors import ServiceError

DENIED = ServiceError("denied; check the role")


class Source:
    """Returns its answers in turn, or raises them; waits until it is free."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.free = threading.Event()
        self.free.set()

    def read(self, current: str) -> tuple[str, tuple[str, ...]]:
        self.calls += 1
        answer = self.answers[min(self.calls, len(self.answers)) - 1]
        assert self.free.wait(5)
        if isinstance(answer, Exception):
            raise answer
        return answer, ()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def make_cache(source: Source, ttl: float = 60) -> tuple[Cache[str], Clock]:
    clock = Clock()
    return Cache("settings", "default", source.read, ttl, clock), clock


def test_without_a_source_the_defaults_hold() -> None:
    cache = Cache("settings", "default", None, 60)

    assert not cache.configured
    assert cache.current() == Snapshot("default")
    assert not cache.current().known
    assert cache.age() is None


def test_values_are_read_once_in_their_time() -> None:
    source = Source("first", "second")
    cache, clock = make_cache(source)

    assert cache.current() == Snapshot("first", 1_000_000.0)
    clock.now += 59
    assert cache.current().values == "first"
    assert cache.age() == 59
    clock.now += 1
    assert cache.current().values == "second"
    assert source.calls == 2


def test_a_reading_gets_the_values_in_force_and_says_what_is_wrong_with_the_new_ones() -> None:
    def read(current: str) -> tuple[str, tuple[str, ...]]:
        return f"{current}+", ("one is bad; correct it",)

    clock = Clock()
    cache = Cache("settings", "default", read, 60, clock)

    assert cache.current() == Snapshot("default+", clock.now, ("one is bad; correct it",))
    clock.now += 60
    assert cache.current().values == "default++"


def test_a_clock_that_was_set_back_does_not_keep_values_for_ever() -> None:
    cache, clock = make_cache(Source("first", "second"))
    cache.current()

    clock.now -= 100_000

    assert cache.current().values == "second"
    assert cache.age() == 0


def test_the_last_good_value_holds_while_reading_fails() -> None:
    cache, clock = make_cache(Source("first", DENIED, DENIED, "second"))
    cache.current()

    clock.now += 60
    assert cache.current() == Snapshot("first", 1_000_000.0, ("denied; check the role",))
    assert cache.current().known
    assert cache.age() == 60
    clock.now += 6
    assert cache.current().warnings == ("denied; check the role",)
    clock.now += 12
    assert cache.current() == Snapshot("second", clock.now)


def test_a_service_that_goes_on_failing_is_asked_less_and_less_but_never_less_than_usual() -> None:
    source = Source(*[DENIED] * 20, "first", DENIED)
    cache, clock = make_cache(source)
    assert source.calls == 0
    pauses = []
    for _ in range(20):
        cache.current()
        pauses.append(cache._next_read - clock.now)
        cache.current()
        assert source.calls == len(pauses), "it is left alone meanwhile"
        clock.now = cache._next_read

    for pause, (least, most) in zip(pauses, ((4, 6), (8, 12), (16, 24), (32, 48)), strict=False):
        assert least <= pause <= most
    assert pauses[4:] == [60.0] * 16
    cache.current()
    clock.now += 60
    cache.current()
    assert 4 <= cache._next_read - clock.now <= 6
    clock.now, cache._failures = cache._next_read, 5000
    cache.current()
    assert cache._next_read - clock.now == 60, "a service may fail for weeks"


def test_an_unexpected_error_is_a_warning_too_and_its_trace_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache, clock = make_cache(Source("first", KeyError("canary")))
    cache.current()
    clock.now += 60

    assert cache.current() == Snapshot(
        "first", 1_000_000.0, ("the settings could not be read; the function's log says why",)
    )
    trace, warning = caplog.records
    assert trace.exc_info is not None
    assert isinstance(trace.exc_info[1], KeyError)
    assert warning.levelname == "WARNING"
    assert "canary" not in warning.getMessage()


def test_a_slow_service_costs_a_caller_a_quarter_of_a_second_and_is_asked_once() -> None:
    source = Source("first", "second")
    cache, clock = make_cache(source)
    cache.current()
    source.free.clear()
    clock.now += 60

    started = time.monotonic()
    assert cache.current().values == "first"
    assert 0.2 < time.monotonic() - started < 0.5
    assert cache.current().values == "first"
    assert source.calls == 2

    source.free.set()
    assert _eventually(lambda: cache.current().values == "second")
    assert source.calls == 2


def test_refreshing_waits_for_nothing() -> None:
    source = Source("first")
    source.free.clear()
    cache, _ = make_cache(source)

    started = time.monotonic()
    cache.refresh()
    assert time.monotonic() - started < 0.2
    source.free.set()
    assert cache.current().values == "first"
    assert source.calls == 1


def test_the_first_caller_waits_longer_and_then_gets_the_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cache_module, "FIRST_WAIT", 0.6)
    source = Source("first")
    source.free.clear()
    cache, _ = make_cache(source)

    started = time.monotonic()
    assert cache.current().values == "default"
    assert 0.55 < time.monotonic() - started < 0.9

    source.free.set()
    assert _eventually(lambda: cache.current().values == "first")


@pytest.mark.parametrize("passed", [16, -100])
def test_a_reading_that_was_frozen_is_given_up_and_cannot_overwrite_a_later_one(
    passed: int,
) -> None:
    old, new = Source("old"), Source("new")
    old.free.clear()
    cache, clock = make_cache(old)
    frozen = cache.refresh()
    assert frozen is not None
    assert cache.refresh() is frozen

    clock.now += passed
    cache._read = new.read
    run = cache.refresh()
    assert run is not None
    assert run is not frozen
    assert run.done.wait(5)
    old.free.set()
    assert frozen.done.wait(5)

    assert cache.current().values == "new"


def test_warnings_are_logged_when_they_come_and_when_they_go(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache, clock = make_cache(Source(DENIED, DENIED, "first"), ttl=1)
    for _ in range(5):
        cache.current()
        clock.now += 6

    assert caplog.messages == [
        "settings: denied; check the role",
        "settings: all good again",
    ]


def test_many_callers_at_once_start_one_reading() -> None:
    source = Source("first")
    source.free.clear()
    cache, _ = make_cache(source)
    found: list[str] = []
    callers = [
        threading.Thread(target=lambda: found.append(cache.current().values)) for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    time.sleep(0.05)
    source.free.set()
    for caller in callers:
        caller.join()

    assert found == ["first"] * 8
    assert source.calls == 1


def _eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)
    return False
