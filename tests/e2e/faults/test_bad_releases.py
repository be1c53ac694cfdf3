"""A release that does not work is caught before users, or put back; it never stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.sandbox import Sandbox, visiting

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
def clean(sandbox: Sandbox) -> Iterator[None]:
    sandbox.clean()
    yield
    sandbox.clean()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_version_that_fails_its_trial_reaches_no_user(sandbox: Sandbox, fault: str) -> None:
    (sandbox.root / "backend/handler.py").write_text(FAULTS[fault])
    before = sandbox.status("dev")

    with visiting(before) as visits:
        said = sandbox.refused("deploy", "dev", status=3)

    after = sandbox.status("dev")
    assert "failed" in said
    assert after["release"] == before["release"]
    assert sandbox.seen("dev") == (before["release"],) * 3
    assert visits.releases("api") == visits.releases("site") == {before["release"]}
    assert len(after["bad"]) == len(before["bad"]) + 1
    assert after["operation"] is None


def test_what_only_the_smoke_tests_find_is_put_back_with_its_pages(sandbox: Sandbox) -> None:
    """It passes its trial, which speaks to the function alone, and fails behind the real door."""
    handler = sandbox.root / "backend/handler.py"
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
    sandbox.edit("a page that goes with it")
    before = sandbox.status("dev")

    said = sandbox.refused("deploy", "dev", status=3)

    assert "smoke test" in said
    assert sandbox.seen("dev") == (before["release"],) * 3
    assert sandbox.history("dev")[0]["event"] == "reverted"
    assert not sandbox.json("plan", "dev")["changes"]


def test_a_failed_release_is_refused_the_second_time(sandbox: Sandbox) -> None:
    (sandbox.root / "backend/handler.py").write_text(FAULTS["crashes at import"])

    assert "is marked bad" in sandbox.refused("deploy", "dev")


def test_a_mark_that_was_wrong_can_be_taken_back(sandbox: Sandbox) -> None:
    bad = next(reversed(sandbox.status("dev")["bad"]))

    sandbox.ship("mark", "dev", bad, "--good", "--reason", "it was the network")

    assert bad not in sandbox.status("dev")["bad"]
    sandbox.refused("mark", "dev", bad, "--good", "--reason", "again")


def test_a_live_release_can_be_marked_pinned_frozen_and_let_go(sandbox: Sandbox) -> None:
    candidate = sandbox.status("dev")["rollback_candidates"][0]

    sandbox.ship("pin", "dev", candidate, "--reason", "known to be good")
    sandbox.ship("freeze", "dev", "--reason", "a holiday")
    status = sandbox.status("dev")
    assert status["pinned"] == [candidate]
    assert status["frozen"]["reason"] == "a holiday"

    sandbox.ship("pin", "dev", candidate, "--remove")
    sandbox.ship("unfreeze", "dev", "--reason", "back at work")
    sandbox.ship("mark", "dev", candidate, "--bad", "--reason", "slow")
    status = sandbox.status("dev")
    assert (status["pinned"], status["frozen"]) == ([], None)
    assert candidate not in status["rollback_candidates"]

    sandbox.ship("mark", "dev", candidate, "--good", "--reason", "not so slow")
    sandbox.refused("unfreeze", "dev", "--reason", "twice")
    sandbox.refused("pin", "dev", "20200101-1-0000000", "--reason", "x")
    sandbox.refused("mark", "dev", "20200101-1-0000000", "--bad", "--reason", "x")
