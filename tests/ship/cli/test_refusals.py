"""What is refused before anything is asked of AWS."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ship.environments import infrastructure
from ship.environments.context import Context
from ship.errors import ShipError
from ship.state import EnvironmentState
from tests.ship.cli.conftest import Ship


def test_a_folder_without_a_build_is_named(ship: Ship) -> None:
    assert ship("deploy", "qa", "--dist", ".") == 1
    assert "there is no build in ." in ship.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["unfreeze", "qa", "--reason", "x"], "is not frozen"),
        (["mark", "qa", "r1", "--good", "--reason", "x"], "r1 is not marked bad"),
        (["mark", "qa", "r1", "--bad", "--reason", "x"], "r1 was never live in qa"),
        (["pin", "qa", "r1", "--reason", "x"], "r1 is not stored in qa"),
        (["unlock", "qa", "--run", "local:x"], "is not locked"),
    ],
)
def test_a_change_that_changes_nothing_is_refused(
    ship: Ship, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    engine = SimpleNamespace(state=EnvironmentState(), repair=lambda force: False)
    monkeypatch.setattr(Context, "engine", lambda *_: engine)
    monkeypatch.setattr(Context, "clients", lambda *_: None)
    monkeypatch.setattr(Context, "store", lambda *_: SimpleNamespace(exists=lambda: True))
    monkeypatch.setattr(infrastructure, "unlock", lambda *_: False)

    assert ship(*arguments) == 1
    assert said in ship.err


def test_a_release_that_is_not_stored_removes_nothing(
    ship: Ship, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def manifest(release: str) -> None:
        raise ShipError(f"release {release} is not in qa's bucket", "list those that are")

    monkeypatch.setattr(Context, "clients", lambda *_: None)
    monkeypatch.setattr(Context, "store", lambda *_: SimpleNamespace(manifest=manifest))
    tool = project / ".ship/tools/terraform"
    tool.parent.mkdir(parents=True)
    tool.touch()
    (project / ".ship/cache/releases").mkdir(parents=True)

    assert ship("deploy", "qa", "--release", "../../tools") == 1

    assert "../../tools is not in qa's bucket" in ship.err
    assert tool.exists()
