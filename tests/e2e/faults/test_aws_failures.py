"""Any call to AWS may fail, or succeed with its answer lost: the release comes through anyway."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.faults.proxy import CALLS, Wire, strike
from tests.e2e.sandbox import Sandbox

pytestmark = pytest.mark.journey


@pytest.fixture(autouse=True)
def clean(sandbox: Sandbox) -> Iterator[None]:
    sandbox.clean()
    yield
    sandbox.clean()


@pytest.mark.parametrize("forward", [False, True], ids=["fails", "answer lost"])
@pytest.mark.parametrize("call", CALLS)
def test_a_deploy_comes_through_a_call_that_goes_wrong_once(
    sandbox: Sandbox, wire: Wire, call: str, forward: bool
) -> None:
    sandbox.edit(f"{call} {forward}")
    before = sandbox.history("dev")[0]["number"]
    strike(wire, call, 1, forward=forward)

    outcome = sandbox.json("deploy", "dev", AWS_ENDPOINT_URL=wire.endpoint)

    assert wire.faults.hit == 1
    assert sandbox.seen("dev") == (outcome["release"],) * 3
    entries = [entry for entry in sandbox.history("dev") if entry["number"] > before]
    assert [entry["event"] for entry in entries] == ["live", "deploy started"]


@pytest.mark.parametrize("call", ["alias", "page"])
def test_a_call_that_keeps_failing_leaves_the_old_release_live(
    sandbox: Sandbox, wire: Wire, call: str
) -> None:
    """Five tries each: the shift or the pages fail for good, putting back finds AWS well again."""
    sandbox.edit(f"{call} keeps failing")
    before = sandbox.status("dev")["release"]
    strike(wire, call, 5, forward=False)

    said = sandbox.refused("deploy", "dev", status=3, variables={"AWS_ENDPOINT_URL": wire.endpoint})

    assert before in said
    assert sandbox.seen("dev") == (before,) * 3


def test_a_release_that_cannot_be_recorded_is_put_back(sandbox: Sandbox, wire: Wire) -> None:
    """It went live and passed its tests, but nobody would know: the first write takes the lock."""
    sandbox.edit("cannot be recorded")
    before = sandbox.status("dev")["release"]
    strike(wire, "head", 5, forward=False, after=1)

    sandbox.refused("deploy", "dev", status=3, variables={"AWS_ENDPOINT_URL": wire.endpoint})

    assert sandbox.status("dev")["release"] == before
    assert sandbox.seen("dev") == (before,) * 3


def test_when_putting_back_fails_too_a_repair_is_due_and_works(
    sandbox: Sandbox, wire: Wire
) -> None:
    sandbox.edit("page keeps failing for long")
    before = sandbox.status("dev")["release"]
    strike(wire, "page", 10_000, forward=False)

    said = sandbox.refused("deploy", "dev", status=4, variables={"AWS_ENDPOINT_URL": wire.endpoint})
    assert "ship repair dev" in said

    strike(wire, "page", 0, forward=False)
    sandbox.ship("repair", "dev")
    assert sandbox.seen("dev") == (before,) * 3


def test_a_call_that_keeps_failing_before_users_could_see_it_changes_nothing(
    sandbox: Sandbox, wire: Wire
) -> None:
    sandbox.edit("code keeps failing")
    before = sandbox.status("dev")
    strike(wire, "new code", 5, forward=False)

    sandbox.refused("deploy", "dev", status=1, variables={"AWS_ENDPOINT_URL": wire.endpoint})

    after = sandbox.status("dev")
    assert (after["release"], after["operation"]) == (before["release"], None)
    assert sandbox.history("dev")[0]["event"] == "deploy failed"
