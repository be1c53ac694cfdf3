"""A machine dies in the middle of an apply: the next one records what was made, and goes on.

`tests/e2e/previews` has it for one number of resources, in a run of the workflow.
"""

import pytest

from tests.e2e.faults.conftest import nightly
from tests.e2e.sandbox import Sandbox
from tests.workflows.runner import kill_tree

ENVIRONMENT = "pr-7"


def kill_after(sandbox: Sandbox, resources: int, *arguments: str) -> None:
    """Kill a command and all that it has started, once it has made so many resources."""
    process = sandbox.start(*arguments)
    assert process.stderr is not None
    assert any(f"{resources} resources done" in line for line in process.stderr)
    kill_tree(process.pid)
    process.communicate(timeout=60)


@pytest.mark.parametrize("resources", nightly(10, 30, 40))
def test_a_killed_apply_is_finished_by_the_next_one(sandbox: Sandbox, resources: int) -> None:
    kill_after(sandbox, resources, "apply", ENVIRONMENT)

    done = sandbox.call("apply", ENVIRONMENT)

    assert done.returncode == 0, done.stderr
    assert "record what a dead run has made" in done.stderr
    assert not sandbox.json("plan", ENVIRONMENT)["changes"]
    sandbox.ship("destroy", ENVIRONMENT, "--yes", ENVIRONMENT)
