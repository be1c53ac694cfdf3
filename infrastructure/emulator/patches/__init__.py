"""What the pinned emulator does wrong, and what sets each right.

Each mend is one function that replaces something inside ministack, with a name, the date the
fault was found, and what it was; a test shows the fault without it. They belong to exactly one
version of ministack. For a new one: leave each out (`serve.py --without NAME`), see whether
its test of the fault still passes, and drop the mend where it does not.

Runs in the emulator's own environment; `ship` reads only `PINNED` from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

PINNED = "1.5.33"


class VersionError(Exception):
    """These mends are for another version of ministack."""


@dataclass(frozen=True)
class Settings:
    """What mends need to know of this emulator."""

    root_file: Path


@dataclass(frozen=True)
class Mend:
    """One fault of the pinned version, and what sets it right."""

    name: str
    found: str
    fault: str
    make: Callable[[Settings], None]


def mend(name: str, *, found: str, fault: str) -> Callable[[Callable[[Settings], None]], Mend]:
    """Make a function that replaces parts of ministack into a `Mend`."""
    return lambda make: Mend(name, found, fault, make)


def apply(installed: str, settings: Settings, without: Collection[str] = ()) -> list[str]:
    """Make all mends but those left out; return the names of the ones made.

    Raises:
        VersionError: another version is installed than the mends are for.

    """
    if installed != PINNED:
        raise VersionError(f"ministack {installed} is installed; the mends are for {PINNED}")
    from .catalogue import MENDS

    made = [one for one in MENDS if one.name not in without]
    for one in made:
        one.make(settings)
    return [one.name for one in made]
