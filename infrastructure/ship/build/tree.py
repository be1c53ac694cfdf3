"""The source tree that a build is made from, and the release id that follows from it."""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ship.errors import ShipError

_IGNORE = ".shipignore"
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
        ShipError: this is not a git checkout, or has no commit, or is shallow.
    """
    if run_git(root, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise ShipError(
            "this checkout is shallow, so its commits cannot be counted",
            "fetch the whole history: `git fetch --unshallow` (in a workflow: fetch-depth: 0)",
        )
    # The committer's date in UTC: the same on every machine and in every time zone.
    commit, date = run_git(
        root, "log", "-1", "--format=%H %cd", "--date=format-local:%Y%m%d"
    ).split()
    count = run_git(root, "rev-list", "--count", "--first-parent", "HEAD")
    return Tree(commit.decode(), int(count), date.decode(), _changes(root))


def sources(root: Path, folder: str) -> dict[str, Path]:
    """The files of a folder that git tracks or would track, by their path inside the folder.

    A `.shipignore` in the folder or below it leaves files out, in the syntax of `.gitignore`; one
    above it says what is left out of that folder, and nothing about this one. Links
    and submodules are followed, so that a package that several folders share is in each of them.

    Raises:
        ShipError: a link leads nowhere, out of the repository or into itself, or a submodule has
            not been checked out.
    """
    found: dict[str, Path] = {}
    if (root / folder).is_dir():
        _collect(root.resolve(), root / folder, f"{folder}/", found)
    return {name.removeprefix(f"{folder}/"): found[name] for name in sorted(found)}


def _collect(
    root: Path, folder: Path, prefix: str, found: dict[str, Path], entered: tuple[Path, ...] = ()
) -> None:
    """Add the files below a folder under the names that they have below a prefix.

    `entered` are the folders whose content this is part of.
    """
    entered = (*entered, folder.resolve())
    # In the folder itself: there a submodule answers for its own files.
    listing = ("ls-files", "-z", "--others")
    listed = run_git(folder, *listing, "--cached", "--exclude-standard").split(b"\0")
    ignoring = (*listing, "--ignored", f"--exclude-per-directory={_IGNORE}")
    # As if the folder were all of the work tree, and nothing tracked: there is no such index.
    left_out = run_git(folder, *ignoring, GIT_WORK_TREE=".", GIT_INDEX_FILE=f"{folder}/.no-index")
    for name in sorted({os.fsdecode(name) for name in {*listed} - {*left_out.split(b"\0")}}):
        path, shown = folder / name, f"{prefix}{name}"
        if not path.is_symlink() and path.is_file() and path.name != _IGNORE:
            found[shown] = path
        elif path.is_symlink():
            target = _follow(root, path, shown)
            if target.is_file():
                found[shown] = target
            elif any(one.is_relative_to(target) for one in (*entered, path.parent.resolve())):
                raise ShipError(
                    f"the link {shown} leads to a folder that it lies in", "remove the link"
                )
            else:
                _collect(root, target, f"{shown}/", found, entered)
        elif path.is_dir():
            if not any(path.iterdir()):
                raise ShipError(
                    f"the submodule {shown} has not been checked out",
                    "run `git submodule update --init` (in a workflow: submodules: true)",
                )
            _collect(root, path, f"{shown.rstrip('/')}/", found, entered)


def _follow(root: Path, link: Path, shown: str) -> Path:
    """The file or folder that a link leads to."""
    hint = "put the files there themselves, or link to a folder of this repository"
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ShipError(f"the link {shown} leads nowhere ({link.readlink()})", hint) from error
    if not target.is_relative_to(root) or target.is_relative_to(root / ".git"):
        raise ShipError(f"the link {shown} leads out of the repository, to {target}", hint)
    return target


def ignored(root: Path, folder: str) -> dict[str, Path]:
    """The files of a folder that git ignores as a whole, as it often does what a bundler makes."""
    options = ("--others", "--ignored", "--exclude-standard")
    whole = run_git(root, "ls-files", "-z", *options, "--directory", "--", folder)
    if whole.rstrip(b"\0").rstrip(b"/") != folder.encode():
        return {}
    listed = run_git(root, "ls-files", "-z", *options, "--", folder)
    names = sorted(name.decode() for name in listed.split(b"\0") if name)
    return {name.removeprefix(f"{folder}/"): root / name for name in names}


def check_out(root: Path, into: Path, sites: tuple[str, ...] = ()) -> None:
    """Check the last commit out into an empty folder, without what is not committed.

    What git ignores of the folders `sites` is copied: it is made of what is committed.
    """
    run_git(root, "clone", "--quiet", "--shared", str(root), str(into))
    for site in sites:
        for name, path in ignored(root, site).items():
            target = into / site / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _changes(root: Path) -> str:
    """Eight digits that identify what is not committed; empty when everything is."""
    status = run_git(root, "status", "--porcelain=v1", "-z", "--untracked-files=all")
    if not status:
        return ""
    digest = hashlib.sha256(status)
    digest.update(run_git(root, "diff", "HEAD", "--binary", "--no-ext-diff"))
    for name in run_git(root, "ls-files", "-z", "--others", "--exclude-standard").split(b"\0"):
        path = root / name.decode()
        if name and path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def run_git(root: Path, *arguments: str, stdin: bytes = b"", **variables: str) -> bytes:
    """Run git in a checkout, and return what it prints.

    Raises:
        ShipError: git is not installed, or refuses.
    """
    # GIT_OPTIONAL_LOCKS: `git status` would otherwise write to an index that a person works with.
    environment = {"TZ": "UTC", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"} | variables
    command = ["env", *(f"{k}={v}" for k, v in environment.items()), "git", *arguments]
    try:
        done = subprocess.run(command, cwd=root, input=stdin, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise ShipError("git is not installed", "install git") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ShipError(
            f"git {arguments[0]} failed: {said[-1] if said else 'no message'}",
            "run `ship` in a git checkout that has at least one commit",
        )
    return done.stdout
