from __future__ import annotations

from pathlib import Path

import pytest

from ship.build import tree
from ship.errors import ShipError

from .conftest import run_git


def test_a_release_id_names_date_place_and_commit(repository: Path) -> None:
    found = tree.describe(repository)

    commit = run_git(repository, "rev-parse", "HEAD")
    assert found.release == f"{found.date}-1-{commit[:7]}"
    assert tree.RELEASE_ID.fullmatch(found.release)


def test_the_sequence_counts_the_commits_of_the_first_parents(repository: Path) -> None:
    run_git(repository, "checkout", "--quiet", "-b", "topic")
    for number in range(3):
        run_git(repository, "commit", "--quiet", "--allow-empty", "--message", str(number))
    run_git(repository, "checkout", "--quiet", "main")
    run_git(repository, "merge", "--quiet", "--no-ff", "topic", "--message", "Merge")

    assert tree.describe(repository).sequence == 2


@pytest.mark.parametrize("change", ["edited", "new", "staged", "removed"])
def test_an_uncommitted_tree_says_so_in_its_id(repository: Path, change: str) -> None:
    clean = tree.describe(repository).release
    if change == "removed":
        (repository / "backend/handler.py").unlink()
    else:
        name = "backend/new.py" if change == "new" else "backend/handler.py"
        (repository / name).write_text("x = 1\n")
    if change == "staged":
        run_git(repository, "add", "--all")

    found = tree.describe(repository).release

    assert found.startswith(f"{clean}-dirty-")
    assert tree.RELEASE_ID.fullmatch(found)


def test_two_different_changes_have_two_ids(repository: Path) -> None:
    ids = set()
    for content in ("x = 1\n", "x = 2\n"):
        (repository / "backend/new.py").write_text(content)
        ids.add(tree.describe(repository).release)

    assert len(ids) == 2


def test_ignored_files_change_nothing(repository: Path) -> None:
    (repository / ".gitignore").write_text("*.log\n")
    run_git(repository, "add", "--all")
    run_git(repository, "commit", "--quiet", "--message", "Ignore logs")
    before = tree.describe(repository)

    (repository / "backend/some.log").write_text("noise")

    assert tree.describe(repository) == before
    assert "some.log" not in tree.sources(repository, "backend")


def test_a_shallow_checkout_is_refused(repository: Path, tmp_path: Path) -> None:
    run_git(repository, "commit", "--quiet", "--allow-empty", "--message", "Second")
    run_git(tmp_path, "clone", "--quiet", "--depth=1", repository.as_uri(), "shallow")

    with pytest.raises(ShipError, match="shallow") as raised:
        tree.describe(tmp_path / "shallow")

    assert "git fetch --unshallow" in raised.value.hint


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShipError, match="not a git repository"):
        tree.describe(tmp_path)


def test_a_checkout_of_the_last_commit_leaves_changes_out(repository: Path, tmp_path: Path) -> None:
    clean = tree.describe(repository)
    (repository / "backend/handler.py").write_text("broken")

    tree.check_out(repository, tmp_path / "clean")

    assert tree.describe(tmp_path / "clean") == clean
