"""Newer versions are proposed for all that is pinned, once they have been out for a week."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.world import git

ROOT = Path(__file__).parents[2]
# What is pinned where, by the files that pin it.
MANIFESTS = {
    "github-actions": ".github/workflows/*.yml",
    "npm": "*package.json",
    "terraform": "infrastructure/*/versions.tf",
    "uv": "requirements-*.txt",
}
COOLDOWN_DAYS = 7


def faults(document: dict[str, Any]) -> Iterator[str]:
    """What is not looked after, or taken too early."""
    found = {update["package-ecosystem"]: update for update in document["updates"]}
    for ecosystem, pattern in MANIFESTS.items():
        update = found.get(ecosystem, {})
        named = update.get("directories") or [
            update[key] for key in ("directory",) if key in update
        ]
        if {name.strip("/") for name in named} != _folders(ecosystem, pattern):
            yield f"{ecosystem}: covers {named}"
    for ecosystem, update in found.items():
        if update.get("cooldown", {}).get("default-days", 0) < COOLDOWN_DAYS:
            yield f"{ecosystem}: takes a version on its first day"


def _folders(ecosystem: str, pattern: str) -> set[str]:
    """Where the files are, below the repository's top; actions are looked for from there."""
    paths = [Path(name) for name in git(ROOT, "ls-files", "--", pattern).split()]
    if ecosystem == "github-actions":
        return {""} if paths else set()
    return {"" if str(path.parent) == "." else str(path.parent) for path in paths}


@pytest.fixture
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())
    return found


def test_everything_pinned_is_looked_after(document: dict[str, Any]) -> None:
    assert list(faults(document)) == []


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_what_is_left_out_is_seen(document: dict[str, Any], number: int) -> None:
    left_out = copy.deepcopy(document)
    del left_out["updates"][number]
    hasty = copy.deepcopy(document)
    del hasty["updates"][number]["cooldown"]

    assert len(list(faults(left_out))) == 1
    assert len(list(faults(hasty))) == 1
