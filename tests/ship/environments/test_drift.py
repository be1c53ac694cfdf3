"""When a difference is drift, and when a command is at work."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ship.config import Run
from ship.environments import differences, drift
from ship.environments.drift import DriftResult
from ship.errors import UsageError
from ship.github.issues import BUSY, DRIFTED, NONE
from ship.state.environment_state import EnvironmentState, Freeze, Operation, Owner
from tests.ship.environments.factories import RELEASE, SILENT, change

RUN = Run("ann", "github:o/r:7:1", "", True, "schedule", "o/r", "", "http://127.0.0.1:9")
KEY = "stack/dev/dev/terraform.tfstate"
BY_HAND = {
    "resource_drift": [change("a.b", {"days": 365}, {"days": 3})],
    "resource_changes": [change("a.b", {"days": 3}, {"days": 365})],
}


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def operation(run: str, began: datetime) -> Operation:
    at = began.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Operation("id", "deploy", RELEASE, None, "1", Owner("bob", run), at)


@dataclass
class FakeEnvironment:
    """An environment as `detect` sees it; `states` and `objects` change with each snapshot."""

    states: list[EnvironmentState] = field(default_factory=lambda: [EnvironmentState()])
    objects: list[dict[str, Any]] = field(default_factory=lambda: [{KEY: '"1"'}])
    planned: dict[str, Any] = field(default_factory=dict)
    secret: tuple[str, ...] = ()
    targets: list[str] = field(default_factory=list)
    locked: list[bool] = field(default_factory=list)

    def read_state(self) -> tuple[EnvironmentState, str]:
        found = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return found, f'"{id(found)}"'

    def stack(self) -> Any:
        return SimpleNamespace(function_name="f", alias="live", site_bucket="site")

    def manifest(self, release: str) -> None:
        assert release == RELEASE

    def releases(self) -> set[str]:
        return {RELEASE}

    def manifests(self, releases: set[str]) -> list[Any]:
        assert releases == {RELEASE}
        return []

    def client(self, service: str) -> Any:
        return self

    def list_objects_v2(self, **asked: str) -> Any:
        assert asked == {"Bucket": "states", "Prefix": KEY}
        found = self.objects.pop(0) if len(self.objects) > 1 else self.objects[0]
        return {
            "Contents": [{"Key": k, "ETag": str(v), "LastModified": v} for k, v in found.items()]
        }

    def get_function_configuration(self, **asked: str) -> dict[str, int]:
        return {"Timeout": 20 if asked["Qualifier"] == "$LATEST" else 10}

    def get_paginator(self, call: str) -> Any:
        assert call == "describe_parameters"
        return self

    def paginate(self, **_: Any) -> list[Any]:
        kinds = [("/shop/dev/title", "String"), *((name, "SecureString") for name in self.secret)]
        return [{"Parameters": [{"Name": name, "Type": kind} for name, kind in kinds]}]

    def state(self) -> dict[str, dict[str, Any]]:
        names = {"/shop/dev/title": "String", "/shop/dev/key": "SecureString"}
        names |= dict.fromkeys(self.secret, "String")
        value = {"aws_secretsmanager_secret_version.any": {"secret_string": "x"}}
        return (
            {"a.b": {"type": "SecureString"}}
            | value
            | {
                f'aws_ssm_parameter.any["{name}"]': {"name": name, "type": kind}
                for name, kind in names.items()
            }
        )

    def plan(self, out: Path, *, lock: bool, targets: Iterable[str]) -> bool:
        assert out.parent.is_dir()
        self.targets, self.locked = list(targets), [lock]
        return bool(self.planned)

    def show(self, plan: Path) -> dict[str, Any]:
        return self.planned


def detect(fake: FakeEnvironment, home: Path, environment: str = "dev") -> DriftResult:
    names = ("dev", "staging", "production")
    context: Any = SimpleNamespace(
        project=SimpleNamespace(name="shop", environments=names, home=home),
        settings=SimpleNamespace(run=RUN),
        progress=SILENT,
        state_bucket="states",
        read_only_clients=lambda: fake,
        store=lambda *_: fake,
        stack=lambda *_: fake,
    )
    return drift.detect(context, environment)


def test_nothing_has_drifted(tmp_path: Path) -> None:
    found = detect(FakeEnvironment(), tmp_path)

    assert (found.outcome, found.differences) == (NONE, ())
    assert "<!-- ship drift: dev none " in drift.render(found)


def test_it_compares_everything_but_secrets_and_locks_nothing(tmp_path: Path) -> None:
    """A parameter that somebody made secret after the last apply counts as one."""
    fake = FakeEnvironment(secret=("/shop/dev/notice",))

    detect(fake, tmp_path)

    assert fake.targets == ["a.b", 'aws_ssm_parameter.any["/shop/dev/title"]']
    assert fake.locked == [False]


def test_a_change_by_hand_is_drift(tmp_path: Path) -> None:
    found = detect(FakeEnvironment(planned=BY_HAND), tmp_path)

    assert found.outcome == DRIFTED
    assert "`days` is 3, not 365" in found.differences[0]
    text = drift.render(found)
    assert re.match(r"<!-- ship drift: dev drifted [0-9a-f]{16} -->\n### dev: 1 difference\n", text)
    assert "`ship apply dev`." in text


FROZEN = EnvironmentState(frozen=Freeze("bob", "2026-11-23T08:00:00Z", "checkout fails"))


@pytest.mark.parametrize(
    ("fake", "text"),
    [
        (
            FakeEnvironment(planned=BY_HAND | {"resource_drift": []}),
            "Changes of the code that are not applied here yet: 1.",
        ),
        (
            FakeEnvironment(states=[FROZEN]),
            "Frozen since 2026-11-23T08:00:00Z by bob: `checkout fails`.",
        ),
    ],
    ids=["pending code", "a freeze"],
)
def test_what_is_no_drift_is_only_mentioned(
    tmp_path: Path, fake: FakeEnvironment, text: str
) -> None:
    found = detect(fake, tmp_path)

    assert found.outcome == NONE
    assert text in drift.render(found)


def at_work(run: str, **time: float) -> EnvironmentState:
    return EnvironmentState(operation=operation(run, ago(**time)))


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"states": [at_work("github:o/r:7:1", minutes=5)]}, "a deploy of `"),
        ({"objects": [{f"{KEY}.tflock": ago(minutes=5)}]}, "a run of Terraform holds"),
        ({"states": [EnvironmentState(), EnvironmentState(counter=1)]}, "a command changed it"),
        ({"objects": [{KEY: '"1"'}, {KEY: '"2"'}]}, "a command changed it"),
    ],
    ids=["a deploy", "Terraform's lock", "another state", "another state of Terraform's"],
)
def test_while_a_command_is_at_work_nothing_is_drift(
    tmp_path: Path, changes: dict[str, Any], note: str
) -> None:
    found = detect(FakeEnvironment(planned=BY_HAND, **changes), tmp_path)

    assert (found.outcome, found.differences) == (BUSY, ())
    assert note in found.notes[0]


@pytest.mark.parametrize(
    ("left", "hint"),
    [
        # An earlier attempt of this very run: it has ended.
        ({"states": [at_work("github:o/r:7:0", minutes=5)]}, "`ship repair dev`"),
        # Unknown, but no job may take that long.
        ({"states": [at_work("github:x/y:1:1", minutes=61)]}, "`ship repair dev`"),
        ({"objects": [{f"{KEY}.tflock": ago(minutes=61)}]}, "`ship unlock dev`"),
    ],
)
def test_what_a_dead_run_left_behind_is_drift(
    tmp_path: Path, left: dict[str, Any], hint: str
) -> None:
    found = detect(FakeEnvironment(**left), tmp_path)

    assert found.outcome == DRIFTED
    assert found.differences[0].startswith("**Left behind:**")
    assert hint in found.differences[0]


def test_what_was_never_applied_has_not_drifted(tmp_path: Path) -> None:
    """Nothing is planned: Terraform would write a state, which the readers' role may not."""
    found = detect(FakeEnvironment(objects=[{}], planned=BY_HAND), tmp_path)

    assert (found.outcome, found.differences) == (NONE, ())
    assert "all of it is new" in found.notes[-1]


def live(**more: Any) -> EnvironmentState:
    stored: Any = SimpleNamespace(version="4")
    return replace(EnvironmentState(live=RELEASE, releases={RELEASE: stored}), **more)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code and pages, each with a difference of its own."""
    for name in ("code", "pages"):
        monkeypatch.setattr(differences, f"of_{name}", lambda *_, name=name: [f"a {name}"])


@pytest.mark.usefixtures("compared")
def test_code_and_pages_are_compared_with_the_live_release(tmp_path: Path) -> None:
    found = detect(FakeEnvironment(states=[live()]), tmp_path)

    assert found.differences == ("a code", "a pages")
    assert found.notes == ("applied, and live with the next deploy or restart: timeout 10 → 20 s",)
    assert f"`ship deploy dev --release {RELEASE}`" in drift.render(found)


@pytest.mark.usefixtures("compared")
def test_what_a_dead_run_left_half_changed_is_one_difference(tmp_path: Path) -> None:
    left = operation("github:o/r:7:0", ago(minutes=5))

    found = detect(FakeEnvironment(states=[live(operation=left)]), tmp_path)

    assert [line[:12] for line in found.differences] == ["**Left behin"]


def test_a_preview_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pr-12 is not a permanent environment"):
        detect(FakeEnvironment(), tmp_path, "pr-12")
