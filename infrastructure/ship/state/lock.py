"""Who works on an environment, and whether they still do.

A lock is taken over only when its owner's run has ended, and that is found out by the run's id:
on this machine by a file that the running process keeps locked, on GitHub by asking its API.
"""

from __future__ import annotations

import fcntl
import json
import socket
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from ship.state.environment_state import Owner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ship.config import Run

_TIMEOUT_SECONDS = 5.0


@contextmanager
def hold_lock(run: Run, folder: Path) -> Iterator[Owner]:
    """Be an owner whose end others can find out about, however it comes."""
    if run.on_github:
        yield Owner(run.actor, run.identity, run.url)
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / uuid4().hex
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield Owner(run.actor, f"local:{socket.gethostname()}:{path}")
        finally:
            path.unlink(missing_ok=True)


def is_finished(owner: Owner, run: Run) -> bool:
    """Whether the owner's run is known to have ended; not knowing is no."""
    kind, _, rest = owner.run.partition(":")
    if kind == "local":
        host, _, path = rest.partition(":")
        return host == socket.gethostname() and _is_released(Path(path))
    if kind == "github":
        return _github_ended(rest, run)
    return False


def _is_released(path: Path) -> bool:
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    path.unlink(missing_ok=True)
    return True


def _github_ended(rest: str, run: Run) -> bool:
    repository, number, attempt = rest.rsplit(":", 2)
    own_repository, _, own = run.identity.removeprefix("github:").partition(":")
    own_number, _, own_attempt = own.partition(":")
    if (repository, number) == (own_repository, own_number) and own_attempt.isdecimal():
        # A run is attempted again only after the attempt before it has ended.
        return int(attempt) < int(own_attempt)
    url = f"{run.api}/repos/{repository}/actions/runs/{number}"
    request = urllib.request.Request(url)  # noqa: S310 - always https
    if run.token:
        request.add_header("Authorization", f"Bearer {run.token}")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
            found = json.load(response)
    except (urllib.error.URLError, TimeoutError, ValueError):
        return False
    return found.get("status") == "completed" or int(found.get("run_attempt", 0)) > int(attempt)
