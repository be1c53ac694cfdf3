"""`ship update` on real repositories, with and without a history in common with the template."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ship.cli.conftest import Ship
from tests.ship.conftest import PROJECT, run_git

SETTINGS = '[project]\nname = "platform"\nversion = "{}"\n\n[tool.ruff]\nline-length = 100\n'
DRIFT = """jobs:
  compare:
    strategy:
      matrix:
        # >>> environments: matrix
        environment: [dev]
        # <<<
    # version {}
"""
PLATFORM = (
    "Makefile",
    "infrastructure/ship/main.py",
    "infrastructure/stack/api.tf",
    "docs/guide.md",
)
SAMPLE = (
    "CODEOWNERS",
    "LICENSE",
    "README.md",
    "backend/app/api.py",
    "docs/page.png",
    "infrastructure/stack/app.tf",
    "tests/backend/test_api.py",
    "tests/web/test_page.py",
    "web/index.html",
)
OWN = PROJECT.replace("weather", "shop")


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def commit(folder: Path, message: str) -> None:
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--message", message)


def files(folder: Path) -> set[str]:
    return set(run_git(folder, "ls-files").splitlines())


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The platform's own repository at its first version."""
    folder = tmp_path / "template"
    for name in (*PLATFORM, *SAMPLE, "infrastructure/old.tf"):
        write(folder, name, f"{name} version 1\n")
    write(folder, "pyproject.toml", f"{SETTINGS.format(1)}\n{PROJECT}")
    write(folder, ".github/workflows/drift.yml", DRIFT.format(1))
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Version 1")
    return folder


@pytest.fixture
def owner(request: pytest.FixtureRequest, template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository made from it, whose owner has replaced the sample and added a workflow."""
    folder = template.parent / "owner"
    run_git(template.parent, "clone", "--quiet", str(template), str(folder))
    run_git(folder, "remote", "rename", "origin", "template")
    if getattr(request, "param", "") == "use this template":
        run_git(folder, "checkout", "--quiet", "--orphan", "new")
        run_git(folder, "branch", "--quiet", "-D", "main")
        run_git(folder, "branch", "--quiet", "-m", "main")
        commit(folder, "Initial commit")
    for name in ("backend/app/api.py", "web/index.html", "tests/backend/test_api.py", "LICENSE"):
        (folder / name).unlink()
    for name in ("backend/wsgi.py", "README.md", "infrastructure/stack/app.tf"):
        write(folder, name, "mine\n")
    write(folder, ".github/workflows/mine.yml", "mine\n")
    write(folder, "pyproject.toml", f"{SETTINGS.format(1)}\n{OWN}")
    commit(folder, "Replace the sample")
    monkeypatch.chdir(folder)
    return folder


def release_version(template: Path, number: int) -> None:
    """Change everything in the template, and remove and add files of both sides."""
    for name in (*PLATFORM, *SAMPLE, "infrastructure/new.tf", "backend/app/more.py"):
        write(template, name, f"{name} version {number}\n")
    (template / "infrastructure/old.tf").unlink(missing_ok=True)
    write(template, "pyproject.toml", f"{SETTINGS.format(number)}\n{PROJECT}")
    write(template, ".github/workflows/drift.yml", DRIFT.format(number))
    commit(template, f"Version {number}")


@pytest.mark.parametrize("owner", ["clone", "use this template"], indirect=True)
def test_the_platform_is_replaced_and_what_is_the_owners_is_not_touched(
    template: Path, owner: Path, ship: Ship
) -> None:
    before = {name: (owner / name).read_bytes() for name in files(owner)}
    owned = {
        n for n in before if n.startswith(("backend/", "web/", "tests/backend/", "tests/web/"))
    }
    owned |= {"CODEOWNERS", "README.md", "docs/page.png", "infrastructure/stack/app.tf"}
    owned |= {".github/workflows/mine.yml"}
    release_version(template, 2)
    run_git(owner, "fetch", "--quiet", "template")

    assert ship("update", "template/main") == 0

    platform = {*PLATFORM, "infrastructure/new.tf", ".github/workflows/drift.yml"}
    assert files(owner) == owned | platform | {"pyproject.toml"}
    assert {name: (owner / name).read_bytes() for name in owned} == {n: before[n] for n in owned}
    for name in {*PLATFORM, "infrastructure/new.tf"}:
        assert (owner / name).read_text() == f"{name} version 2\n"
    assert (owner / "pyproject.toml").read_text() == f"{SETTINGS.format(2)}\n{OWN}"
    workflow = DRIFT.format(2).replace("[dev]", "[qa, live]")
    assert (owner / ".github/workflows/drift.yml").read_text() == workflow
    staged = run_git(owner, "status", "--porcelain").splitlines()
    assert staged
    assert all(line[1] == " " for line in staged)
    printed = ship.out
    assert "infrastructure/old.tf" in printed
    assert 'git commit -m "Update to template/main"' in printed


@pytest.mark.parametrize("owner", ["clone", "use this template"], indirect=True)
def test_the_next_version_follows_and_the_same_one_changes_nothing(
    template: Path, owner: Path, ship: Ship
) -> None:
    for number in (2, 3):
        release_version(template, number)
        run_git(owner, "fetch", "--quiet", "template")
        assert ship("update", "template/main") == 0
        commit(owner, f"Update to version {number}")
    assert (owner / "Makefile").read_text() == "Makefile version 3\n"
    assert not (owner / "web/index.html").exists()

    assert ship("update", "template/main") == 0
    assert ship.out == "the platform is that of template/main already\n"
    assert run_git(owner, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda folder: (folder / "Makefile").write_text("mine"), "not committed"),
        (lambda folder: (folder / "new.txt").write_text("mine"), "not committed"),
        (lambda folder: run_git(folder, "remote", "remove", "template"), "git fetch template"),
    ],
    ids=["changed", "untracked", "not fetched"],
)
def test_what_is_refused_changes_nothing(
    owner: Path, ship: Ship, prepare: Callable[[Path], object], message: str
) -> None:
    prepare(owner)
    before = run_git(owner, "status", "--porcelain"), run_git(owner, "write-tree")

    assert ship("update", "template/main") == 1

    assert message in ship.err
    assert (run_git(owner, "status", "--porcelain"), run_git(owner, "write-tree")) == before


def test_a_block_of_a_kind_that_is_not_known_yet_is_left_to_the_new_version(
    template: Path, owner: Path, ship: Ship
) -> None:
    release_version(template, 2)
    workflow = template / ".github/workflows/drift.yml"
    workflow.write_text(workflow.read_text().replace("environments: matrix", "environments: table"))
    commit(template, "Add a kind of block")
    run_git(owner, "fetch", "--quiet", "template")

    assert ship("update", "template/main") == 0
    assert "run `ship ci workflows` after `make setup`" in ship.out
