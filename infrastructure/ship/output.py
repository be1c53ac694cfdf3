"""What a command says while it works: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ship.errors import ShipError


class Progress:
    """Tells steps and how long they took, on standard error: standard output is for results."""

    def __init__(self, *, plain: bool, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._live = not plain and not quiet and self._stream.isatty()
        self._started = time.monotonic()
        self._prefix = ""
        self._guard = threading.Lock()

    def elapsed(self) -> float:
        """Seconds since the command started."""
        return time.monotonic() - self._started

    def within(self, prefix: str) -> Progress:
        """The same progress for one part of the work, named in front of each line."""
        part = Progress(plain=True, quiet=self._quiet, stream=self._stream)
        part._started, part._guard = self._started, self._guard
        part._prefix = f"{self._prefix}{prefix}: "
        return part

    def note(self, text: str) -> None:
        """Say something that is no step."""
        self._line(f"  {text}")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show a step while it runs, and how long it took when it is done."""
        started = time.monotonic()
        with self._spinner(name):
            try:
                yield
            except BaseException:
                self._line(f"✗ {name} {time.monotonic() - started:.2f} s")
                raise
        self._line(f"✓ {name} {time.monotonic() - started:.2f} s")

    @contextmanager
    def _spinner(self, name: str) -> Iterator[None]:
        if not self._live:
            yield
            return
        from rich.console import Console

        with Console(file=self._stream).status(name):
            yield

    def _line(self, text: str) -> None:
        if not self._quiet:
            with self._guard:
                print(f"{self._prefix}{text}", file=self._stream, flush=True)


def result(data: dict[str, Any] | list[Any], text: str, *, as_json: bool) -> None:
    """Print what a command found out: for a script or for a person."""
    print(json.dumps(data, indent=2) if as_json else text, flush=True)


def table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Rows under column names, wide enough for what is in them."""
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (columns, *rows)
    )
    return "\n".join(lines)


def fault(error: ShipError) -> None:
    """Say what was wrong and what to do: two lines on standard error."""
    print(f"ship: {error}\n      → {error.hint}", file=sys.stderr, flush=True)
