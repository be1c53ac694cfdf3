"""When something is drift, and when it is somebody at work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ship.config import Run
from ship.environments import differences, drift
from ship.environments.drift import BUSY, DRIFTED, NONE, Found
from ship.errors import ShipError, UsageError
from ship.output import Progress
from ship.state.environment_state import Freeze, EnvironmentState, Operation, Owner
from tests.ship.environments.test_differences import MANIFEST, RELEASE, STACK, one

RUN = Run("ann", "github:o/r:7:1", "", True, "schedule", "o/r", "", "http://127.0.0.1:9")
KEY = "stack/dev/dev/terraform.tfstate"
BY_HAND = {
    "resource_drift": [one("a.b", {"days": 365}, {"days": 3})],
    "resource_changes": [one("a.b", {"days": 3}, {"days": 365})],
}


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def operation(run: str, began: datetime) -> Operation:
    at = began.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Operation("id", "deploy", RELEASE, None, "1", Owner("bob", run), at)


@dataclass
class Sandbox:
    """An environment as the search sees it; `heads` and `states` change with each look."""

    heads: list[EnvironmentState] = field(default_factory=lambda: [EnvironmentState()])
    states: list[dict[str, Any]] = field(default_factory=lambda: [{KEY: '"1"'}])
    planned: dict[str, Any] = field(default_factory=dict)
    secret: tuple[str, ...] = ()
    targets: list[str] = field(default_factory=list)
    locked: list[bool] = field(default_factory=list)

    def read_state(self) -> tuple[EnvironmentState, str]:
        found = self.heads.pop(0) if len(self.heads) > 1 else self.heads[0]
        return found, f'"{id(found)}"'

    def stack(self) -> Any:
        return STACK

    def manifest(self, release: str) -> Any:
        assert release == RELEASE
        return MANIFEST

    def client(self, service: str) -> Any:
        return self

    def list_objects_v2(self, **asked: str) -> Any:
        assert asked == {"Bucket": "states", "Prefix": KEY}
        found = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {
            "Contents": [{"Key": k, "ETag": str(v), "LastModified": v} for k, v in found.items()]
        }

    def get_paginator(self, call: str) -> Any:
        assert call == "describe_parameters"
        return self

    def paginate(self, **_: Any) -> list[Any]:
        prefix = "/shop/dev/public/"
        kinds = [("title", "String"), *((name, "SecureString") for name in self.secret)]
        return [{"Parameters": [{"Name": prefix + name, "Type": kind} for name, kind in kinds]}]

    def addresses(self) -> list[str]:
        names = (*self.secret, "title")
        public = [f'aws_ssm_parameter.public["{name}"]' for name in names]
        return ["a.b", "aws_ssm_parameter.secret_key", *public]

    def plan(self, out: Path, *, lock: bool, targets: Iterable[str]) -> bool:
        assert out.parent.is_dir()
        self.targets, self.locked = list(targets), [lock]
        return bool(self.planned)

    def show(self, plan: Path) -> dict[str, Any]:
        return self.planned


def search(sandbox: Sandbox, home: Path, environment: str = "dev") -> Found:
    names = ("dev", "staging", "production")
    context: Any = SimpleNamespace(
        project=SimpleNamespace(name="shop", environments=names, home=home),
        settings=SimpleNamespace(run=RUN),
        progress=Progress(plain=True, quiet=True),
        state_bucket="states",
        readers=lambda: sandbox,
        store=lambda *_: sandbox,
        stack=lambda *_: sandbox,
    )
    return drift.search(context, environment)


def test_nothing_has_drifted(tmp_path: Path) -> None:
    found = search(Sandbox(), tmp_path)

    assert (found.outcome, found.differences) == (NONE, ())
    assert drift.report(found).outputs == {"drift": "none"}


def test_it_looks_at_all_but_the_secrets_and_locks_nothing(tmp_path: Path) -> None:
    sandbox = Sandbox(secret=("notice",))

    search(sandbox, tmp_path)

    assert sandbox.targets == ["a.b", 'aws_ssm_parameter.public["title"]']
    assert sandbox.locked == [False]


def test_what_was_changed_by_hand_is_drift(tmp_path: Path) -> None:
    found = search(Sandbox(planned=BY_HAND), tmp_path)

    assert found.outcome == DRIFTED
    assert "`days` is 3, not 365" in found.differences[0]
    text = drift.report(found).text
    assert text.startswith(
        f"<!-- ship drift: dev drifted {found.digest} -->\n### dev: 1 difference\n"
    )
    assert "`ship apply dev`." in text


def test_what_no_deploy_has_applied_yet_is_mentioned_only(tmp_path: Path) -> None:
    found = search(Sandbox(planned=BY_HAND | {"resource_drift": []}), tmp_path)

    assert found.outcome == NONE
    assert "1 changes of the code have not been applied here yet" in found.notes


def test_a_freeze_is_mentioned_only(tmp_path: Path) -> None:
    frozen = Freeze("bob", "2026-11-23T08:00:00Z", "checkout fails")

    found = search(Sandbox(heads=[EnvironmentState(frozen=frozen)]), tmp_path)

    assert found.outcome == NONE
    said = "Frozen since 2026-11-23T08:00:00Z by bob: `checkout fails`."
    assert said in drift.report(found).text


def test_while_a_deploy_is_under_way_nothing_is_compared(tmp_path: Path) -> None:
    busy = EnvironmentState(operation=operation("github:o/r:7:1", ago(minutes=5)))
    sandbox = Sandbox(heads=[busy], planned=BY_HAND)

    found = search(sandbox, tmp_path)

    assert (found.outcome, found.differences, sandbox.targets) == (BUSY, (), [])
    assert "a deploy of `" in found.notes[0]


@pytest.mark.parametrize(
    ("run", "minutes"),
    [
        ("github:o/r:7:0", 5),  # An earlier attempt of this very run: it has ended.
        ("github:x/y:1:1", 61),  # Nobody can tell; but no job may take that long.
    ],
)
def test_what_a_dead_run_left_behind_is_drift(tmp_path: Path, run: str, minutes: float) -> None:
    left = EnvironmentState(operation=operation(run, ago(minutes=minutes)))

    found = search(Sandbox(heads=[left]), tmp_path)

    assert found.outcome == DRIFTED
    assert "**Left behind:** a deploy of" in found.differences[0]
    assert "`ship repair dev`" in found.differences[0]


def test_while_terraform_holds_the_states_lock_nothing_is_compared(tmp_path: Path) -> None:
    held = {KEY: ago(days=9), f"{KEY}.tflock": ago(minutes=5)}

    found = search(Sandbox(states=[held], planned=BY_HAND), tmp_path)

    assert (found.outcome, found.differences) == (BUSY, ())


def test_a_lock_that_terraform_left_behind_is_drift(tmp_path: Path) -> None:
    held = {KEY: ago(days=9), f"{KEY}.tflock": ago(minutes=61)}

    found = search(Sandbox(states=[held]), tmp_path)

    assert found.outcome == DRIFTED
    assert "force-unlock" in found.differences[0]


def test_what_moved_while_it_was_compared_is_no_drift(tmp_path: Path) -> None:
    found = search(
        Sandbox(heads=[EnvironmentState(), EnvironmentState(counter=1)], planned=BY_HAND), tmp_path
    )

    assert (found.outcome, found.differences) == (BUSY, ())


def test_a_state_that_moved_while_it_was_compared_is_no_drift(tmp_path: Path) -> None:
    states = [{KEY: '"1"'}, {KEY: '"2"'}]

    found = search(Sandbox(states=states, planned=BY_HAND), tmp_path)

    assert (found.outcome, found.differences) == (BUSY, ())


def live(**more: Any) -> EnvironmentState:
    stored: Any = SimpleNamespace(version="4")
    return replace(EnvironmentState(live=RELEASE, releases={RELEASE: stored}), **more)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code, pages and settings, each with a difference of its own."""
    for name in ("code", "pages", "settings"):
        monkeypatch.setattr(differences, f"of_{name}", lambda *_, name=name: [f"a {name}"])


@pytest.mark.usefixtures("compared")
def test_code_pages_and_settings_are_compared_with_the_live_release(tmp_path: Path) -> None:
    found = search(Sandbox(heads=[live()]), tmp_path)

    assert found.differences == ("a code", "a pages", "a settings")
    assert f"`ship deploy dev --release {RELEASE}`" in drift.report(found).text


@pytest.mark.usefixtures("compared")
def test_what_a_dead_run_left_half_moved_is_told_once(tmp_path: Path) -> None:
    left = operation("github:o/r:7:0", ago(minutes=5))

    found = search(Sandbox(heads=[live(operation=left)]), tmp_path)

    assert [line[:12] for line in found.differences] == ["**Left behin", "a settings"]


@pytest.mark.usefixtures("compared")
def test_an_application_that_does_not_answer_hides_no_other_difference(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def silent(_: object) -> list[str]:
        raise ShipError("it does not answer", "look")

    monkeypatch.setattr(differences, "of_settings", silent)

    found = search(Sandbox(heads=[live()]), tmp_path)

    assert found.differences == ("a code", "a pages")
    assert found.notes == ("the settings were not compared: it does not answer",)


def test_an_application_that_says_nothing_of_its_settings_is_a_fault() -> None:
    with pytest.raises(ShipError, match="does not say what is wrong with the settings"):
        list(differences.of_settings(STACK))


def test_a_preview_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pr-12 is no lasting environment"):
        search(Sandbox(), tmp_path, "pr-12")
