"""Which loopback port serves which environment's site.

Environments that are named at the start have the first ports after the emulator's own. Any other
name gets one of the remaining ports when it asks, and keeps it until it is released. What is
stored is the distance from the emulator's port, so the folder can be served at another port.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from emulator.errors import EmulatorError
from emulator.state_directory import SITE_PORTS, read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from emulator.state_directory import StateDirectory


class SitePorts:
    """The site ports of one emulator.

    Raises:
        EmulatorError: more environments are named than there are ports.
    """

    def __init__(self, directory: StateDirectory, port: int, environments: Sequence[str]) -> None:
        if len(environments) > SITE_PORTS:
            raise EmulatorError(
                f"there are {SITE_PORTS} site ports for {len(environments)} environments",
                "name fewer; the others get a port when they ask for one",
            )
        self.all = range(port + 1, port + 1 + SITE_PORTS)
        self._directory = directory
        self._port = port
        self._fixed = {name: offset for offset, name in enumerate(environments, 1)}

    def reserved(self) -> list[int]:
        """List the ports that belong to an environment already, so that they must be free."""
        return sorted(self._port + offset for offset in self._offsets().values())

    def environment(self, port: int) -> str | None:
        """Name the environment that a port belongs to."""
        found = self._offsets().items()
        return next((name for name, offset in found if self._port + offset == port), None)

    def find(self, environment: str, usable: Collection[int]) -> int:
        """Find an environment's port, assigning one of the usable ones if it has none.

        Raises:
            EmulatorError: the name is not one word, or all ports are taken.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", environment):
            raise EmulatorError(
                f"{environment!r} is not the name of an environment",
                "a name is one word of letters, digits, dots, hyphens and underscores",
            )
        offset = self._offsets().get(environment) or self._assign(environment, usable)
        return self._port + offset

    def release(self, environment: str) -> bool:
        """Free a port that was assigned on demand; True when there was one."""
        with self._assigned() as assigned:
            return assigned.pop(environment, None) is not None

    def _assign(self, environment: str, usable: Collection[int]) -> int:
        with self._assigned() as assigned:
            taken = {*self._fixed.values(), *assigned.values()}
            free = (port - self._port for port in self.all if port in usable)
            offset = assigned.get(environment) or next((n for n in free if n not in taken), None)
            if offset is None:
                names = ", ".join(assigned) or "other programs"
                raise EmulatorError(
                    f"no site port is left for {environment}: {names} have them",
                    "remove an environment that is no longer needed",
                )
            assigned[environment] = offset
            return offset

    def _offsets(self) -> dict[str, int]:
        stored = {name: int(n) for name, n in read_json(self._directory.site_ports).items()}
        fixed = self._fixed.values()
        return {name: n for name, n in stored.items() if n not in fixed} | self._fixed

    @contextmanager
    def _assigned(self) -> Iterator[dict[str, int]]:
        """The ports assigned on demand, to be changed by one process at a time."""
        self._directory.create()
        file = self._directory.site_ports
        lock = os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            offsets = self._offsets()
            assigned = {name: n for name, n in offsets.items() if name not in self._fixed}
            before = dict(assigned)
            yield assigned
            if assigned != before:
                write_json(file, assigned)
        finally:
            os.close(lock)
