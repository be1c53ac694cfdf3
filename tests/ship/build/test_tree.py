from pathlib import Path

import pytest

from ship.build import tree
from ship.errors import ShipError
from tests.ship.conftest import run_git


def test_a_release_id_names_date_commit_and_how_many_first_parents(repository: Path) -> None:
    run_git(repository, "checkout", "--quiet", "-b", "topic")
    for number in range(3):
        run_git(repository, "commit", "--quiet", "--allow-empty", "--message", str(number))
    run_git(repository, "checkout", "--quiet", "main")
    run_git(repository, "merge", "--quiet", "--no-ff", "topic", "--message", "Merge")

    found = tree.describe(repository)

    commit = run_git(repository, "rev-parse", "HEAD")
    assert found.release == f"{found.date}-2-{commit[:7]}"
    assert tree.RELEASE_ID.fullmatch(found.release)


@pytest.mark.parametrize("change", ["edited", "new", "staged", "removed"])
def test_an_uncommitted_tree_says_so_in_its_id(repository: Path, change: str) -> None:
    clean = tree.describe(repository).release
    if change == "removed":
        (repository / "backend/wsgi.py").unlink()
    else:
        name = "backend/new.py" if change == "new" else "backend/wsgi.py"
        (repository / name).write_text("x = 1\n")
    if change == "staged":
        run_git(repository, "add", "--all")

    found = tree.describe(repository).release
    (repository / "backend/another.py").write_text("x = 2\n")
    other = tree.describe(repository).release

    assert found.startswith(f"{clean}-dirty-")
    assert tree.RELEASE_ID.fullmatch(found)
    assert other not in (found, clean)


def test_ignored_files_change_nothing(repository: Path) -> None:
    before = tree.describe(repository)

    (repository / "backend/__pycache__").mkdir()
    (repository / "backend/__pycache__/wsgi.pyc").write_text("noise")

    assert tree.describe(repository) == before
    assert not [name for name in tree.sources(repository, "backend") if "__pycache__" in name]


def test_a_shallow_checkout_is_refused(repository: Path, tmp_path: Path) -> None:
    run_git(repository, "commit", "--quiet", "--allow-empty", "--message", "Second")
    run_git(tmp_path, "clone", "--quiet", "--depth=1", repository.as_uri(), "shallow")

    with pytest.raises(ShipError, match="shallow") as raised:
        tree.describe(tmp_path / "shallow")

    assert "git fetch --unshallow" in raised.value.hint


def test_a_folder_that_is_not_a_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShipError, match="not a git repository"):
        tree.describe(tmp_path)


def test_a_checkout_of_the_last_commit_leaves_changes_out(repository: Path, tmp_path: Path) -> None:
    clean = tree.describe(repository)
    (repository / "backend/wsgi.py").write_text("broken")

    tree.check_out(repository, tmp_path / "clean")

    assert tree.describe(tmp_path / "clean") == clean


def test_links_are_followed_to_what_git_knows_there(repository: Path) -> None:
    (repository / ".gitignore").write_text("*.log\n")
    (repository / "packages/money").mkdir(parents=True)
    (repository / "packages/money/euro.py").write_text("")
    (repository / "packages/money/noise.log").write_text("")
    (repository / "backend/money").symlink_to("../packages/money")
    (repository / "backend/again").symlink_to("money")
    (repository / "backend/notes.txt").symlink_to("../pyproject.toml")

    found = tree.sources(repository, "backend")

    assert found["money/euro.py"].read_text() == found["again/euro.py"].read_text() == ""
    assert found["notes.txt"].read_text().startswith("\n[tool.ship]")
    assert not any(name.endswith(".log") for name in found)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("gone", "the link backend/link leads nowhere"),
        ("link", "leads nowhere"),
        ("/etc", "leads out of the repository"),
        ("../.git", "leads out of the repository"),
        ("..", "a folder that it lies in"),
    ],
)
def test_a_link_that_cannot_be_followed_is_refused_by_its_name(
    repository: Path, target: str, said: str
) -> None:
    (repository / "backend/link").symlink_to(target)

    with pytest.raises(ShipError, match=said):
        tree.sources(repository, "backend")


def test_links_that_lead_to_each_other_are_refused(repository: Path) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        (repository / "packages" / name).mkdir(parents=True)
        (repository / "packages" / name / other).symlink_to(f"../{other}")
    (repository / "backend/link").symlink_to("../packages/one")

    with pytest.raises(ShipError, match="a folder that it lies in"):
        tree.sources(repository, "backend")


def test_a_submodule_is_followed_or_refused(repository: Path, tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet", "library")
    (tmp_path / "library/module.py").write_text("")
    run_git(tmp_path / "library", "add", "--all")
    run_git(tmp_path / "library", "commit", "--quiet", "--message", "First")
    allow = ("-c", "protocol.file.allow=always")
    run_git(
        repository, *allow, "submodule", "--quiet", "add", str(tmp_path / "library"), "backend/lib"
    )

    assert "lib/module.py" in tree.sources(repository, "backend")

    run_git(repository, "submodule", "--quiet", "deinit", "--force", "backend/lib")
    with pytest.raises(ShipError, match="the submodule backend/lib has not been checked out"):
        tree.sources(repository, "backend")


def test_shipignore_leaves_files_out_that_git_tracks_or_not(repository: Path) -> None:
    for name in ("tests/test_it.py", "data/big.csv", "data/small.csv", "new.md"):
        path = repository / "backend" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    (repository / "backend/.shipignore").write_text("/tests/\n*.md\nbig.csv\n")
    run_git(repository, "add", "backend/tests", "backend/data")

    found = set(tree.sources(repository, "backend"))

    assert found == {"wsgi.py", "requirements.in", "requirements.txt", "data/small.csv"}


def test_what_is_left_out_of_the_zip_can_be_published_and_the_other_way_round(
    repository: Path,
) -> None:
    static = repository / "backend/shop/static"
    static.mkdir(parents=True)
    for name in ("site.css", "site.scss"):
        (static / name).write_text("")
    (repository / "backend/.shipignore").write_text("/shop/static/\n")
    (static / ".shipignore").write_text("*.scss\n")

    assert not [name for name in tree.sources(repository, "backend") if name.startswith("shop")]
    assert set(tree.sources(repository, "backend/shop/static")) == {"site.css"}


def test_a_folder_that_does_not_exist_has_no_files(repository: Path) -> None:
    assert tree.sources(repository, "nothing") == {}
