"""From a clean checkout to three live environments and back; each test goes on from the last."""

import os
import re
import signal
import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator import EmulatorError
from tests.e2e.sandbox import ENVIRONMENTS, Sandbox, probing

KEYS = {
    "environment",
    "release",
    "previous",
    "commit",
    "function_version",
    "api_url",
    "site_url",
    "frozen",
}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_up_makes_one_release_live_at_every_endpoint(sandbox: Sandbox, environment: str) -> None:
    status = sandbox.json("status", environment)

    assert status.keys() >= KEYS
    assert status["environment"] == environment
    assert sandbox.served(environment) == (status["release"],) * 3
    assert status["release"] == sandbox.status("dev")["release"]
    assert "-dirty-" not in status["release"]
    assert status["frozen"] is None


ESCAPE = """
import boto3, json, os
from botocore.exceptions import ClientError
event = {"lambda_adapter.command": {"arguments": ["python", "-c", "0"], "id": "escape"}}
asked = {"FunctionName": os.environ["AWS_LAMBDA_FUNCTION_NAME"], "Payload": json.dumps(event)}
for qualifier in ("live", os.environ["AWS_LAMBDA_FUNCTION_VERSION"]):
    try:
        answer = boto3.client("lambda").invoke(Qualifier=qualifier, **asked)
        print(json.loads(answer["Payload"].read())["errorMessage"])
    except ClientError as error:
        print(error.response["Error"]["Code"])
"""


def test_up_again_changes_nothing(sandbox: Sandbox) -> None:
    before = {name: sandbox.history(name) for name in ENVIRONMENTS}

    done = sandbox.call("up")

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("0 added, 0 changed, 0 destroyed") == 1 + len(ENVIRONMENTS)
    assert {name: sandbox.history(name) for name in ENVIRONMENTS} == before


def test_root_credentials_are_withdrawn_and_needed_no_more(sandbox: Sandbox) -> None:
    """Everything below this line works without them."""
    found = sandbox.context.emulator
    root = found.root()
    iam = boto3.client(
        "iam",
        endpoint_url=sandbox.endpoint,
        region_name=sandbox.project.region,
        aws_access_key_id=root.access_key_id,
        aws_secret_access_key=root.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )
    assert iam.list_roles()["Roles"]

    found.withdraw_root()

    with pytest.raises(ClientError):
        iam.list_roles()
    with pytest.raises(EmulatorError):
        found.root()


def test_a_changed_line_goes_live_in_dev_and_no_request_fails(sandbox: Sandbox) -> None:
    sandbox.edit("a changed line")
    before = sandbox.status("dev")

    with probing(before) as probe:
        outcome = sandbox.json("deploy", "dev", "--reason", "trying a line")
        time.sleep(0.3)

    after = sandbox.status("dev")
    assert after["release"] == outcome["release"] != before["release"]
    assert "-dirty-" in after["release"]
    assert after["previous"] == before["release"]
    assert sandbox.served("dev") == (after["release"],) * 3
    for endpoint in ("api", "site"):
        assert probe.releases(endpoint) == {before["release"], after["release"]}


def test_an_uncommitted_release_goes_no_further(sandbox: Sandbox) -> None:
    assert "uncommitted" in sandbox.refused("promote", "dev", "staging")
    for name in ENVIRONMENTS[1:]:
        assert "uncommitted" in sandbox.refused("deploy", name)
    assert "-dirty-" not in sandbox.status("staging")["release"]


def test_a_commit_goes_from_dev_to_staging_and_production_byte_for_byte(sandbox: Sandbox) -> None:
    sandbox.edit("a committed line")
    sandbox.commit("A committed line")
    sandbox.ship("deploy", "dev")
    before = sandbox.status("production")

    sandbox.ship("promote", "dev", "staging")
    with probing(before) as probe:
        sandbox.ship("promote", "staging", "production", "--reason", "the journey")

    release = sandbox.status("dev")["release"]
    for name in ENVIRONMENTS:
        assert sandbox.served(name) == (release,) * 3
    assert probe.releases("api") == {before["release"], release}
    assert sandbox.history("production")[0]["reason"] == "the journey"


def test_a_rollback_brings_back_code_and_pages_and_no_request_fails(sandbox: Sandbox) -> None:
    before = sandbox.status("dev")

    with probing(before) as probe:
        outcome = sandbox.json("rollback", "dev", "--reason", "it is worse")
        time.sleep(0.3)

    after = sandbox.status("dev")
    assert after["release"] == outcome["release"] == before["previous"]
    assert sandbox.served("dev") == (after["release"],) * 3
    assert probe.releases("site") == {before["release"], after["release"]}
    assert after["bad"] == {before["release"]: "it is worse"}
    assert after["frozen"]["reason"] == "it is worse"


def test_terraform_has_nothing_to_change_after_deploys_and_a_rollback(sandbox: Sandbox) -> None:
    assert not any(sandbox.plans().values())


def test_a_bad_release_does_not_come_back(sandbox: Sandbox) -> None:
    before = sandbox.status("dev")

    assert "is marked bad" in sandbox.refused("deploy", "dev")
    assert sandbox.status("dev") == before


def test_a_frozen_environment_takes_no_automatic_deploy(sandbox: Sandbox) -> None:
    sandbox.edit("another line")
    sandbox.commit("Another line")
    run = {"GITHUB_EVENT_NAME": "push", "GITHUB_RUN_ID": "1"}

    said = sandbox.refused("deploy", "dev", variables=run | sandbox.variables("dev"))

    assert "is frozen since" in said
    assert "ship unfreeze dev" in said


def test_a_person_may_deploy_what_is_not_bad_and_lifts_the_freeze(sandbox: Sandbox) -> None:
    sandbox.ship("deploy", "dev")

    status = sandbox.status("dev")
    assert status["frozen"] is None
    assert sandbox.served("dev") == (status["release"],) * 3


def test_the_history_has_every_operation_in_order(sandbox: Sandbox) -> None:
    events = [entry["event"] for entry in reversed(sandbox.json("history", "dev"))]

    assert events[:6] == [
        "deploy started",
        "live",
        "deploy started",
        "live",
        "deploy started",
        "live",
    ]
    assert events[6:] == ["rollback started", "rolled back", "deploy started", "live"]


def test_logs_are_json_one_line_an_event(sandbox: Sandbox) -> None:
    lines = sandbox.ship("logs", "dev", "--minutes", "60").splitlines()

    assert any('"route"' in line or '"path"' in line for line in lines), lines[-5:]
    assert all(re.match(r"[{A-Z]", line) for line in lines), lines


def test_smoke_tests_can_be_run_by_themselves(sandbox: Sandbox) -> None:
    assert sandbox.json("smoke", "production")["release"] == sandbox.status("production")["release"]


def test_memory_goes_live_with_the_next_deploy_and_back_with_a_rollback(sandbox: Sandbox) -> None:
    pending = "live with the next deploy or restart: memory 512 → 1024 MB"
    settings = sandbox.root / "infrastructure/stack/memory.auto.tfvars"
    settings.write_text("function_memory_megabytes = 1024\n")

    applied = sandbox.ship("apply", "dev")
    drift = sandbox.call("drift", "dev")
    plan = sandbox.json("plan", "dev")
    status = sandbox.status("dev")["pending_configuration"]
    sandbox.edit("a line that needs memory")
    deployed = sandbox.ship("deploy", "dev")
    live = sandbox.status("dev")["pending_configuration"]
    back = sandbox.ship("rollback", "dev", "--reason", "it is slow")

    assert pending in applied
    assert (drift.returncode, pending in drift.stdout) == (0, True)
    assert (plan["changes"], pending in plan["pending"]) == (False, True)
    assert (status, live) == ("memory 512 → 1024 MB", "")
    assert "live with it: memory 512 → 1024 MB" in deployed
    assert "live with it: memory 1024 → 512 MB" in back
    assert sandbox.status("dev")["pending_configuration"] == status
    assert [entry["configuration"] for entry in sandbox.history("dev")[:4]] == [
        *("memory 1024 → 512 MB", "", "memory 512 → 1024 MB", ""),
    ]


def test_a_command_runs_where_the_application_does_and_in_a_release_that_is_not_live(
    sandbox: Sandbox,
) -> None:
    live = sandbox.status("dev")["release"]
    script = "import os; print(os.environ['ENVIRONMENT'], len(os.environ['SECRET_KEY']))"
    assert sandbox.ship("run", "dev", "--", "python", "-c", script) == "dev 64\n"
    assert "/api/items" in sandbox.ship("run", "dev", "--", "flask", "routes")
    failed = sandbox.call("run", "dev", "--", "flask", "no-such")
    assert (failed.returncode, "No such command" in failed.stdout) == (2, True)

    sandbox.edit("not live yet")
    release = sandbox.json("build")["release"]
    show = ("--", "python", "-c", "import note; print(note.__doc__)")
    assert sandbox.ship("run", "dev", "--release", release, *show) == "not live yet\n"

    assert "uncommitted" in sandbox.refused("run", "staging", "--release", release, *show)
    assert sandbox.served("dev") == (live,) * 3
    assert sandbox.status("dev")["operation"] is None
    sandbox.clean()


@pytest.mark.nightly
def test_a_command_is_followed_while_it_runs_and_goes_on_when_nobody_waits(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    waiting = ("python", "-c", f"print('waits'); print(open({str(fifo)!r}).read())")

    followed = sandbox.start("run", "dev", "--", *waiting)
    assert followed.stdout is not None
    assert followed.stdout.readline() == "waits\n", "before its end, which waits for the test"
    fifo.write_text("goes on")
    assert followed.communicate()[0] == "goes on\n"
    assert followed.returncode == 0

    left = sandbox.start("run", "dev", "--", *waiting)
    assert left.stdout is not None
    assert left.stdout.readline() == "waits\n"
    left.send_signal(signal.SIGINT)
    _, said = left.communicate()
    fifo.write_text("nobody waits")
    assert left.returncode == 130
    assert "goes on in dev, for 10 s at most" in said

    whole = sandbox.ship("run", "dev", "--", "python", "-c", "print('0123456789' * 700_000)")
    assert whole == "0123456789" * 700_000 + "\n", "more than the 6 MB of an answer"

    newest = [entry for entry in sandbox.history("dev") if entry["event"] == "ran"]
    ends = [entry["reason"].rpartition("`: ")[2].partition(" (")[0] for entry in newest[:3]]
    assert ends == ["status 0", "interrupted", "status 0"]


def test_the_function_itself_runs_no_commands(sandbox: Sandbox) -> None:
    """It may invoke its own alias, for the warm-up, and nothing else."""
    alias, version = sandbox.ship("run", "dev", "--", "python", "-c", ESCAPE).splitlines()

    assert "never through an alias" in alias
    assert version == "AccessDeniedException"
