from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ship.build import tree
from ship.cli import local
from ship.environments import bootstrap, infrastructure
from ship.environments.context import Context
from ship.errors import ShipError
from ship.state.environment_state import EnvironmentState
from tests.ship.cli.conftest import Ship
from tests.ship.conftest import run_git


class FakeCloud:
    """The environments that `ship up` works on; `live` are those with a release."""

    def __init__(self, *live: str) -> None:
        self.applied: set[str] = set()
        self.deployed: list[tuple[str, str]] = []
        self.broken: set[str] = set()
        self._live = live

    def stack(self, _: Context, name: str, __: object) -> Any:
        def apply() -> None:
            self.applied.add(name)
            if name in self.broken:
                raise ShipError(f"{name} cannot be applied", "see Terraform")

        return SimpleNamespace(apply=apply)

    def engine(self, _: Context, name: str, __: object) -> Any:
        state = EnvironmentState(live="old" if name in self._live else None)
        return SimpleNamespace(
            repair=lambda: None,
            state=state,
            deploy=lambda build, *_: self.deployed.append((name, build)),
        )


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, project: Path) -> FakeCloud:
    fake = FakeCloud("live")
    run_git(project, "init", "--quiet")
    (project / ".gitignore").write_text(".ship/\n")
    run_git(project, "add", "--all")
    run_git(project, "commit", "--quiet", "--message", "First")
    monkeypatch.setattr(Context, "emulator", SimpleNamespace(start=lambda _: None))
    monkeypatch.setattr(Context, "tools", None)
    monkeypatch.setattr(
        infrastructure,
        "apply",
        lambda context, name, progress: fake.stack(context, name, progress).apply(),
    )
    monkeypatch.setattr(Context, "engine", lambda *args: fake.engine(*args))
    monkeypatch.setattr(bootstrap, "apply", lambda _: None)
    monkeypatch.setattr(local, "build_tree", lambda context, root, _: tree.describe(root).release)
    monkeypatch.setattr(
        local, "current_build", lambda context: tree.describe(context.project.root).release
    )
    status = dict.fromkeys(("environment", "release", "site_url", "api_url"), "x")
    monkeypatch.setattr(local, "read_status", lambda *_: status)
    return fake


def test_up_applies_every_environment_and_deploys_where_nothing_is_live(
    ship: Ship, project: Path, cloud: FakeCloud
) -> None:
    assert ship("up") == 0

    assert cloud.applied == {"qa", "live"}
    assert cloud.deployed == [("qa", tree.describe(project).release)]


def test_up_leaves_uncommitted_changes_out(ship: Ship, project: Path, cloud: FakeCloud) -> None:
    committed = tree.describe(project).release
    (project / "new.txt").write_text("not committed")

    assert ship("up") == 0

    assert cloud.deployed == [("qa", committed)]
    assert "`ship deploy qa` takes them" in ship.err


def test_an_environment_that_cannot_be_applied_stops_no_other_and_is_reported(
    ship: Ship, cloud: FakeCloud
) -> None:
    cloud.broken = {"qa", "live"}

    assert ship("up") == 1

    assert cloud.applied == {"qa", "live"}
    assert cloud.deployed == []
    assert "ship: qa cannot be applied" in (output := ship.err)
    assert "live:   live cannot be applied" in output


@pytest.mark.parametrize(("stopped", "text"), [(True, "has stopped"), (False, "no emulator was")])
def test_down_says_whether_an_emulator_was_running(
    ship: Ship, monkeypatch: pytest.MonkeyPatch, stopped: bool, text: str
) -> None:
    wiped: list[bool] = []
    emulator = SimpleNamespace(stop=lambda: stopped, wipe=lambda: wiped.append(True))
    monkeypatch.setattr(Context, "emulator", emulator)

    for arguments in ([], ["--wipe"]):
        assert ship("down", *arguments) == 0
        assert text in ship.out
    assert wiped == [True]
