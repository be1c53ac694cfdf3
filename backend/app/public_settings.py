"""The settings that an operator changes without a deploy, and everybody may see."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambda_adapter.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from app.parameters import Parameter


@dataclass(frozen=True)
class PublicSettings:
    """What `/api/config` returns, with the values that hold until something else is set."""

    title: str = "Serverless Flask"
    notice: str = ""
    refresh_seconds: int = 30
    maintenance: bool = False


def merge(
    current: PublicSettings, parameters: Iterable[Parameter]
) -> tuple[PublicSettings, tuple[str, ...]]:
    """Read typed values from parameters; a bad one leaves the current value in force.

    Returns the settings and what was wrong, without the values themselves.

    Raises:
        ServiceError: there are no parameters at all, which means that the prefix is wrong.
    """
    given = {parameter.name: parameter for parameter in parameters}
    if not given:
        raise ServiceError(
            "there is no parameter below the public prefix; create them with `ship apply`"
        )
    values: dict[str, Any] = {}
    warnings = [
        f"parameter {name!a} is not a known setting; remove it" for name in given.keys() - _PARSERS
    ]
    for name in given.keys() & _PARSERS:  # The default comes back when a parameter is deleted.
        try:
            values[name] = _parse(given[name])
        except ValueError as error:
            values[name] = getattr(current, name)
            warnings.append(f"parameter {name} {error}")
    return PublicSettings(**values), tuple(sorted(warnings))


def _parse(parameter: Parameter) -> object:
    if parameter.secret:
        raise ValueError("is a SecureString, and every setting is public; make it a String")
    return _PARSERS[parameter.name](parameter.value.strip())


def _title(text: str) -> str:
    if not text:
        raise ValueError("is empty; give the page a title")
    return _one_line(text, 80)


def _notice(text: str) -> str:
    """Parameter Store takes no empty value, so `none` stands for no notice."""
    return "" if text.lower() == "none" else _one_line(text, 500)


def _one_line(text: str, limit: int) -> str:
    if len(text) > limit or not text.isprintable():
        raise ValueError(f"is not a single line of at most {limit} characters; shorten it")
    return text


def _seconds(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,4}", text) and 5 <= int(text) <= 3600:
        return int(text)
    raise ValueError("is not a whole number of seconds from 5 to 3600; set one")


def _flag(text: str) -> bool:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    raise ValueError("is neither true nor false; set one of them")


_PARSERS: dict[str, Callable[[str], object]] = {
    "title": _title,
    "notice": _notice,
    "refresh_seconds": _seconds,
    "maintenance": _flag,
}
