from types import SimpleNamespace
from typing import Any

import pytest

from ship.cli import release
from ship.environments.context import Context
from ship.state.environment_state import EnvironmentState
from tests.ship.cli.conftest import Ship
from tests.ship.environments.factories import RELEASE


@pytest.mark.parametrize(
    ("environment", "allowed"), [("qa", True), ("pr-7", True), ("live", False)]
)
def test_uncommitted_changes_go_to_the_first_environment_and_to_previews_only(
    ship: Ship, monkeypatch: pytest.MonkeyPatch, environment: str, allowed: bool
) -> None:
    deployed: list[str] = []

    def engine(_: Context, name: str) -> Any:
        def deploy(*_: object) -> None:
            deployed.append(name)
            raise KeyboardInterrupt

        return SimpleNamespace(deploy=deploy)

    build = SimpleNamespace(manifest=SimpleNamespace(release=RELEASE, dirty=True))
    monkeypatch.setattr(Context, "engine", engine)
    monkeypatch.setattr(release, "current_build", lambda _: build)

    assert ship("deploy", environment) == (130 if allowed else 1)
    assert deployed == [environment] * allowed
    assert ("was built from uncommitted changes" in ship.err) is not allowed


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ("promote pr-7 qa", 1, "has not been merged"),
        ("promote pr-7 pr-8", 1, "has not been merged"),
        ("promote qa qa", 1, "to itself"),
        ("promote qa live", 1, "nothing is live in qa"),
        (f"deploy qa --release {RELEASE} --dist .", 2, "exclude each other"),
        # Its run may have waited, or be the second attempt of an old one.
        ("deploy pr-8 --dist .", 1, "does not belong to pr-8's pull request"),
    ],
)
def test_what_may_not_go_live_is_refused(
    ship: Ship, monkeypatch: pytest.MonkeyPatch, arguments: str, status: int, message: str
) -> None:
    store = SimpleNamespace(read_state=lambda: (EnvironmentState(), ""))
    monkeypatch.setattr(Context, "clients", lambda *_: None)
    monkeypatch.setattr(Context, "store", lambda *_: store)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_EVENT_PATH", "")

    assert ship(*arguments.split()) == status
    assert message in ship.err
