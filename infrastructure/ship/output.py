"""What a command says while it works: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from ship.errors import ShipError


@dataclass(frozen=True)
class Report:
    """Markdown for people, and outputs for the later steps of a workflow's job."""

    text: str
    outputs: dict[str, str] = field(default_factory=dict)


class Progress:
    """Prints steps and how long they took, on standard error: standard output is for results."""

    def __init__(self, *, plain: bool, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._live = not plain and not quiet and self._stream.isatty()
        self._started = time.monotonic()
        self._prefix = ""
        self._lock = threading.Lock()

    def elapsed(self) -> float:
        """Seconds since the command started."""
        return time.monotonic() - self._started

    def within(self, prefix: str) -> Progress:
        """The progress of one part of the work, named in front of each line."""
        part = Progress(plain=True, quiet=self._quiet, stream=self._stream)
        part._started, part._lock = self._started, self._lock
        part._prefix = f"{self._prefix}{prefix}: "
        return part

    def note(self, text: str) -> None:
        """Print something that is not a step."""
        self._line(f"  {text}")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show a step while it runs, and how long it took when it is done."""
        started, mark = time.monotonic(), "✗"
        spinner: AbstractContextManager[object] = nullcontext()
        if self._live:
            from rich.console import Console

            spinner = Console(file=self._stream).status(name)
        try:
            with spinner:
                yield
            mark = "✓"
        finally:
            self._line(f"{mark} {name} {time.monotonic() - started:.2f} s")

    def _line(self, text: str) -> None:
        if not self._quiet:
            with self._lock:
                print(f"{self._prefix}{text}", file=self._stream, flush=True)


def result(data: dict[str, Any] | list[Any], text: str, *, as_json: bool) -> None:
    """Print the result of a command: for a script or for a person."""
    print(json.dumps(data, indent=2) if as_json else text, flush=True)


def table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Rows under column names, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = (map(str.ljust, row, widths) for row in (columns, *rows))
    return "\n".join("  ".join(line).rstrip() for line in lines)


def print_error(error: ShipError, *, on_github: bool = False) -> None:
    """Print what is wrong and what to do: two lines on standard error.

    On GitHub the page of the run shows it, too.
    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    print(f"ship: {error}\n      → {error.hint}", file=sys.stderr, flush=True)
    if on_github:
        _annotate("error", f"{error} → {error.hint}")


def print_warning(text: str) -> None:
    """Show a warning on the page of a workflow's run."""
    _annotate("warning", text)


def _annotate(level: str, text: str) -> None:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print(f"::{level} title=ship::{text}", file=sys.stderr, flush=True)
