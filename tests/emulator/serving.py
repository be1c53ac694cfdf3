"""`emulator.serve` run by the tests themselves, and the ports it can have."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import emulator
from tests.ports import first_free

PACKAGES = Path(emulator.__file__).parents[1]
# Below the ports given to clients; each process of a parallel run begins elsewhere.
_PORTS = count(12000 + os.getpid() % 800 * 20, 20)


@contextmanager
def serving(python: Path, folder: Path, port: int, *more: str) -> Iterator[dict[str, Any]]:
    """Run `emulator.serve` in the foreground for as long as the block lasts; yield its report."""
    reader, writer = os.pipe()
    arguments = ("--folder", str(folder), "--port", str(port), "--report", str(writer), *more)
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [python, "-m", "emulator.serve", *arguments],
            cwd=PACKAGES,
            pass_fds=(writer,),
            stdout=log,
            stderr=log,
        )
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as report:
        found: dict[str, Any] = json.loads(report.readline() or "{}")
    try:
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def free_port() -> int:
    """Find a port that is free with the sixteen after it."""
    return first_free(_PORTS, 17)
