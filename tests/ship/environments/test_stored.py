"""What a person may promote: a good release of another environment, built from a commit of main."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ship.build.builder import Build
from ship.build.manifest import Manifest
from ship.environments import stored
from ship.errors import ShipError
from ship.state import EnvironmentState, ReleaseRecord
from tests.ship.conftest import run_git
from tests.ship.environments.factories import RELEASE, SILENT, make_build, make_project, write_gh

OLD, BAD = "20261123-1-0a1b2c3", "20261123-3-9d8e7f6"
RECORD = ReleaseRecord("2", "", 2, "")


class World:
    """A repository at a commit, and environments that keep releases of it."""

    def __init__(self, root: Path, commit: str, *, attest: bool = True) -> None:
        self.asked: list[str] = []
        made = make_build(root / "made")
        self._build = Build(made.folder, replace(made.manifest, commit=commit))
        self.state = EnvironmentState(
            live=RELEASE,
            order=(OLD, RELEASE, BAD),
            releases=dict.fromkeys((OLD, RELEASE, BAD), RECORD),
            bad={BAD: "slow"},
        )
        self.project = replace(make_project(root), attest=attest)
        self.settings = SimpleNamespace(run=SimpleNamespace(repository="o/r"))
        self.caches, self.progress = root / "caches", SILENT

    def read_only_clients(self) -> None:
        """They need no role of an environment."""

    def store(self, environment: str, _: None) -> Any:
        self.asked.append(environment)
        return self

    def read_state(self) -> tuple[EnvironmentState, str]:
        return self.state, ""

    def manifest(self, release: str) -> Manifest:
        return replace(self._build.manifest, release=release)

    def read(self, _: Manifest, path: str) -> bytes:
        return (self._build.folder / path).read_bytes()


@pytest.fixture
def world(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    write_gh(tmp_path, monkeypatch)
    return World(repository, run_git(repository, "rev-parse", "HEAD"))


def fetch(world: World, environment: str, release: str | None = None, *, hotfix: bool) -> Build:
    return stored.fetch_for(world, environment, release, hotfix=hotfix)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("environment", "hotfix", "source"),
    [
        ("staging", False, "dev"),
        ("production", False, "staging"),
        ("production", True, "dev"),
    ],
)
def test_a_promotion_comes_from_the_environment_before_and_a_hotfix_from_the_first(
    world: World, environment: str, hotfix: bool, source: str
) -> None:
    build = fetch(world, environment, hotfix=hotfix)

    assert (build.manifest.release, world.asked) == (RELEASE, [source])
    assert json.loads((build.folder / "manifest.json").read_bytes())["release"] == RELEASE
    assert (build.folder / "backend.zip").is_file()


def test_an_older_good_release_may_be_named(world: World) -> None:
    assert fetch(world, "staging", OLD, hotfix=False).manifest.release == OLD


@pytest.mark.parametrize(
    ("environment", "release", "message"),
    [
        ("dev", None, "nothing is promoted to dev"),
        ("pr-7", None, "nothing is promoted to pr-7"),
        ("staging", BAD, "is marked bad: slow"),
        ("staging", "../../x", "was never live in dev"),
    ],
)
def test_anything_else_is_refused(
    world: World, environment: str, release: str | None, message: str
) -> None:
    with pytest.raises(ShipError, match=message):
        fetch(world, environment, release, hotfix=False)


def test_where_nothing_is_live_or_it_is_bad_nothing_is_promoted(world: World) -> None:
    world.state = replace(world.state, bad={RELEASE: "slow"})
    with pytest.raises(ShipError, match="marked bad: slow"):
        fetch(world, "staging", hotfix=False)
    world.state = EnvironmentState()
    with pytest.raises(ShipError, match="nothing is live in dev"):
        fetch(world, "staging", hotfix=False)


@pytest.mark.parametrize("commit", ["f" * 40, "--help", "HEAD"])
def test_only_a_commit_of_main_is_checked_out_with_a_role(
    repository: Path, commit: str, world: World
) -> None:
    other = World(repository / "backend", commit, attest=False)
    other.project = replace(other.project, root=repository)

    with pytest.raises(ShipError, match="is not a commit of main"):
        fetch(other, "staging", hotfix=False)


def test_it_must_be_attested_where_builds_are(world: World, tmp_path: Path) -> None:
    (tmp_path / "gh/no").write_text("no attestations found\n")
    with pytest.raises(ShipError, match="no attestations found"):
        fetch(world, "staging", hotfix=False)

    world.project = replace(world.project, attest=False)
    assert fetch(world, "staging", hotfix=False).manifest.release == RELEASE
