"""A release on GitHub for each that reached the last environment, with notes on its commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ship.github.api import Api


def publish(repository: str, release: str, commit: str, api: Api) -> str:
    """Tag a commit and publish notes on what came since the last one; returns the address.

    Args:
        repository: OWNER/NAME.
        release: the name of the tag and of the release; one that is there stays as it is.
        commit: what is tagged.
        api: calls GitHub, which writes the notes.
    """
    base = f"repos/{repository}/releases"
    found = api("GET", f"{base}/tags/{release}", None)
    if found is None:
        body = {"tag_name": release, "target_commitish": commit, "name": release}
        found = api("POST", base, body | {"generate_release_notes": True})
    return str(found["html_url"])
