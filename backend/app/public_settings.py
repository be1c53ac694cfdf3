"""The settings that an operator changes without a deploy, and everybody may see."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from app.caching import Cache
from lambda_adapter.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambda_adapter.aws import Parameter


@dataclass(frozen=True)
class PublicSettings:
    """What `/api/config` shows, with the values that hold until something else is set."""

    title: str = "Serverless Flask"
    notice: str = ""
    refresh_seconds: int = 30
    maintenance: bool = False


class Reader(Protocol):
    """Where settings come from."""

    def read(self) -> Iterable[Parameter]:
        """Return what is set now, or raise ServiceError."""


class SettingsCache(Cache[PublicSettings]):
    """The settings in memory; without a reader, the defaults."""

    def __init__(
        self, reader: Reader | None, ttl: float, clock: Callable[[], float] = time.time
    ) -> None:
        read = (lambda current: merge(current, reader.read())) if reader else None
        super().__init__("public settings", PublicSettings(), read, ttl, clock)


def merge(
    current: PublicSettings, parameters: Iterable[Parameter]
) -> tuple[PublicSettings, tuple[str, ...]]:
    """Read typed values from parameters; a bad one leaves the current value in force.

    Returns the settings and what was wrong, without the values themselves. Raises
    ServiceError when there is no parameter at all: that is a wrong prefix, not a wish.
    """
    given = {parameter.name: parameter for parameter in parameters}
    if not given:
        raise ServiceError(
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
