"""A release that does not work is caught before users, or put back; it never stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.world import World, visiting

pytestmark = pytest.mark.journey

FAULTS = {
    "crashes at import": "raise RuntimeError('broken')\n",
    "answers 500": """
def handler(event, context):
    return {"statusCode": 500, "headers": {"content-type": "application/json"}, "body": "{}"}
""",
    "answers no object": "def handler(event, context):\n    return 'fine'\n",
    "answers no JSON": """
def handler(event, context):
    return {"statusCode": 200, "headers": {}, "body": "fine"}
""",
    "is another release": """
def handler(event, context):
    body = '{"release": "20200101-1-0000000", "status": "ok", "title": "x"}'
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}
""",
    "hangs": """
import time
def handler(event, context):
    time.sleep(600)
""",
}


@pytest.fixture(autouse=True)
def clean(world: World) -> Iterator[None]:
    world.clean()
    yield
    world.clean()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_version_that_fails_its_trial_reaches_no_user(world: World, fault: str) -> None:
    (world.root / "backend/handler.py").write_text(FAULTS[fault])
    before = world.status("dev")

    with visiting(before) as visits:
        said = world.refused("deploy", "dev", status=3)

    after = world.status("dev")
    assert "failed" in said
    assert after["release"] == before["release"]
    assert world.seen("dev") == (before["release"],) * 3
    assert visits.releases("api") == visits.releases("site") == {before["release"]}
    assert len(after["bad"]) == len(before["bad"]) + 1
    assert after["operation"] is None


def test_what_only_the_smoke_tests_find_is_put_back_with_its_pages(world: World) -> None:
    """It passes its trial, which speaks to the function alone, and fails behind the real door."""
    handler = world.root / "backend/handler.py"
    handler.write_text(
        handler.read_text()
        + """

_works = handler


def handler(event, context):
    if isinstance(event, dict) and "ship-trial" not in str(event):
        return {"statusCode": 502, "headers": {}, "body": "{}"}
    return _works(event, context)
"""
    )
    world.edit("a page that goes with it")
    before = world.status("dev")

    said = world.refused("deploy", "dev", status=3)

    assert "smoke test" in said
    assert world.seen("dev") == (before["release"],) * 3
    assert world.history("dev")[0]["event"] == "put back"
    assert not world.json("plan", "dev")["changes"]


def test_a_failed_release_is_refused_the_second_time(world: World) -> None:
    (world.root / "backend/handler.py").write_text(FAULTS["crashes at import"])

    assert "is marked bad" in world.refused("deploy", "dev")


def test_a_mark_that_was_wrong_can_be_taken_back(world: World) -> None:
    bad = next(reversed(world.status("dev")["bad"]))

    world.ship("mark", "dev", bad, "--good", "--reason", "it was the network")

    assert bad not in world.status("dev")["bad"]
    world.refused("mark", "dev", bad, "--good", "--reason", "again")


def test_a_live_release_can_be_marked_pinned_frozen_and_let_go(world: World) -> None:
    candidate = world.status("dev")["candidates"][0]

    world.ship("pin", "dev", candidate, "--reason", "known to be good")
    world.ship("freeze", "dev", "--reason", "a holiday")
    status = world.status("dev")
    assert status["pinned"] == [candidate]
    assert status["frozen"]["reason"] == "a holiday"

    world.ship("pin", "dev", candidate, "--remove")
    world.ship("unfreeze", "dev", "--reason", "back at work")
    world.ship("mark", "dev", candidate, "--bad", "--reason", "slow")
    status = world.status("dev")
    assert (status["pinned"], status["frozen"]) == ([], None)
    assert candidate not in status["candidates"]

    world.ship("mark", "dev", candidate, "--good", "--reason", "not so slow")
    world.refused("unfreeze", "dev", "--reason", "twice")
    world.refused("pin", "dev", "20200101-1-0000000", "--reason", "x")
    world.refused("mark", "dev", "20200101-1-0000000", "--bad", "--reason", "x")
