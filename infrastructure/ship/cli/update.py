"""`ship update REF`: bring a newer version of the platform into a repository.

Git's own merge cannot: a repository made by "Use this template" has no common history with the
template, and where there is one a merge brings files back that the owner has deleted. So the new
tree is put together path by path: the owner's paths from HEAD, all others from REF.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from ship import config
from ship.build.tree import run_git
from ship.cli.options import TEXT
from ship.errors import ShipError
from ship.github import workflows
from ship.output import result

# What belongs to the owner; a folder ends in a slash. So does pyproject.toml from [tool.ship] on.
OWNER_PATHS = (
    "CODEOWNERS",
    "LICENSE",
    "README.md",
    "backend/",
    "docs/page.png",
    "docs/sample.md",
    "infrastructure/stack/app.tf",
    "infrastructure/stack/tests/app.tftest.hcl",
    "tests/backend/",
    "tests/web/",
    "web/",
)
_SETTINGS = "pyproject.toml"
_TABLES = re.compile(r"(?m)^\[tool\.ship\][ \t]*$")


@click.command()
@click.argument("ref", type=TEXT)
def update(ref: str) -> None:
    """Replace the platform's files by those of REF, and leave the owner's as they are.

    REF is a revision that has been fetched, such as template/main. The owner's are backend/, web/,
    their tests, infrastructure/stack/app.tf, README.md, LICENSE, CODEOWNERS and
    pyproject.toml from the line [tool.ship] on. A file that neither version of the platform has is
    left alone. The result is staged, not committed.
    """
    project = config.project(Path.cwd())
    root = project.root
    if _git(root, "status", "--porcelain"):
        raise ShipError("the work tree has changes that are not committed", "commit or stash them")
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise ShipError("the history is not complete", "fetch it: `git fetch --unshallow`")
    try:
        commit = _git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").strip()
    except ShipError as error:
        raise ShipError(
            f"there is no revision {ref} in this repository",
            "fetch it: `git remote add template URL`, then `git fetch template`",
        ) from error
    # With two trees git moves index and work tree from one to the other, and knows no conflicts.
    # https://git-scm.com/docs/git-read-tree#_two_tree_merge
    _git(root, "read-tree", "-m", "-u", "HEAD", _write_tree(root, commit))
    notes = []
    try:
        for path, text in workflows.outdated(root, project.environments).items():
            path.write_text(text, encoding="utf-8")
            _git(root, "add", "--", str(path))
    except ShipError as error:
        # The new version may know a kind of block that this one does not.
        notes.append(f"{error}: run `ship ci workflows` after `make setup`\n")
    changes = _git(root, "diff", "--cached", "--stat", "HEAD")
    if not changes:
        result({}, f"the platform is that of {ref} already", as_json=False)
        return
    steps = ("make setup", "make check", "make test", f'git commit -m "Update to {ref}"')
    notes.append("Staged. Next:\n" + "".join(f"  {step}\n" for step in steps))
    result({}, "\n".join([changes, *notes]).rstrip(), as_json=False)


def is_owners(path: str) -> bool:
    """Whether a path of the repository belongs to the owner and not to the platform."""
    return any(
        path.startswith(owned) if owned.endswith("/") else path == owned for owned in OWNER_PATHS
    )


def _write_tree(root: Path, commit: str) -> str:
    """Store the tree that the update leads to; its name."""
    ours, theirs = _list_tree(root, "HEAD"), _list_tree(root, commit)
    # Every path that the platform has ever had. What it never had somebody has added here.
    listed = _git(root, "log", "--format=", "--name-only", "--no-renames", "-z", commit)
    platform = {path for path in listed.split("\0") if not is_owners(path)}
    entries = {path: entry for path, entry in ours.items() if path not in platform}
    entries |= {path: entry for path, entry in theirs.items() if not is_owners(path)}
    settings = _merge_settings(
        _git(root, "show", f"HEAD:{_SETTINGS}"), _git(root, "show", f"{commit}:{_SETTINGS}")
    )
    blob = _git(root, "hash-object", "-w", "--stdin", text=settings).strip()
    entries[_SETTINGS] = f"100644 blob {blob}"
    lines = "".join(f"{entry}\t{path}\0" for path, entry in sorted(entries.items()))
    with TemporaryDirectory() as folder:
        # An index of its own: HEAD's stays as it is until the whole tree is known.
        index = {"GIT_INDEX_FILE": f"{folder}/index"}
        _git(root, "update-index", "-z", "--index-info", text=lines, **index)
        return _git(root, "write-tree", **index).strip()


def _list_tree(root: Path, commit: str) -> dict[str, str]:
    """Mode, type and name of every file of a commit, by path."""
    # -z: git quotes unusual names otherwise.
    lines = _git(root, "ls-tree", "-r", "-z", commit).split("\0")
    return {path: entry for entry, _, path in (line.partition("\t") for line in lines if line)}


def _merge_settings(ours: str, theirs: str) -> str:
    """Their pyproject.toml up to the line `[tool.ship]`, and ours from there on."""
    own, tables = _TABLES.search(ours), _TABLES.search(theirs)
    if own is None:
        raise ShipError(
            f"{_SETTINGS} has no line [tool.ship]",
            f"begin the owner's part of {_SETTINGS} with [tool.ship], and commit that",
        )
    return (theirs[: tables.start()] if tables else f"{theirs}\n") + ours[own.start() :]


def _git(root: Path, *arguments: str, text: str = "", **variables: str) -> str:
    # Bytes in Python's own way, so that a path in any encoding survives.
    given = text.encode(errors="surrogateescape")
    return run_git(root, *arguments, stdin=given, **variables).decode(errors="surrogateescape")
