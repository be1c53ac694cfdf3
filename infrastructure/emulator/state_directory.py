"""The folder that one emulator lives in: its files, its lock, and the owner of the lock.

The serving process holds an exclusive lock on one file for as long as it lives, and the kernel
releases it however that process ends. So a held lock proves that the emulator runs, and a record
beside a free lock is stale, whatever process has its number now.
"""

import fcntl
import json
import os
import re
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SITE_PORTS = 16
_LOCK_SECONDS = 1.0  # A reader holds the lock for microseconds.
# An address in a service's state, or the port of a CloudFront origin.
_ADDRESS = re.compile(
    r"(?P<before>\b(?:localhost|127\.0\.0\.1):|:HTTPPort>|<HTTPPort>)(?P<port>\d+)\b"
)


class LockedError(Exception):
    """Another process holds the lock."""


@dataclass(frozen=True)
class LockOwner:
    """The process that serves from a folder, as it recorded itself."""

    pid: int
    port: int
    site_ports: tuple[int, ...]
    version: str
    ready: bool


class StateDirectory:
    """The paths in an emulator's folder, and its lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = path / "lock"
        self.record = path / "running.json"
        self.root = path / "root.json"
        self.port = path / "port.json"
        self.site_ports = path / "site_ports.json"
        self.log = path / "emulator.log"
        self.calls = path / "calls.txt"
        self.state = path / "state"
        self.objects = path / "objects"
        self.packages = path / "packages"
        self.temporary = path / "tmp"

    def create(self) -> None:
        """Create the folder, readable by its user only: it holds credentials."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def acquire(self, seconds: float = _LOCK_SECONDS) -> int:
        """Take the lock until the returned descriptor is closed or this process ends.

        Raises:
            LockedError: another process keeps it.
        """
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
        until = time.monotonic() + seconds
        while not _flock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > until:
                os.close(descriptor)
                raise LockedError
            time.sleep(0.01)
        self.record.unlink(missing_ok=True)
        return descriptor

    def is_locked(self) -> bool:
        """Whether a process serves from this folder, or is about to."""
        try:
            descriptor = os.open(self.lock, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not _flock(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    def owner(self) -> LockOwner | None:
        """Read who serves from this folder; None also before that process has recorded itself."""
        found = read_json(self.record) if self.is_locked() else {}
        return LockOwner(**{**found, "site_ports": tuple(found["site_ports"])}) if found else None

    def record_owner(self, owner: LockOwner) -> None:
        """Record who serves; only the process that holds the lock may."""
        write_json(self.record, asdict(owner))

    def follow_port(self, port: int) -> None:
        """Make the state that was saved at another port name this one.

        ministack keeps addresses of its own in its state: an API's endpoint, a queue's URL, the
        origin of a distribution. Without this a copy of the folder sends its sites' requests to
        the emulator that it was copied from.
        """
        old = int(read_json(self.port).get("port", port))

        def renumber(match: re.Match[str]) -> str:
            offset = int(match["port"]) - old
            moves = 0 <= offset <= SITE_PORTS
            return f"{match['before']}{port + offset}" if moves else match[0]

        if old != port:
            for file in self.state.glob("*.json"):
                text = file.read_text(encoding="utf-8")
                file.write_text(_ADDRESS.sub(renumber, text), encoding="utf-8")
        write_json(self.port, {"port": port})


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; an absent or unfinished file is an empty one."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a JSON file in one step, readable by its user only."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    beside.replace(path)


def _flock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
