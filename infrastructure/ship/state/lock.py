"""Who works on an environment, and whether they still do.

A lock is taken over only when its owner's run has ended. The run's id says where to ask: on this
machine a file that the running process keeps locked, on GitHub its API.
"""

from __future__ import annotations

import fcntl
import json
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from ship.state.environment_state import Owner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ship.config import Run


@contextmanager
def hold_lock(run: Run, folder: Path) -> Iterator[Owner]:
    """Be an owner; other runs can find out when this one has ended, even if it was killed."""
    if run.on_github:
        yield Owner(run.actor, run.identity, run.url)
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / uuid4().hex
    with path.open("w") as file:
        # The kernel releases it when the process ends, however it ends.
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield Owner(run.actor, f"local:{socket.gethostname()}:{path}")
        finally:
            path.unlink(missing_ok=True)


def is_finished(owner: Owner, run: Run) -> bool:
    """Whether the owner's run is known to have ended."""
    kind, _, rest = owner.run.partition(":")
    if kind == "github":
        return _is_finished_on_github(rest, run)
    host, _, path = rest.partition(":")
    return kind == "local" and host == socket.gethostname() and _is_released(Path(path))


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


def _is_finished_on_github(rest: str, run: Run) -> bool:
    # `ship status` never comes here, and this import takes as long as the rest of it.
    import urllib.error
    import urllib.request

    repository, number, attempt = rest.rsplit(":", 2)
    own_run, _, own_attempt = run.identity.rpartition(":")
    if own_run == f"github:{repository}:{number}":
        # A run is attempted again only after the attempt before it has ended.
        return int(attempt) < int(own_attempt)
    # https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run
    url = f"{run.api}/repos/{repository}/actions/runs/{number}"
    request = urllib.request.Request(url)  # noqa: S310 - always https
    if run.token:
        request.add_header("Authorization", f"Bearer {run.token}")
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
            found = json.load(response)
    except (urllib.error.URLError, TimeoutError, ValueError):
        return False
    return found.get("status") == "completed" or int(found.get("run_attempt", 0)) > int(attempt)
