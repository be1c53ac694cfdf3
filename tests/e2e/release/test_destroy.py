"""An environment that goes without a trace, and an emulator that stops."""

import pytest
from botocore.exceptions import ClientError

from tests.e2e.sandbox import Sandbox


def test_an_environment_can_be_destroyed_without_a_trace(sandbox: Sandbox) -> None:
    """It was begun when nothing needed it any more."""
    sandbox.begin_to_destroy("staging")
    done = sandbox.destroyed()

    assert done.returncode == 0, done.stderr
    assert "has not been made" in sandbox.refused("status", "staging")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        sandbox.client("lambda", "staging").get_function(FunctionName=sandbox.function("staging"))


def test_the_others_live_on(sandbox: Sandbox) -> None:
    for name in ("dev", "production"):
        assert sandbox.served(name) == (sandbox.status(name)["release"],) * 3


def test_the_emulator_stops_and_is_missed(sandbox: Sandbox) -> None:
    sandbox.ship("down")

    assert "is not running" in sandbox.refused("status", "production")
    assert "no emulator was running" in sandbox.ship("down")
