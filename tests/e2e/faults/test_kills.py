"""Killed with SIGKILL after any step: the next run finds out, and finishes or puts back."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.e2e.sandbox import Sandbox

pytestmark = pytest.mark.journey

BEFORE_USERS = ("preflight", "publish", "version", "try")


@pytest.fixture(autouse=True)
def clean(sandbox: Sandbox) -> Iterator[None]:
    sandbox.clean()
    yield
    sandbox.clean()


def killed_after(sandbox: Sandbox, step: str, *arguments: str, number: int = signal.SIGKILL) -> int:
    """Run a command and end it as soon as it has told that a step is done."""
    process = sandbox.start(*arguments)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(f"✓ {step} "):
            process.send_signal(number)
            break
    process.communicate(timeout=60)
    return process.returncode


@pytest.mark.parametrize("step", [*BEFORE_USERS, "shift", "show", "smoke", "sweep"])
def test_a_killed_deploy_is_put_back_by_the_next_run(sandbox: Sandbox, step: str) -> None:
    sandbox.edit(f"killed after {step}")
    before = sandbox.status("dev")

    assert killed_after(sandbox, step, "deploy", "dev") == -signal.SIGKILL
    sandbox.ship("repair", "dev")

    after = sandbox.status("dev")
    assert after["operation"] is None
    assert after["release"] == before["release"]
    assert sandbox.seen("dev") == (before["release"],) * 3


def test_the_same_deploy_goes_through_after_it_was_killed(sandbox: Sandbox) -> None:
    sandbox.edit("killed once")
    killed_after(sandbox, "shift", "deploy", "dev")

    sandbox.ship("deploy", "dev")

    status = sandbox.status("dev")
    assert "-dirty-" in status["release"]
    assert sandbox.seen("dev") == (status["release"],) * 3
    events = [entry["event"] for entry in sandbox.history("dev")][:4]
    assert events == ["live", "deploy started", "repaired", "deploy started"]


@pytest.mark.parametrize("step", ["try", "shift", "show", "smoke"])
def test_a_killed_rollback_is_finished_by_the_next_run(sandbox: Sandbox, step: str) -> None:
    sandbox.edit(f"to be left behind after {step}")
    sandbox.ship("deploy", "dev")
    before = sandbox.status("dev")

    assert killed_after(sandbox, step, "rollback", "dev", "--reason", "x") == -signal.SIGKILL
    sandbox.ship("repair", "dev")

    after = sandbox.status("dev")
    assert after["release"] == before["previous"]
    assert before["release"] in after["bad"]
    assert after["frozen"]
    assert sandbox.seen("dev") == (before["previous"],) * 3


def test_what_fails_after_a_killed_rollback_goes_back_to_where_that_went(sandbox: Sandbox) -> None:
    sandbox.edit("bad, and rolled back by a run that dies")
    sandbox.ship("deploy", "dev")
    good = sandbox.status("dev")["previous"]
    killed_after(sandbox, "try", "rollback", "dev", "--reason", "x")
    (sandbox.root / "backend/handler.py").write_text("raise RuntimeError\n")

    sandbox.refused("deploy", "dev", status=3)

    assert sandbox.status("dev")["release"] == good
    assert sandbox.seen("dev") == (good,) * 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_deploy_puts_back_by_itself(sandbox: Sandbox, number: int) -> None:
    sandbox.edit(f"interrupted by {number}")
    before = sandbox.status("dev")

    status = killed_after(sandbox, "show", "deploy", "dev", number=number)

    assert status == 3
    after = sandbox.status("dev")
    assert (after["release"], after["operation"]) == (before["release"], None)
    assert after["bad"] == before["bad"], "a release is not bad because its run was cancelled"
    assert sandbox.seen("dev") == (before["release"],) * 3


def test_a_lock_that_is_held_is_respected_and_a_wrong_name_does_not_open_it(
    sandbox: Sandbox,
) -> None:
    sandbox.edit("held")
    process = sandbox.start("deploy", "dev")
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("✓ publish"):
            process.send_signal(signal.SIGSTOP)
            break
    try:
        said = sandbox.refused("deploy", "dev")
        assert "dev is locked by deploy" in said
        assert "is locked by" in sandbox.refused("rollback", "dev", "--reason", "x")
        assert "held by local:" in sandbox.refused("unlock", "dev", "--run", "local:elsewhere:x")
        assert sandbox.status("dev")["operation"]["kind"] == "deploy"
    finally:
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_run_that_ended_on_another_machine_is_unlocked_by_its_name(sandbox: Sandbox) -> None:
    sandbox.edit("on another machine")
    before = sandbox.status("dev")["release"]
    killed_after(sandbox, "shift", "deploy", "dev")
    owner = sandbox.status("dev")["operation"]["owner"]["run"]

    sandbox.ship("unlock", "dev", "--run", owner)

    assert sandbox.status("dev")["release"] == before
    assert sandbox.seen("dev") == (before,) * 3
    assert "is not locked" in sandbox.refused("unlock", "dev", "--run", owner)
