"""A release that does not work is caught before users, or reverted; it never stays."""

import json

import pytest
from botocore.exceptions import ClientError

from ship.environments.alerts import Message, send
from tests.e2e.faults.conftest import nightly
from tests.e2e.faults.told import Told
from tests.e2e.sandbox import Sandbox, probing

CRASHES = "app = None\nraise RuntimeError('no database')\n"
ADAPTER = "infrastructure/lambda_adapter/handler.py"
BROKEN = {
    "is no WSGI application": ("backend/wsgi.py", "app = 7\n", "is not callable but int"),
    "hangs while it is imported": (
        "backend/wsgi.py",
        "import time\n\napp = 7\ntime.sleep(600)\n",
        "the application does not start in time",
    ),
    "hangs": (
        ADAPTER,
        "import time\n\n\ndef handler(event, context):\n    time.sleep(600)\n",
        "Task timed out after",
    ),
    "answers no object": (
        ADAPTER,
        "def handler(event, context):\n    return 'fine'\n",
        "answered with b'\"fine\"'",
    ),
    "is another release": (
        ADAPTER,
        """
def handler(event, context):
    body = '{"release": "20200101-1-0000000", "status": "ok"}'
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}
""",
        "is release 20200101-1-0000000, not",
    ),
}


def test_a_release_that_crashes_reaches_no_user_and_is_refused_the_second_time(
    sandbox: Sandbox, told: Told
) -> None:
    (sandbox.root / "backend/wsgi.py").write_text(CRASHES)
    before = sandbox.status("dev")
    live = before["release"]

    with probing(before) as probe:
        said = sandbox.refused("deploy", "dev", status=3)

    assert "no database" in said, "the trace of the import is in the message"
    assert "wsgi" in said
    assert sandbox.served("dev") == (live,) * 3
    assert probe.releases("api") == probe.releases("site") == {live}
    after = sandbox.status("dev")
    assert (after["release"], after["operation"]) == (live, None)
    assert len(after["bad"]) == len(before["bad"]) + 1
    assert "is marked bad" in sandbox.refused("deploy", "dev")
    release = (after["bad"].keys() - before["bad"].keys()).pop()
    subject = f"corner-shop dev: deploy of {release} failed and was reverted"
    assert told.chat[-1].startswith(f"{subject}\nWhy: version "), told.chat
    assert f"{live} is live in dev as before; see `ship logs dev`" in told.chat[-1]
    assert "no database" not in told.chat[-1], "what an application says may be a secret"
    assert told.topic[-1] == {"Subject": subject, "Message": told.chat[-1]}


def test_people_are_told_of_a_rollback_an_alarm_and_drift(sandbox: Sandbox, told: Told) -> None:
    """The rollback is the one at the beginning of this dev's past."""
    drift = Message("drift: 2 differences", "", "undo them")
    send(sandbox.context, "dev", drift, as_reader=True)
    alarm = {"AlarmName": "corner-shop-dev-errors", "StateReason": "a test"}
    told.cloudwatch.set_alarm_state(**alarm, StateValue="ALARM")

    messages = {one["Subject"]: one["Message"] for one in told.topic}
    first = [entry for entry in sandbox.history("dev") if entry["event"] == "rolled back"][-1]
    subject = f"corner-shop dev: {first['previous']} was rolled back to {first['release']}"
    rollback = messages[subject]
    assert "\nWhy: a bad idea\nWhat to do: " in rollback
    assert told.chat[0] == rollback
    (fired,) = (text for subject, text in messages.items() if subject.startswith("ALARM"))
    description = json.loads(fired)["AlarmDescription"]
    assert "See `ship logs dev`." in description, messages
    assert "`ship status dev` names the live release" in description
    subject = "corner-shop dev: drift: 2 differences"
    assert messages[subject].startswith(f"{subject}\nWhat to do: undo them\nBy ")


def test_no_other_environments_role_tells_people_of_dev(sandbox: Sandbox, told: Told) -> None:
    with pytest.raises(ClientError) as raised:
        sandbox.client("sns", "staging").publish(TopicArn=told.topic_arn, Message="x")

    assert raised.value.response["Error"]["Code"] == "AuthorizationError"


@pytest.mark.parametrize("fault", nightly(*BROKEN))
def test_a_version_that_fails_its_pre_traffic_check_reaches_no_user(
    sandbox: Sandbox, fault: str
) -> None:
    path, text, expected = BROKEN[fault]
    (sandbox.root / path).write_text(text)
    before = sandbox.status("dev")

    assert expected in sandbox.refused("deploy", "dev", status=3)

    after = sandbox.status("dev")
    assert (after["release"], after["operation"]) == (before["release"], None)
    assert sandbox.served("dev") == (before["release"],) * 3
    assert len(after["bad"]) == len(before["bad"]) + 1


def test_what_only_the_smoke_tests_find_is_reverted_with_its_pages(sandbox: Sandbox) -> None:
    """An address that the owner listed answers before traffic, and to users it does not."""
    application = sandbox.root / "backend/wsgi.py"
    application.write_text(
        f"from flask import request\n{application.read_text()}\n\n"
        "@app.before_request\ndef fail():\n"
        '    return None if request.user_agent.string == "ship" else ("broken", 500)\n'
    )
    sandbox.edit("a page that goes with it")
    before = sandbox.status("dev")

    said = sandbox.refused("deploy", "dev", status=3)

    assert "/api/hello" in said
    assert "500" in said
    assert sandbox.served("dev") == (before["release"],) * 3
    assert sandbox.history("dev")[0]["event"] == "reverted"


def test_a_release_can_be_marked_and_pinned_and_an_environment_frozen(sandbox: Sandbox) -> None:
    candidate = sandbox.status("dev")["rollback_candidates"][0]

    sandbox.ship("pin", "dev", candidate, "--reason", "known to be good")
    sandbox.ship("freeze", "dev", "--reason", "a holiday")
    sandbox.ship("mark", "dev", candidate, "--bad", "--reason", "slow")
    status = sandbox.status("dev")
    assert status["pinned"] == [candidate]
    assert status["frozen"]["reason"] == "a holiday"
    assert candidate not in status["rollback_candidates"]

    sandbox.ship("pin", "dev", candidate, "--remove")
    sandbox.ship("unfreeze", "dev", "--reason", "back at work")
    sandbox.ship("mark", "dev", candidate, "--good", "--reason", "not so slow")
    status = sandbox.status("dev")
    assert (status["pinned"], status["frozen"]) == ([], None)
    assert candidate in status["rollback_candidates"]
