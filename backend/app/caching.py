"""Values in memory that are read again, in the background of requests, when they are due."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lambda_adapter.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger("backend.caching")
_FIRST_WAIT = 1.5
_WAIT = 0.25
_BACKOFF = (4.0, 6.0)
_ABANDON_AFTER = 15.0


@dataclass(frozen=True)
class Snapshot[T]:
    """The values in force, and how much they are worth."""

    values: T
    read_at: float | None = None
    """Seconds since the epoch of the last good reading; None before there was one."""
    faults: tuple[str, ...] = ()
    """What is wrong with the last reading, in words for an operator; holds no value."""

    @property
    def known(self) -> bool:
        """Whether the values were read, maybe a while ago, and are not the defaults."""
        return self.read_at is not None


class Cache[T]:
    """Keeps what `read` returns; a reading that fails leaves the last good values in force.

    A caller waits a quarter of a second for fresh values (1.5 s for the very first), then
    gets the last good ones. The wait is there because Lambda freezes a background thread as
    soon as the answer is out. Time is the wall clock's: a frozen process must find its values
    old when it wakes up.
    """

    def __init__(
        self,
        name: str,
        default: T,
        read: Callable[[T], tuple[T, tuple[str, ...]]] | None,
        ttl: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`read` gets the values in force, and returns new ones and what is wrong with them.

        It raises ServiceError where there is nothing to read; without it there are only the
        defaults. `ttl` is in seconds.
        """
        self._name = name
        self._read = read
        self._ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot = Snapshot(default)
        self._next_read = 0.0
        self._failures = 0
        self._running: _Run | None = None

    @property
    def configured(self) -> bool:
        """Whether there is anywhere to read from."""
        return self._read is not None

    def age(self) -> int | None:
        """Return the whole seconds since the last good reading, None before there was one."""
        read_at = self._snapshot.read_at
        return None if read_at is None else max(0, int(self._clock() - read_at))

    def refresh(self) -> None:
        """Start a reading when one is due, and wait for nothing."""
        self._run_if_due()

    def current(self) -> Snapshot[T]:
        """Return the values in force; starts a reading when one is due. Never raises."""
        run = self._run_if_due()
        if run is not None:
            first = not self._snapshot.known and not self._snapshot.faults
            run.done.wait(_FIRST_WAIT if first else _WAIT)
        return self._snapshot

    def _run_if_due(self) -> _Run | None:
        if self._read is None:
            return None
        with self._lock:
            now = self._clock()
            if now < self._next_read <= now + self._ttl:
                return None
            if self._running is None or not 0 <= now - self._running.started <= _ABANDON_AFTER:
                self._running = _Run(now)
                threading.Thread(
                    target=self._finish, args=(self._read, self._running), daemon=True
                ).start()
            return self._running

    def _finish(self, read: Callable[[T], tuple[T, tuple[str, ...]]], run: _Run) -> None:
        try:
            values, faults = read(self._snapshot.values)
            snapshot, failed = Snapshot(values, self._clock(), faults), False
        except ServiceError as fault:
            snapshot, failed = replace(self._snapshot, faults=(str(fault),)), True
        except Exception:  # Whatever a service says, who asks for the values gets the last ones.
            _LOG.exception("%s could not be read", self._name)
            words = f"the {self._name} could not be read; the function's log says why"
            snapshot, failed = replace(self._snapshot, faults=(words,)), True
        if snapshot.faults != self._snapshot.faults:
            _LOG.warning("%s: %s", self._name, "; ".join(snapshot.faults) or "all good again")
        with self._lock:
            if self._running is run:
                self._running = None
                self._snapshot = snapshot
                self._failures = self._failures + 1 if failed else 0
                self._next_read = self._clock() + self._pause()
        run.done.set()

    def _pause(self) -> float:
        """Seconds until the next reading: twice as long after each failure in a row."""
        if not self._failures:
            return self._ttl
        doubled = random.uniform(*_BACKOFF) * 2.0 ** min(self._failures - 1, 10)  # noqa: S311
        return min(self._ttl, doubled)


class _Run:
    def __init__(self, started: float) -> None:
        self.started = started
        self.done = threading.Event()
