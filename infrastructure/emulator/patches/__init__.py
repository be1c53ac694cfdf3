"""What the pinned emulator does wrong, and what sets each right: one module per service.

A patch is one function that replaces something inside ministack. Its docstring is the text of a
report to ministack: what happens, what AWS does, how to reproduce it. Patches belong to exactly
one version. For a new one: leave each patch out (`--without NAME`), see whether its test of the
symptom still passes, and delete the patch where it does not.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

PINNED = "1.5.33"


@dataclass(frozen=True)
class Settings:
    """What patches need to know of this emulator."""

    root_file: Path
    packages: Path
    calls: Path
    init_seconds: float


@dataclass(frozen=True)
class Patch:
    """One difference of the pinned version from AWS, and the function that removes it."""

    name: str
    symptom: str
    apply: Callable[[Settings], None]


def patch(name: str, symptom: str) -> Callable[[Callable[[Settings], None]], Patch]:
    """Make a function that replaces parts of ministack into a `Patch`."""
    return lambda function: Patch(name, symptom, function)


def apply(settings: Settings, without: Collection[str] = ()) -> list[str]:
    """Apply all patches but those left out; return the names of those applied."""
    from emulator.patches.catalogue import PATCHES

    applied = [patch for patch in PATCHES if patch.name not in without]
    for one in applied:
        one.apply(settings)
    return [one.name for one in applied]
