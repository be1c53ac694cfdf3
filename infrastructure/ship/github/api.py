"""How GitHub's API is called: through its own command line and that one's login."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

from ship.errors import ShipError

# Method, path and body (or none); returns the decoded answer, none when there is nothing.
type Api = Callable[[str, str, Any], Any]

# The label that asks for a preview, and the GitHub Environment that all previews share.
PREVIEW = "preview"


def run_gh(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run GitHub's command line, whatever its exit status."""
    command = ["gh", *arguments]
    try:
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ShipError("the GitHub command line gh is not installed", "install gh") from error


def gh(method: str, path: str, body: Any = None) -> Any:
    """Call GitHub's API with `gh api`; a path that is not found answers none."""
    sent = ("--input", "-") if body else ()
    done = run_gh(
        *("api", "--method", method, path, *sent), text=json.dumps(body) if body else None
    )
    if done.returncode == 0:
        # 204 No Content, as most PUT and DELETE calls answer.
        return json.loads(done.stdout) if done.stdout else None
    # gh prints the body of a 404 on standard output, so only the status tells it apart.
    # https://cli.github.com/manual/gh_api
    if "HTTP 404" in done.stderr:
        return None
    message = (done.stderr.strip().splitlines() or ["no message"])[-1]
    raise ShipError(
        f"GitHub refuses {method} {path}: {message}",
        "sign in with `gh auth login` as somebody who may do this; in a workflow, grant its job "
        "the permission",
    )
