"""What the engine refuses before anything else, without an environment."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ship.build.manifest import Manifest
from ship.errors import ShipError
from ship.release.engine import Engine
from ship.state.environment_state import EnvironmentState, ReleaseRecord

LIVE = "20261123-5-1a2b3c4"


def engine(environment: str) -> Engine:
    """An engine of an environment whose live release is the fifth commit."""
    made = object.__new__(Engine)
    head = EnvironmentState(
        live=LIVE, releases={LIVE: ReleaseRecord("2", "", 5, "")}, bad={"20261123-6-5d6e7f8": "x"}
    )
    made._stack = SimpleNamespace(environment=environment)  # type: ignore[assignment]
    made._transaction = SimpleNamespace(head=head)  # type: ignore[assignment]
    made._run = SimpleNamespace(automatic=True)  # type: ignore[assignment]
    return made


def manifest(release: str) -> Manifest:
    return Manifest(release, "c" * 40, int(release.split("-")[1]), "3.13", (1, 1), {})


@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_an_older_release_does_not_overtake_a_newer_one(environment: str) -> None:
    with pytest.raises(ShipError, match="is older than"):
        engine(environment)._check_deployable(manifest("20261123-4-9a8b7c6"))


def test_a_rebased_branch_with_fewer_commits_reaches_its_preview() -> None:
    engine("pr-7")._check_deployable(manifest("20261123-4-9a8b7c6"))


def test_a_bad_release_is_refused_in_a_preview_too() -> None:
    with pytest.raises(ShipError, match="is marked bad"):
        engine("pr-7")._check_deployable(manifest("20261123-6-5d6e7f8"))
