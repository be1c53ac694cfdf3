"""The folder that one emulator lives in: what lies where, and who holds it.

The process that serves holds an exclusive lock on one file for as long as it lives, and the
kernel lets go of it however that process ends. So a held lock is the proof that the emulator
is there, and a record beside a free one is a stale one, whatever process has its number now.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE_SECONDS = 1.0  # A reader's look at the lock lasts microseconds.


class HeldError(Exception):
    """Another process holds this folder's lock."""


@dataclass(frozen=True)
class Holder:
    """The process that serves from a folder, as it wrote itself down; first while it starts."""

    pid: int
    port: int
    doors: tuple[int, ...]
    version: str
    ready: bool


class Home:
    """The paths in an emulator's folder, and its lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = path / "lock"
        self.record = path / "running.json"
        self.root = path / "root.json"
        self.doors = path / "doors.json"
        self.log = path / "emulator.log"
        self.state = path / "state"
        self.objects = path / "objects"
        self.temporary = path / "tmp"

    def make(self) -> None:
        """Create the folder, readable by its owner only: it holds credentials."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def hold(self, patience: float = _PATIENCE_SECONDS) -> int:
        """Take the lock until the returned descriptor is closed or this process ends.

        Raises:
            HeldError: another process keeps it.

        """
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
        until = time.monotonic() + patience
        while not _locked(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > until:
                os.close(descriptor)
                raise HeldError
            time.sleep(0.01)
        self.record.unlink(missing_ok=True)
        return descriptor

    def held(self) -> bool:
        """Whether some process serves from this folder, or is about to."""
        try:
            descriptor = os.open(self.lock, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not _locked(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    def holder(self) -> Holder | None:
        """Read who serves from this folder; None before it has signed in, too."""
        found = read(self.record) if self.held() else {}
        if not found:
            return None
        doors, ready = tuple(found["doors"]), found.get("ready", True)
        return Holder(found["pid"], found["port"], doors, found["version"], ready)

    def sign_in(self, holder: Holder) -> None:
        """Write down who serves; only the process that holds the lock may."""
        write(self.record, asdict(holder))


def read(path: Path) -> dict[str, Any]:
    """Read a JSON object; an absent or unfinished file is an empty one."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found


def write(path: Path, content: dict[str, Any]) -> None:
    """Replace a JSON file in one step, readable by its owner only."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    beside.replace(path)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
