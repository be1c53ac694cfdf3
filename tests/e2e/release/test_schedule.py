"""What the schedule's one event does in an environment: through its own role and its own alias."""

import json
from typing import Any

from tests.e2e.sandbox import Sandbox


def order(sandbox: Sandbox) -> dict[str, Any]:
    """The event that Terraform gave the rule, whose next turn may be minutes away."""
    rules = sandbox.client("events", "dev")
    (target,) = rules.list_targets_by_rule(Rule=f"{sandbox.function('dev')}-warm-up")["Targets"]
    assert target["Arn"].endswith(f":{sandbox.function('dev')}:live")
    event: dict[str, Any] = json.loads(target["Input"])
    return event


def sent(sandbox: Sandbox, event: dict[str, Any]) -> dict[str, Any]:
    """What the live version answers to it."""
    answer = sandbox.client("lambda", "dev").invoke(
        FunctionName=sandbox.function("dev"), Qualifier="live", Payload=json.dumps(event)
    )
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    return found


def test_the_event_of_the_schedule_finds_the_site_available(sandbox: Sandbox) -> None:
    event = order(sandbox)

    assert event["detail"] == {"environments": 1, "site_url": sandbox.status("dev")["site_url"]}
    assert sent(sandbox, event) == {
        "status": "warm",
        "environments": 1,
        "available": 1,
        "problems": [],
    }


def test_asked_for_three_it_keeps_three_environments_at_work_at_once(sandbox: Sandbox) -> None:
    event = order(sandbox)
    event["detail"]["environments"] = 3

    for _ in range(2):
        assert sent(sandbox, event)["environments"] == 3


def test_an_address_that_nobody_answers_at_is_not_available(sandbox: Sandbox) -> None:
    event = order(sandbox)
    event["detail"]["site_url"] = "http://127.0.0.1:9"

    answer = sent(sandbox, event)

    assert answer["available"] == 0
    assert "did not answer (ConnectionRefusedError)" in answer["problems"][0]
