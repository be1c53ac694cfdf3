"""Keeping the state when nobody stops the emulator in an orderly way.

ministack saves its state when it is told to stop, and only then. Here it is saved as well
whenever nothing has changed for some seconds, so that a machine that crashes takes little
with it.

Runs in the emulator's own environment.
"""

# ruff: noqa: SLF001 (what there is to save only ministack knows)

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.patches.theirs import Theirs

_READING = ("GET", "HEAD", "OPTIONS")


class Keeper:
    """Saves the state some seconds after the last request that may have changed it."""

    def __init__(self, seconds: float) -> None:
        from ministack import app

        self._app = app
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._save = _one_at_a_time(app)

    def saw(self, method: str) -> None:
        """Take note of a request."""
        if method in _READING:
            return
        if self._timer:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, self._begin, loop)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_in_executor(None, self._save_all)

    def _save_all(self) -> None:
        self._save(self._app._build_persistence_save_dict())


def _one_at_a_time(app: Theirs) -> Theirs:
    """Make ministack's last save wait for one that is under way: they share file names."""
    save_all, lock = app.save_all, threading.Lock()

    def save(services: Theirs) -> None:
        with lock:
            save_all(services)

    app.save_all = save
    return save
