"""The end of the story: an emulator that stops and comes back, an environment that goes."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.world import World

pytestmark = pytest.mark.journey


def test_an_environment_can_be_destroyed_without_a_trace(world: World) -> None:
    """It was begun when nothing needed it any more."""
    world.begin_to_destroy("staging")
    done = world.destroyed()

    assert done.returncode == 0, done.stderr
    assert "has not been made" in world.refused("status", "staging")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        world.client("lambda", "staging").get_function(FunctionName="serverless-flask-staging")


def test_the_others_live_on(world: World) -> None:
    for name in ("dev", "production"):
        assert world.seen(name) == (world.status(name)["release"],) * 3


def test_the_emulator_stops_and_is_missed(world: World) -> None:
    world.ship("down")

    assert "no emulator answers" in world.refused("status", "production")
    assert "no emulator was running" in world.ship("down")
