"""The source tree that a build is made from, and the release id that follows from it."""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ship.errors import ShipError

if TYPE_CHECKING:
    from pathlib import Path

RELEASE_ID = re.compile(r"[0-9]{8}-[0-9]+-[0-9a-f]{7}(-dirty-[0-9a-f]{8})?")


@dataclass(frozen=True)
class Tree:
    """One state of the sources: a commit, and whether something in it is not committed.

    `sequence` counts the commits from the first one along first parents: it orders the commits
    of one branch without a clock.
    """

    commit: str
    sequence: int
    date: str
    changes: str

    @property
    def release(self) -> str:
        """The release id, for example 20261123-42-1a2b3c4, or that with `-dirty-` and 8 digits."""
        name = f"{self.date}-{self.sequence}-{self.commit[:7]}"
        return f"{name}-dirty-{self.changes}" if self.changes else name


def describe(root: Path) -> Tree:
    """Describe the work tree.

    Raises:
        ShipError: this is no git checkout, has no commit, or is shallow.
    """
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise ShipError(
            "this checkout is shallow, so its commits cannot be counted",
            "fetch the whole history: `git fetch --unshallow` (in a workflow: fetch-depth: 0)",
        )
    commit, date = _git(root, "log", "-1", "--format=%H %cd", "--date=format-local:%Y%m%d").split()
    count = _git(root, "rev-list", "--count", "--first-parent", "HEAD")
    return Tree(commit.decode(), int(count), date.decode(), _changes(root))


def sources(root: Path, folder: str) -> dict[str, Path]:
    """The files of a folder that git tracks or would track, by their path inside the folder."""
    listed = _git(
        root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", folder
    )
    names = sorted({name.decode() for name in listed.split(b"\0") if name})
    return {
        name.removeprefix(f"{folder}/"): root / name for name in names if (root / name).is_file()
    }


def check_out(root: Path, into: Path) -> None:
    """Check the last commit out into an empty folder, without what is not committed."""
    _git(root, "clone", "--quiet", "--shared", str(root), str(into))


def _changes(root: Path) -> str:
    """Eight digits that stand for what is not committed; nothing when all is."""
    status = _git(root, "status", "--porcelain=v1", "-z", "--untracked-files=all")
    if not status:
        return ""
    digest = hashlib.sha256(status)
    digest.update(_git(root, "diff", "HEAD", "--binary", "--no-ext-diff"))
    for name in _git(root, "ls-files", "-z", "--others", "--exclude-standard").split(b"\0"):
        path = root / name.decode()
        if name and path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _git(root: Path, *arguments: str) -> bytes:
    environment = {"TZ": "UTC", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    command = ["env", *(f"{k}={v}" for k, v in environment.items()), "git", *arguments]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise ShipError("git is not installed", "install git") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ShipError(
            f"git {arguments[0]} failed: {said[-1] if said else 'no message'}",
            "run `ship` in a git checkout that has at least one commit",
        )
    return done.stdout
