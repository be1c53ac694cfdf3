"""Bad input: what is wrong, what to do, nothing changed.

What needs no emulator to be refused is in `tests/ship`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.sandbox import Sandbox, free_ports

UNKNOWN = "20200101-1-0000000"


@pytest.fixture(autouse=True)
def unchanged(sandbox: Sandbox) -> Iterator[None]:
    """Whatever is refused leaves state, history and public endpoints as they were."""
    before = snapshot(sandbox)
    yield
    assert snapshot(sandbox) == before


def snapshot(sandbox: Sandbox) -> dict[str, Any]:
    bucket = sandbox.bucket("dev")
    s3 = sandbox.client("s3", "dev")
    return {
        "state": s3.get_object(Bucket=bucket, Key="state.json")["Body"].read(),
        "keys": [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]],
        "served": sandbox.served("dev"),
    }


def test_a_release_that_cannot_be_live_is_refused(sandbox: Sandbox) -> None:
    status = sandbox.status("dev")
    bad, reason = next(iter(status["bad"])), ("--reason", "x")

    assert UNKNOWN in sandbox.refused("deploy", "dev", "--release", UNKNOWN, *reason)
    assert UNKNOWN in sandbox.refused("rollback", "dev", "--to", UNKNOWN, *reason)
    said = sandbox.refused("rollback", "dev", "--to", bad, *reason)
    assert "marked bad" in said
    assert all(name in said for name in status["rollback_candidates"])


def test_a_dead_endpoint_is_said_at_once(sandbox: Sandbox) -> None:
    port = free_ports()
    said = sandbox.refused(
        "status", "dev", variables={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    )

    assert str(port) in said


@pytest.mark.nightly
def test_a_plan_that_the_infrastructure_has_left_behind_is_refused(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    plan = tmp_path / "plan"
    sandbox.ship("plan", "dev", "--out", str(plan), TF_VAR_warm_up_minutes="7")
    sandbox.ship("apply", "dev", TF_VAR_warm_up_minutes="9")

    said = sandbox.refused("apply", "dev", "--plan", str(plan))

    assert "plan again" in said
    sandbox.ship("apply", "dev")
