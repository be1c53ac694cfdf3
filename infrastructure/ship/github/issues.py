"""One issue per environment that has drifted: opened, kept up to date, closed when it is gone.

It is found by its label, which only who may triage can set, and by the hidden first line of its
text. https://docs.github.com/en/rest/issues
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ship.environments.drift import BUSY, DRIFTED
from ship.errors import ShipError

if TYPE_CHECKING:
    from pathlib import Path

    from ship.github.settings import Api

LABEL = "drift"
_MARKER = re.compile(r"<!-- ship drift: ([a-z0-9-]+) (none|drifted|busy) ([0-9a-f]{16}) -->\n")
# GitHub takes 65536 characters.
_LIMIT = 60000


@dataclass(frozen=True)
class _Told:
    """A report, or an issue's text: which environment, what came of it, which differences."""

    environment: str
    outcome: str
    digest: str


def settle(folder: Path, repository: str, run: str, api: Api) -> list[str]:
    """Bring each environment's issue up to its report in a folder; what was done, a line each.

    Args:
        folder: where `drift-ENVIRONMENT.md` lie; an environment without a report is left alone.
        repository: OWNER/NAME.
        run: the address of the run that compared, for the issue's readers.
        api: how GitHub is called.

    Raises:
        ShipError: there is no report, one is not `ship drift`'s, or GitHub refuses.
    """
    paths = sorted(folder.glob("drift-*.md"))
    if not paths:
        raise ShipError(f"{folder} holds no report", "make one with `ship drift ENVIRONMENT --out`")
    return [_settle(path, f"repos/{repository}", run, api) for path in paths]


def _settle(path: Path, base: str, run: str, api: Api) -> str:
    text = path.read_text(encoding="utf-8")
    told = _read(text)
    if told is None:
        raise ShipError(f"{path} is not a report on drift", "make it with `ship drift --out`")
    if told.outcome == BUSY:
        return f"{told.environment}: was being worked on, its issue stays as it is"
    issue = _issue(told.environment, base, api)
    if told.outcome == DRIFTED:
        return _tell(told, f"{text[:_LIMIT].rstrip()}\n\n{_seen(run)}", issue, base, api)
    if issue is None or issue["state"] == "closed":
        return f"{told.environment}: nothing has drifted"
    _comment(issue, f"The drift is gone. {_seen(run)}", base, api)
    body = {"state": "closed", "state_reason": "completed"}
    api("PATCH", f"{base}/issues/{issue['number']}", body)
    return f"{told.environment}: closed #{issue['number']}, the drift is gone"


def _read(text: str) -> _Told | None:
    found = _MARKER.match(text.replace("\r\n", "\n"))
    return _Told(*found.groups()) if found else None


def _issue(environment: str, base: str, api: Api) -> dict[str, Any] | None:
    """The environment's issue: the open one, else the newest."""
    listed = api("GET", f"{base}/issues?labels={LABEL}&state=all&per_page=100", None) or []
    ours = [
        one
        for one in listed
        if (told := _read(one["body"] or "")) and told.environment == environment
    ]
    return next((one for one in ours if one["state"] == "open"), ours[0] if ours else None)


def _tell(told: _Told, body: str, issue: dict[str, Any] | None, base: str, api: Api) -> str:
    if issue is None:
        title = f"Drift in {told.environment}"
        made = api("POST", f"{base}/issues", {"title": title, "body": body, "labels": [LABEL]})
        return f"{told.environment}: opened #{made['number']}"
    known, back = _read(issue["body"]), issue["state"] == "closed"
    api("PATCH", f"{base}/issues/{issue['number']}", {"state": "open", "body": body})
    if back or known != told:
        word = "It is back." if back else "It is another difference now."
        _comment(issue, f"{word}\n\n{body.partition('\n')[2]}", base, api)
    return f"{told.environment}: {'reopened' if back else 'updated'} #{issue['number']}"


def _comment(issue: dict[str, Any], body: str, base: str, api: Api) -> None:
    api("POST", f"{base}/issues/{issue['number']}/comments", {"body": body})


def _seen(run: str) -> str:
    return f"Seen by [this run]({run})." if run else "Seen from a terminal."
