"""One comment of each name on a pull request: written once, then kept up to date.

It is found by its hidden first line among those that the workflows wrote: what a person writes is
never changed. https://docs.github.com/en/rest/issues/comments
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ship.github.settings import Api

_WORKFLOWS = "github-actions[bot]"
_PAGE = 100
# GitHub takes 65536 characters.
_LIMIT = 60000


def settle(repository: str, number: int, name: str, text: str, api: Api) -> str:
    """Make a text the comment of a name; what was done to which comment.

    Args:
        repository: OWNER/NAME.
        number: the pull request's.
        name: what tells this comment from the workflows' others.
        text: Markdown.
        api: how GitHub is called.

    Raises:
        ShipError: GitHub refuses.
    """
    base = f"repos/{repository}/issues"
    body = {"body": f"{_marker(name)}\n{text[:_LIMIT]}"}
    found = _find(f"{base}/{number}/comments", name, api)
    if found is None:
        api("POST", f"{base}/{number}/comments", body)
        return "written"
    api("PATCH", f"{base}/comments/{found}", body)
    return "updated"


def _marker(name: str) -> str:
    return f"<!-- ship: {name} -->"


def _find(path: str, name: str, api: Api) -> int | None:
    """The id of the comment of a name, oldest first, through all pages."""
    page, listed = 0, list[dict[str, Any]]()
    while page == 0 or len(listed) == _PAGE:
        page += 1
        listed = api("GET", f"{path}?per_page={_PAGE}&page={page}", None) or []
        for one in listed:
            written = one["user"]["login"] == _WORKFLOWS
            if written and str(one["body"]).splitlines()[:1] == [_marker(name)]:
                return int(one["id"])
    return None
