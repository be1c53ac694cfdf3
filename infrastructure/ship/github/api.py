"""How GitHub's API is called: through its own command line and that one's login."""

import json
import re
import subprocess
from collections.abc import Callable
from typing import Any

from ship.errors import ShipError

# Method, path and body (or none); returns the decoded answer, none when there is nothing.
type Api = Callable[[str, str, Any], Any]

# The label that asks for a preview, and the GitHub Environment that all previews share.
PREVIEW = "preview"

_HINT = "look at the message, then run the command again; it goes on where it stopped"
_SIGN_IN = (
    "sign in with `gh auth login` as somebody who may do this; in a workflow, grant its job the "
    "permission"
)
_HINTS = {
    **dict.fromkeys((401, 403, 404), _SIGN_IN),
    409: "another setting, or a policy of the organization, forbids it: ask an owner for it",
    422: "GitHub does not take this value here, for example because the plan has no such feature",
}


def run_gh(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run GitHub's command line, whatever its exit status."""
    command = ["gh", *arguments]
    try:
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ShipError("the GitHub command line gh is not installed", "install gh") from error


def gh(method: str, path: str, body: Any = None) -> Any:
    """Call GitHub's API with `gh api`; none when there is nothing to read at a path."""
    sent = ("--input", "-") if body else ()
    done = run_gh(
        *("api", "--method", method, path, *sent), text=json.dumps(body) if body else None
    )
    if done.returncode == 0:
        # 204 No Content, as most PUT and DELETE calls answer.
        return json.loads(done.stdout) if done.stdout else None
    # gh prints the body of a refusal on standard output, so only the status tells it apart.
    # https://cli.github.com/manual/gh_api
    message = (done.stderr.strip().splitlines() or ["no message"])[-1]
    found = re.search(r"\(HTTP ([0-9]{3})\)", message)
    status = int(found[1]) if found else 0
    # To a write, GitHub answers 404 when the caller may not do it.
    if status == 404 and method == "GET":
        return None
    raise ShipError(f"GitHub refuses {method} {path}: {message}", _HINTS.get(status, _HINT))
