"""Saves the state although nobody stops the emulator in an orderly way.

ministack saves its state when it is told to stop, and only then. Here it is saved as well when
nothing has changed for some seconds, so that a machine that crashes loses little.
"""

# ruff: noqa: SLF001 (only ministack knows what there is to save)

import asyncio
import threading

_READS = ("GET", "HEAD", "OPTIONS")


class AutosaveTimer:
    """Saves the state some seconds after the last request that may have changed it."""

    def __init__(self, seconds: float) -> None:
        from ministack import app

        self._app = app
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._lock = threading.Lock()
        self._save_all = app.save_all
        app.save_all = self._save  # The last save waits for one that runs: they share file names.

    def after_request(self, method: str) -> None:
        """Start the time again, unless the request only read."""
        if method in _READS:
            return
        if self._timer:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, loop.run_in_executor, None, self._save_now)

    def _save_now(self) -> None:
        self._save(self._app._build_persistence_save_dict())

    def _save(self, services: object) -> None:
        with self._lock:
            self._save_all(services)
