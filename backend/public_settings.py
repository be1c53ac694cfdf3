"""The settings that an operator changes without a deploy, and everybody may see."""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from backend.errors import ParameterStoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from backend.aws import Parameter

_LOG = logging.getLogger("backend.public_settings")
_FIRST_WAIT = 1.5
_WAIT = 0.25
_BACKOFF = (4.0, 6.0)
_ABANDON_AFTER = 15.0


@dataclass(frozen=True)
class PublicSettings:
    """What `/api/config` shows, with the values that hold until something else is set."""

    title: str = "Serverless Flask"
    notice: str = ""
    refresh_seconds: int = 30
    maintenance: bool = False


@dataclass(frozen=True)
class Snapshot:
    """The settings in force, and how much they are worth."""

    values: PublicSettings = PublicSettings()
    source: str = "defaults"
    """`defaults`: nothing was read yet; `parameter-store`: read, maybe a while ago."""
    read_at: float = 0.0
    """Seconds since the epoch of the last good reading."""
    faults: tuple[str, ...] = ()
    """What is wrong with the last reading, in words for an operator; holds no value."""


class Reader(Protocol):
    """Where settings come from."""

    def read(self) -> Iterable[Parameter]:
        """Return what is set now, or raise ParameterStoreError."""


class SettingsCache:
    """Settings in memory, read again in the background when they are older than their time.

    A caller waits a quarter of a second for fresh values (1.5 s for the very first), then
    gets the last good ones. The wait is there because Lambda freezes a background thread as
    soon as the answer is out. Time is the wall clock's: a frozen process must find its values
    old when it wakes up.
    """

    def __init__(
        self, reader: Reader | None, ttl: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._reader = reader
        self._ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot = Snapshot()
        self._next_read = 0.0
        self._running: _Run | None = None

    @property
    def configured(self) -> bool:
        """Whether there is anywhere to read from."""
        return self._reader is not None

    def age(self) -> int | None:
        """Return the whole seconds since the last good reading, None before there was one."""
        if self._snapshot.source == "defaults":
            return None
        return max(0, int(self._clock() - self._snapshot.read_at))

    def current(self) -> Snapshot:
        """Return the settings in force; starts a reading when they are due. Never raises."""
        if self._reader is not None:
            run = self._run_if_due(self._reader)
            if run is not None:
                first = self._snapshot.source == "defaults" and not self._snapshot.faults
                run.done.wait(_FIRST_WAIT if first else _WAIT)
        return self._snapshot

    def _run_if_due(self, reader: Reader) -> _Run | None:
        with self._lock:
            now = self._clock()
            if now < self._next_read <= now + self._ttl:
                return None
            if self._running is None or not 0 <= now - self._running.started <= _ABANDON_AFTER:
                self._running = _Run(now)
                threading.Thread(
                    target=self._read, args=(reader, self._running), daemon=True
                ).start()
            return self._running

    def _read(self, reader: Reader, run: _Run) -> None:
        try:
            values, faults = merge(self._snapshot.values, reader.read())
            snapshot = Snapshot(values, "parameter-store", self._clock(), faults)
            pause = self._ttl
        except ParameterStoreError as fault:
            snapshot = replace(self._snapshot, faults=(str(fault),))
            pause = min(self._ttl, random.uniform(*_BACKOFF))  # noqa: S311
        if snapshot.faults != self._snapshot.faults:
            _LOG.warning("public settings: %s", "; ".join(snapshot.faults) or "all good again")
        with self._lock:
            if self._running is run:
                self._running = None
                self._snapshot = snapshot
                self._next_read = self._clock() + pause
        run.done.set()


class _Run:
    def __init__(self, started: float) -> None:
        self.started = started
        self.done = threading.Event()


def merge(
    current: PublicSettings, parameters: Iterable[Parameter]
) -> tuple[PublicSettings, tuple[str, ...]]:
    """Read typed values from parameters; a bad one leaves the current value in force.

    Returns the settings and what was wrong, without the values themselves. Raises
    ParameterStoreError when there is no parameter at all: that is a wrong prefix, not a wish.
    """
    given = {parameter.name: parameter for parameter in parameters}
    if not given:
        raise ParameterStoreError(
            "there is no parameter below the public prefix; create them with `ship apply`"
        )
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name, parse in _PARSERS.items():
        if name not in given:
            continue  # The default comes back when a parameter is deleted.
        try:
            values[name] = _value(given[name], parse)
        except ValueError as fault:
            values[name] = getattr(current, name)
            faults.append(f"parameter {name} {fault}")
    faults += [
        f"parameter {name!a} is not a known setting; remove it" for name in given.keys() - _PARSERS
    ]
    return PublicSettings(**values), tuple(sorted(faults))


def _value(parameter: Parameter, parse: Callable[[str], object]) -> object:
    if parameter.secret:
        raise ValueError("is a SecureString; what is public cannot be secret, make it a String")
    return parse(parameter.value)


def _line(limit: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        line = text.strip()
        if len(line) > limit or not line.isprintable():
            raise ValueError(f"is no single line of at most {limit} characters; shorten it")
        return line

    return parse


def _notice(text: str) -> str:
    """Parameter Store takes no empty value, so `none` stands for no notice."""
    return "" if text.strip().lower() == "none" else _line(500)(text)


def _title(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; give the page a title")
    return _line(80)(text)


def _seconds(text: str) -> int:
    if re.fullmatch(r"\s*[0-9]{1,4}\s*", text) and 5 <= int(text) <= 3600:
        return int(text)
    raise ValueError("is no whole number of seconds from 5 to 3600; set one")


def _flag(text: str) -> bool:
    if text.strip().lower() in ("true", "false"):
        return text.strip().lower() == "true"
    raise ValueError("is neither true nor false; set one of them")


_PARSERS: dict[str, Callable[[str], object]] = {
    "title": _title,
    "notice": _notice,
    "refresh_seconds": _seconds,
    "maintenance": _flag,
}
