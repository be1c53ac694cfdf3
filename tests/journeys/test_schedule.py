"""What the schedule's one event does in an environment: through its own role and its own alias."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.world import World

pytestmark = pytest.mark.journey

FUNCTION = "serverless-flask-dev"


def order(world: World) -> dict[str, Any]:
    """The event that Terraform gave the rule, whose next turn may be minutes away."""
    rules = world.client("events", "dev")
    (target,) = rules.list_targets_by_rule(Rule=f"{FUNCTION}-warm-up")["Targets"]
    assert target["Arn"].endswith(f":{FUNCTION}:live")
    event: dict[str, Any] = json.loads(target["Input"])
    return event


def sent(world: World, event: dict[str, Any]) -> dict[str, Any]:
    """What the live version answers to it."""
    answer = world.client("lambda", "dev").invoke(
        FunctionName=FUNCTION, Qualifier="live", Payload=json.dumps(event)
    )
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    return found


def test_the_event_of_the_schedule_finds_the_site_available(world: World) -> None:
    event = order(world)

    assert event["detail"] == {"environments": 1, "address": world.status("dev")["site_url"]}
    assert sent(world, event) == {
        "status": "warm",
        "environments": 1,
        "available": 1,
        "faults": [],
    }


def test_asked_for_three_it_keeps_three_environments_at_work_at_once(world: World) -> None:
    event = order(world)
    event["detail"]["environments"] = 3

    for _ in range(2):
        assert sent(world, event)["environments"] == 3


def test_an_address_that_nobody_answers_at_is_not_available(world: World) -> None:
    event = order(world)
    event["detail"]["address"] = "http://127.0.0.1:9"

    answer = sent(world, event)

    assert answer["available"] == 0
    assert "did not answer (ConnectionRefusedError)" in answer["faults"][0]
