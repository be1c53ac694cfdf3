from dataclasses import replace

import pytest

from ship.build.manifest import Manifest
from ship.errors import ShipError
from ship.release.preflight import check_deployable, choose_rollback
from ship.state import EnvironmentState, Freeze, ReleaseRecord

OLD, LIVE, BAD = "20261123-4-9a8b7c6", "20261123-5-1a2b3c4", "20261123-6-5d6e7f8"
RECORD = ReleaseRecord("2", "", 5, "")
STATE = EnvironmentState(
    live=LIVE, order=(LIVE, BAD), releases={LIVE: RECORD, BAD: RECORD}, bad={BAD: "slow"}
)


def check(environment: str, release: str, state: EnvironmentState = STATE) -> None:
    sequence = int(release.split("-")[1])
    manifest = Manifest(release, "c" * 40, sequence, "3.13", (1, 1), {})
    check_deployable(environment, state, manifest, automatic=True)


def test_an_older_release_replaces_a_newer_one_only_in_a_preview() -> None:
    """A branch may be rebased, and has fewer commits then."""
    check("pr-7", OLD)
    check("qa", LIVE)
    with pytest.raises(ShipError, match="is older than"):
        check("qa", OLD)


def test_a_freeze_ends_when_it_says() -> None:
    freeze = Freeze("ann", "2025-11-23T08:00:00Z", "holidays", "2025-11-24T08:00:00Z")
    check("qa", LIVE, replace(STATE, frozen=freeze))
    with pytest.raises(ShipError, match="until 2126-11-24T08:00:00Z by ann: holidays"):
        check("qa", LIVE, replace(STATE, frozen=replace(freeze, until="2126-11-24T08:00:00Z")))


@pytest.mark.parametrize("environment", ["qa", "pr-7"])
def test_a_bad_release_is_refused(environment: str) -> None:
    with pytest.raises(ShipError, match="is marked bad"):
        check(environment, BAD)


@pytest.mark.parametrize(
    ("to", "said"),
    [
        (None, "no earlier good release"),
        (LIVE, "is live in qa already"),
        (BAD, "is marked bad in qa: slow"),
        (OLD, "was never live in qa, or has been pruned"),
    ],
)
def test_a_rollback_to_what_cannot_be_live_is_refused(to: str | None, said: str) -> None:
    with pytest.raises(ShipError, match=said) as raised:
        choose_rollback("qa", STATE, to)

    assert raised.value.hint == "the good releases are: none"
