"""Killed with SIGKILL after any step: the next run finds out, and finishes or reverts.

`tests/ship/release/test_engine.py` has a deploy and a rollback die at every call to AWS.
"""

import signal
import subprocess

import pytest

from tests.e2e.faults.conftest import nightly
from tests.e2e.sandbox import Sandbox


def signal_after(
    sandbox: Sandbox, step: str, *arguments: str, number: int
) -> subprocess.Popen[str]:
    """Start a command and send it a signal as soon as it prints that a step is done."""
    process = sandbox.start(*arguments)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(f"✓ {step} "):
            process.send_signal(number)
            break
    return process


def end_after(sandbox: Sandbox, step: str, *arguments: str, number: int = signal.SIGKILL) -> int:
    """End a command after a step, and return its exit status."""
    process = signal_after(sandbox, step, *arguments, number=number)
    process.communicate(timeout=60)
    return process.returncode


@pytest.mark.parametrize(
    "step",
    [
        "shift",
        *nightly("preflight", "publish", "version", "pre-traffic check", "publish pages"),
        *nightly("smoke", "prune"),
    ],
)
def test_a_killed_deploy_is_reverted_by_the_next_run(sandbox: Sandbox, step: str) -> None:
    sandbox.edit(f"killed after {step}")
    before = sandbox.status("dev")

    assert end_after(sandbox, step, "deploy", "dev") == -signal.SIGKILL
    assert "`ship repair dev`" in sandbox.call("doctor").stdout
    sandbox.ship("repair", "dev")
    assert sandbox.ship("doctor") == "nothing is wrong\n"

    after = sandbox.status("dev")
    assert after["operation"] is None
    assert after["release"] == before["release"]
    assert sandbox.served("dev") == (before["release"],) * 3


@pytest.mark.parametrize("step", ["shift", *nightly("pre-traffic check", "publish pages", "smoke")])
def test_a_killed_rollback_is_finished_by_the_next_run(sandbox: Sandbox, step: str) -> None:
    sandbox.edit(f"to be left behind after {step}")
    sandbox.ship("deploy", "dev")
    before = sandbox.status("dev")

    assert end_after(sandbox, step, "rollback", "dev", "--reason", "x") == -signal.SIGKILL
    sandbox.ship("repair", "dev")

    after = sandbox.status("dev")
    assert after["release"] == before["previous"]
    assert before["release"] in after["bad"]
    assert after["frozen"]
    assert sandbox.served("dev") == (before["previous"],) * 3


@pytest.mark.parametrize("number", [signal.SIGINT, *nightly(signal.SIGTERM)])
def test_an_interrupted_deploy_reverts_by_itself(sandbox: Sandbox, number: int) -> None:
    sandbox.edit(f"interrupted by {number}")
    before = sandbox.status("dev")

    assert end_after(sandbox, "publish pages", "deploy", "dev", number=number) == 3

    after = sandbox.status("dev")
    assert (after["release"], after["operation"]) == (before["release"], None)
    assert after["bad"] == before["bad"], "a release is not bad because its run was cancelled"
    assert sandbox.served("dev") == (before["release"],) * 3


def test_a_lock_that_is_held_is_respected_until_its_run_has_ended(sandbox: Sandbox) -> None:
    sandbox.edit("held")
    before = sandbox.status("dev")["release"]
    process = signal_after(sandbox, "shift", "deploy", "dev", number=signal.SIGSTOP)
    try:
        assert "dev is locked by deploy" in sandbox.refused("deploy", "dev")
        assert "held by local:" in sandbox.refused("unlock", "dev", "--run", "local:elsewhere:x")
        operation = sandbox.status("dev")["operation"]
        assert operation["kind"] == "deploy"
    finally:
        process.kill()
        process.communicate(timeout=60)

    owner = operation["owner"]["run"]
    sandbox.ship("unlock", "dev", "--run", owner)

    assert sandbox.status("dev")["release"] == before
    assert sandbox.served("dev") == (before,) * 3
    assert "is not locked" in sandbox.refused("unlock", "dev", "--run", owner)
