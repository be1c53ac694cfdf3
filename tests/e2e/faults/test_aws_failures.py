"""Any call to AWS may fail, or succeed with its answer lost: the release comes through anyway.

`tests/ship/release/test_engine.py` has every call fail in memory. Here boto3, its retries and HTTP
are real.
"""

from itertools import product

import pytest

from tests.e2e.faults.proxy import CALLS, Proxy
from tests.e2e.sandbox import Sandbox

ONCE = {("alias", False), ("new code", True)}


@pytest.mark.parametrize(
    ("call", "forward"),
    [
        pytest.param(*case, marks=[] if case in ONCE else pytest.mark.nightly)
        for case in product(CALLS, (False, True))
    ],
)
def test_a_deploy_comes_through_a_call_that_goes_wrong_once(
    sandbox: Sandbox, proxy: Proxy, call: str, forward: bool
) -> None:
    """`forward`: the call succeeds, and its answer gets lost."""
    sandbox.edit(f"{call} {forward}")
    before = sandbox.history("dev")[0]["number"]
    proxy.inject(call, 1, forward=forward)

    outcome = sandbox.json("deploy", "dev", AWS_ENDPOINT_URL=proxy.endpoint)

    assert proxy.hit == 1
    assert sandbox.served("dev") == (outcome["release"],) * 3
    entries = [entry for entry in sandbox.history("dev") if entry["number"] > before]
    assert [entry["event"] for entry in entries] == ["live", "deploy started"]


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("call", "good", "status", "event"),
    [
        ("new code", 0, 1, "deploy failed"),
        ("alias", 0, 3, "reverted"),
        ("page", 0, 3, "reverted"),
        # It went live and passed its checks, but nobody would know: the first write is the lock.
        ("state", 1, 3, "reverted"),
    ],
)
def test_a_call_that_keeps_failing_leaves_the_old_release_live(
    sandbox: Sandbox, proxy: Proxy, call: str, good: int, status: int, event: str
) -> None:
    """Five tries: the release fails for good, and the revert finds AWS well again."""
    sandbox.edit(f"{call} keeps failing")
    before = sandbox.status("dev")["release"]
    proxy.inject(call, 5, good=good)

    sandbox.refused("deploy", "dev", status=status, variables={"AWS_ENDPOINT_URL": proxy.endpoint})

    assert sandbox.history("dev")[0]["event"] == event
    after = sandbox.status("dev")
    assert (after["release"], after["operation"]) == (before, None)
    assert sandbox.served("dev") == (before,) * 3


def test_when_the_revert_fails_too_a_repair_is_due_and_works(
    sandbox: Sandbox, proxy: Proxy
) -> None:
    sandbox.edit("page keeps failing for long")
    before = sandbox.status("dev")["release"]
    proxy.inject("page", 10_000)

    said = sandbox.refused(
        "deploy", "dev", status=4, variables={"AWS_ENDPOINT_URL": proxy.endpoint}
    )
    assert "ship repair dev" in said

    proxy.inject("page", 0)
    sandbox.ship("repair", "dev")
    assert sandbox.served("dev") == (before,) * 3
