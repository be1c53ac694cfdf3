"""Values in memory that are read again, in the background of requests, when they are due."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from lambda_adapter.errors import ServiceError

FIRST_WAIT = 1.5
_WAIT = 0.25
_BACKOFF = (4.0, 6.0)
_ABANDON_AFTER = 15.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot[T]:
    """The values in force, and how much they are worth."""

    values: T
    read_at: float | None = None
    """Seconds since the epoch of the last good reading; None before there was one."""
    warnings: tuple[str, ...] = ()
    """What is wrong with the last reading, in words for an operator; holds no value."""

    @property
    def known(self) -> bool:
        """Whether the values were read, maybe a while ago, and are not the defaults."""
        return self.read_at is not None


class Cache[T]:
    """Holds what `read` returns; a reading that fails leaves the last good values in force.

    A caller waits a quarter of a second for fresh values (1.5 s for the very first), then
    gets the last good ones. The wait is there because Lambda freezes a background thread as
    soon as the response is out:
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html. Time is the wall
    clock's: a frozen process has to find its values old when it wakes up.
    """

    def __init__(
        self,
        name: str,
        default: T,
        read: Callable[[T], tuple[T, tuple[str, ...]]] | None,
        ttl: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make a cache that reads nothing yet.

        Args:
            name: what the log calls the values.
            default: the values before the first good reading.
            read: gets the values in force, returns new ones and what is wrong with them, and
                raises ServiceError where there is nothing to read. None: the defaults hold.
            ttl: seconds until a reading is due again.
            clock: returns seconds since the epoch.
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

    @property
    def reading(self) -> bool:
        """Whether a reading is going on."""
        return self._running is not None

    def age(self) -> int | None:
        """Return the whole seconds since the last good reading, None before there was one."""
        read_at = self._snapshot.read_at
        return None if read_at is None else max(0, int(self._clock() - read_at))

    def current(self) -> Snapshot[T]:
        """Return the values in force, after a short wait where a reading is due. Never raises."""
        run = self.refresh()
        if run is not None:
            first = not self._snapshot.known and not self._snapshot.warnings
            run.done.wait(FIRST_WAIT if first else _WAIT)
        return self._snapshot

    def refresh(self) -> _Run | None:
        """Start a reading if one is due, and return the one that is going on."""
        if self._read is None:
            return None
        with self._lock:
            now = self._clock()
            if now < self._next_read <= now + self._ttl:  # Not so when the clock was set back.
                return None
            if self._running is None or not 0 <= now - self._running.started <= _ABANDON_AFTER:
                self._running = _Run(now)
                arguments = (self._read, self._running)
                threading.Thread(target=self._finish, args=arguments, daemon=True).start()
            return self._running

    def _finish(self, read: Callable[[T], tuple[T, tuple[str, ...]]], run: _Run) -> None:
        failed = True
        try:
            values, warnings = read(self._snapshot.values)
            snapshot, failed = Snapshot(values, self._clock(), warnings), False
        except ServiceError as error:
            snapshot = replace(self._snapshot, warnings=(str(error),))
        except Exception:  # Whatever a service says, the caller gets the last good values.
            _LOG.exception("%s could not be read", self._name)
            warning = f"the {self._name} could not be read; the function's log says why"
            snapshot = replace(self._snapshot, warnings=(warning,))
        if snapshot.warnings != self._snapshot.warnings:
            _LOG.warning("%s: %s", self._name, "; ".join(snapshot.warnings) or "all good again")
        with self._lock:
            if self._running is run:  # Else it was frozen, and a later one has taken its place.
                self._running = None
                self._snapshot = snapshot
                self._failures = self._failures + 1 if failed else 0
                pause = self._ttl
                if failed:  # Twice as long after each failure in a row.
                    first = random.uniform(*_BACKOFF)  # noqa: S311
                    pause = min(self._ttl, first * 2.0 ** min(self._failures - 1, 10))
                self._next_read = self._clock() + pause
        run.done.set()


class _Run:
    def __init__(self, started: float) -> None:
        self.started = started
        self.done = threading.Event()
