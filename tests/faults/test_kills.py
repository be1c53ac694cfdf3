"""Killed with SIGKILL after any step: the next run finds out, and finishes or puts back."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.world import World

pytestmark = pytest.mark.journey

BEFORE_USERS = ("preflight", "publish", "version", "try")


@pytest.fixture(autouse=True)
def clean(world: World) -> Iterator[None]:
    world.clean()
    yield
    world.clean()


def killed_after(world: World, step: str, *arguments: str, number: int = signal.SIGKILL) -> int:
    """Run a command and end it as soon as it has told that a step is done."""
    process = world.start(*arguments)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(f"✓ {step} "):
            process.send_signal(number)
            break
    process.communicate(timeout=60)
    return process.returncode


@pytest.mark.parametrize("step", [*BEFORE_USERS, "shift", "show", "smoke", "sweep"])
def test_a_killed_deploy_is_put_back_by_the_next_run(world: World, step: str) -> None:
    world.edit(f"killed after {step}")
    before = world.status("dev")

    assert killed_after(world, step, "deploy", "dev") == -signal.SIGKILL
    world.ship("repair", "dev")

    after = world.status("dev")
    assert after["operation"] is None
    assert after["release"] == before["release"]
    assert world.seen("dev") == (before["release"],) * 3


def test_the_same_deploy_goes_through_after_it_was_killed(world: World) -> None:
    world.edit("killed once")
    killed_after(world, "shift", "deploy", "dev")

    world.ship("deploy", "dev")

    status = world.status("dev")
    assert "-dirty-" in status["release"]
    assert world.seen("dev") == (status["release"],) * 3
    events = [entry["event"] for entry in world.history("dev")][:4]
    assert events == ["live", "deploy started", "repaired", "deploy started"]


@pytest.mark.parametrize("step", ["try", "shift", "show", "smoke"])
def test_a_killed_rollback_is_finished_by_the_next_run(world: World, step: str) -> None:
    world.edit(f"to be left behind after {step}")
    world.ship("deploy", "dev")
    before = world.status("dev")

    assert killed_after(world, step, "rollback", "dev", "--reason", "x") == -signal.SIGKILL
    world.ship("repair", "dev")

    after = world.status("dev")
    assert after["release"] == before["previous"]
    assert before["release"] in after["bad"]
    assert after["frozen"]
    assert world.seen("dev") == (before["previous"],) * 3


def test_what_fails_after_a_killed_rollback_goes_back_to_where_that_went(world: World) -> None:
    world.edit("bad, and rolled back by a run that dies")
    world.ship("deploy", "dev")
    good = world.status("dev")["previous"]
    killed_after(world, "try", "rollback", "dev", "--reason", "x")
    (world.root / "backend/handler.py").write_text("raise RuntimeError\n")

    world.refused("deploy", "dev", status=3)

    assert world.status("dev")["release"] == good
    assert world.seen("dev") == (good,) * 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_deploy_puts_back_by_itself(world: World, number: int) -> None:
    world.edit(f"interrupted by {number}")
    before = world.status("dev")

    status = killed_after(world, "show", "deploy", "dev", number=number)

    assert status == 3
    after = world.status("dev")
    assert (after["release"], after["operation"]) == (before["release"], None)
    assert after["bad"] == before["bad"], "a release is not bad because its run was cancelled"
    assert world.seen("dev") == (before["release"],) * 3


def test_a_lock_that_is_held_is_respected_and_a_wrong_name_does_not_open_it(
    world: World,
) -> None:
    world.edit("held")
    process = world.start("deploy", "dev")
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("✓ publish"):
            process.send_signal(signal.SIGSTOP)
            break
    try:
        said = world.refused("deploy", "dev")
        assert "dev is locked by deploy" in said
        assert "is locked by" in world.refused("rollback", "dev", "--reason", "x")
        assert "held by local:" in world.refused("unlock", "dev", "--run", "local:elsewhere:x")
        assert world.status("dev")["operation"]["kind"] == "deploy"
    finally:
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_run_that_ended_on_another_machine_is_unlocked_by_its_name(world: World) -> None:
    world.edit("on another machine")
    before = world.status("dev")["release"]
    killed_after(world, "shift", "deploy", "dev")
    owner = world.status("dev")["operation"]["owner"]["run"]

    world.ship("unlock", "dev", "--run", owner)

    assert world.status("dev")["release"] == before
    assert world.seen("dev") == (before,) * 3
    assert "is not locked" in world.refused("unlock", "dev", "--run", owner)
