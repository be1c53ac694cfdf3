"""Comments on pull requests, and issues, each written once and then updated.

A hidden first line tells which is which; what a person writes is never changed. For GitHub's API a
pull request is an issue, too. https://docs.github.com/en/rest/issues
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ship.errors import ShipError

if TYPE_CHECKING:
    from pathlib import Path

    from ship.github.api import Api

LABEL = "drift"
# How a comparison can end.
NONE, DRIFTED, BUSY = "none", "drifted", "busy"
_MARKER = re.compile(r"<!-- ship drift: ([a-z0-9-]+) (none|drifted|busy) ([0-9a-f]{16}) -->\n")
# GitHub takes 65536 characters, and answers 422 to more.
_MAX_TEXT = 60000
# The login behind GITHUB_TOKEN. Without it anybody could write the hidden line.
# https://docs.github.com/en/actions/concepts/security/github_token
_WORKFLOWS = "github-actions[bot]"
# The most that GitHub lists at once.
# https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
_PAGE = 100


def upsert_comment(repository: str, number: int, name: str, text: str, api: Api) -> str:
    """Write a pull request's comment of a name, or update it; returns "written" or "updated"."""
    base = f"repos/{repository}/issues"
    marker = f"<!-- ship: {name} -->"
    body = {"body": f"{marker}\n{text[:_MAX_TEXT]}"}
    page = 0
    while True:
        page += 1
        comments = api("GET", f"{base}/{number}/comments?per_page={_PAGE}&page={page}", None) or []
        for comment in comments:
            by_workflow = comment["user"]["login"] == _WORKFLOWS
            if by_workflow and comment["body"].splitlines()[:1] == [marker]:
                api("PATCH", f"{base}/comments/{comment['id']}", body)
                return "updated"
        if len(comments) < _PAGE:
            api("POST", f"{base}/{number}/comments", body)
            return "written"


def upsert_issue(repository: str, title: str, text: str, api: Api) -> str:
    """Keep one open issue of a title with this text, and none without a text; say what was done."""
    base = f"repos/{repository}/issues"
    # Only the open ones are listed, and only a workflow's.
    listed = api("GET", f"{base}?creator={quote(_WORKFLOWS)}&per_page={_PAGE}", None) or []
    number = next((issue["number"] for issue in listed if issue["title"] == title), None)
    body: dict[str, str] = {"title": title, "body": text[:_MAX_TEXT]}
    if not text.strip():
        if number is None:
            return "not needed"
        api("PATCH", f"{base}/{number}", {"state": "closed", "state_reason": "completed"})
        return "closed"
    if number is None:
        api("POST", base, body)
        return "opened"
    api("PATCH", f"{base}/{number}", body)
    return "updated"


@dataclass(frozen=True)
class Marker:
    """The hidden first line of a report on drift and of its issue.

    `digest` tells one set of differences from another.
    """

    environment: str
    outcome: str
    digest: str

    def __str__(self) -> str:
        return f"<!-- ship drift: {self.environment} {self.outcome} {self.digest} -->"


def sync_drift(
    folder: Path, environments: tuple[str, ...], repository: str, run: str, api: Api
) -> list[str]:
    """Bring each environment's issue up to date with its report; one line per environment.

    An environment that could not be compared has an issue for that, too: a job that fails at night
    tells only who changed its schedule last.

    Args:
        folder: holds `drift-ENVIRONMENT.md` for each environment that was compared.
        environments: the environments that should have been.
        repository: OWNER/NAME.
        run: the address of the run that compared.
        api: calls GitHub.
    """
    lines = [
        _sync_one(path, f"repos/{repository}", run, api)
        for path in sorted(folder.glob("drift-*.md"))
    ]
    for name in environments:
        is_known = (folder / f"drift-{name}.md").exists()
        text = f"{name} could not be compared. The log of [the run]({run}) says why.\n"
        title = f"Drift in {name} is not known"
        done = upsert_issue(repository, title, "" if is_known else text, api)
        if done != "not needed":
            lines.append(f"{name}: the issue “{title}” is {done}")
    return lines


def _sync_one(path: Path, base: str, run: str, api: Api) -> str:
    text = path.read_text(encoding="utf-8")
    marker = _read_marker(text)
    if marker is None:
        raise ShipError(f"{path} is not a report on drift", "make it with `ship drift --out`")
    environment = marker.environment
    if marker.outcome == BUSY:
        return f"{environment}: a command was running there, its issue is unchanged"
    issue = _find_issue(environment, base, api)
    seen = f"Seen by [this run]({run})." if run else "Seen from a terminal."
    if marker.outcome == DRIFTED:
        return _report_drift(marker, f"{text[:_MAX_TEXT].rstrip()}\n\n{seen}", issue, base, api)
    if issue is None or issue["state"] == "closed":
        return f"{environment}: nothing has drifted"
    _comment(issue, f"The drift is gone. {seen}", base, api)
    body = {"state": "closed", "state_reason": "completed"}
    api("PATCH", f"{base}/issues/{issue['number']}", body)
    return f"{environment}: closed #{issue['number']}, the drift is gone"


def _read_marker(text: str) -> Marker | None:
    # GitHub's web editor saves a text with CRLF.
    found = _MARKER.match(text.replace("\r\n", "\n"))
    return Marker(*found.groups()) if found else None


def _find_issue(environment: str, base: str, api: Api) -> dict[str, Any] | None:
    """The environment's issue: the open one, else the newest."""
    # Only people with the triage role can set a label; anybody may write the hidden line.
    # The newest come first, and without `state=all` only the open ones.
    # https://docs.github.com/en/rest/issues/issues#list-repository-issues
    issues = api("GET", f"{base}/issues?labels={LABEL}&state=all&per_page={_PAGE}", None) or []
    own = [
        issue
        for issue in issues
        if (marker := _read_marker(issue["body"] or "")) and marker.environment == environment
    ]
    return next((issue for issue in own if issue["state"] == "open"), own[0] if own else None)


def _report_drift(
    marker: Marker, body: str, issue: dict[str, Any] | None, base: str, api: Api
) -> str:
    environment = marker.environment
    if issue is None:
        new = {"title": f"Drift in {environment}", "body": body, "labels": [LABEL]}
        return f"{environment}: opened #{api('POST', f'{base}/issues', new)['number']}"
    known, was_closed = _read_marker(issue["body"]), issue["state"] == "closed"
    api("PATCH", f"{base}/issues/{issue['number']}", {"state": "open", "body": body})
    # An edited text notifies nobody; a comment does.
    if was_closed or known != marker:
        word = "It is back." if was_closed else "The differences have changed."
        _comment(issue, f"{word}\n\n{body.partition('\n')[2]}", base, api)
    return f"{environment}: {'reopened' if was_closed else 'updated'} #{issue['number']}"


def _comment(issue: dict[str, Any], body: str, base: str, api: Api) -> None:
    api("POST", f"{base}/issues/{issue['number']}/comments", {"body": body})
