"""Which loopback port shows which environment's site.

The lasting environments have fixed doors beside the emulator's own port; previews get the
next free one of a range, remembered until the preview goes.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .home import read, write

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .home import Home

LASTING = ("dev", "staging", "production")
DOORS = 16
_PREVIEW = re.compile(r"pr-[1-9][0-9]{0,8}")


class NoDoorError(Exception):
    """There is no door for an environment: the reason, then what to do."""


class Doors:
    """The doors of one emulator."""

    def __init__(self, home: Home, port: int) -> None:
        self._home = home
        self._port = port

    @property
    def all(self) -> range:
        """Every port that may be a door."""
        return range(self._port + 1, self._port + DOORS + 1)

    def promised(self) -> list[int]:
        """List the ports that belong to an environment already, so that they must be free."""
        lasting = [self._port + place for place, _ in enumerate(LASTING, 1)]
        return sorted({*lasting, *self._previews().values()})

    def environment(self, port: int) -> str | None:
        """Name the environment behind a door."""
        place = port - self._port
        if 1 <= place <= len(LASTING):
            return LASTING[place - 1]
        return next((name for name, door in self._previews().items() if door == port), None)

    def find(self, environment: str, usable: Collection[int]) -> int:
        """Find an environment's door, giving a preview one of the usable ports if it has none.

        Raises:
            NoDoorError: no such environment can be, or all doors are taken.

        """
        if environment in LASTING:
            return self._port + 1 + LASTING.index(environment)
        if not _PREVIEW.fullmatch(environment):
            known = ", ".join(LASTING)
            raise NoDoorError(
                f"there is no environment {environment!r}",
                f"name one of {known}, or a preview like pr-12",
            )
        return self._previews().get(environment) or self._give(environment, usable)

    def release(self, environment: str) -> bool:
        """Free a preview's door; True when it had one."""
        with self._changing() as previews:
            return previews.pop(environment, None) is not None

    def _give(self, environment: str, usable: Collection[int]) -> int:
        with self._changing() as previews:
            taken = {*self.promised()}
            free = [port for port in self.all if port in usable and port not in taken]
            if not free:
                names = ", ".join(previews) or "other programs"
                raise NoDoorError(
                    f"no door is left for {environment}: {names} have them",
                    "destroy a preview that is no longer needed: `ship destroy pr-<number>`",
                )
            previews[environment] = free[0]
            return free[0]

    def _previews(self) -> dict[str, int]:
        """Read the previews' doors; those of another main port are nobody's any more."""
        found = read(self._home.doors).items()
        return {str(name): int(door) for name, door in found if door in self.all}

    @contextmanager
    def _changing(self) -> Iterator[dict[str, int]]:
        self._home.make()
        lock = os.open(self._home.doors.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            previews = self._previews()
            before = dict(previews)
            yield previews
            if previews != before:
                write(self._home.doors, previews)
        finally:
            os.close(lock)
