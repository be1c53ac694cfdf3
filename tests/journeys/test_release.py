"""From a clean checkout to three live environments and back; each test goes on from the last."""

from __future__ import annotations

import re
import time

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from ship.emulator import Emulator, EmulatorFault
from ship.toolchain import find
from tests.world import ENVIRONMENTS, World, visiting

pytestmark = pytest.mark.journey

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


def emulator(world: World) -> Emulator:
    tools = find(world.root)
    return Emulator(world.root / ".ship/emulator", tools.emulator_python, world.port)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_up_makes_one_release_live_at_every_door(world: World, environment: str) -> None:
    status = world.json("status", environment)

    assert status.keys() >= KEYS
    assert status["environment"] == environment
    assert world.seen(environment) == (status["release"],) * 3
    assert status["release"] == world.status("dev")["release"]
    assert "-dirty-" not in status["release"]
    assert status["frozen"] is None


def test_up_again_changes_nothing(world: World) -> None:
    before = {name: world.history(name) for name in ENVIRONMENTS}

    done = world.call("up")

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("0 added, 0 changed, 0 destroyed") == 1 + len(ENVIRONMENTS)
    assert {name: world.history(name) for name in ENVIRONMENTS} == before


def test_terraform_has_nothing_to_change_after_up(world: World) -> None:
    assert not any(world.plans().values())


def test_root_credentials_are_withdrawn_and_needed_no_more(world: World) -> None:
    """Everything below this line works without them."""
    found = emulator(world)
    root = found.root()
    iam = boto3.client(
        "iam",
        endpoint_url=f"http://127.0.0.1:{world.port}",
        region_name="eu-central-1",
        aws_access_key_id=root.access_key_id,
        aws_secret_access_key=root.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )
    assert iam.list_roles()["Roles"]

    found.withdraw_root()

    with pytest.raises(ClientError):
        iam.list_roles()
    with pytest.raises(EmulatorFault):
        found.root()


def test_a_changed_line_goes_live_in_dev_and_no_request_fails(world: World) -> None:
    world.edit("a changed line")
    before = world.status("dev")

    with visiting(before) as visits:
        outcome = world.json("deploy", "dev", "--reason", "trying a line")
        time.sleep(0.3)

    after = world.status("dev")
    assert after["release"] == outcome["release"] != before["release"]
    assert "-dirty-" in after["release"]
    assert after["previous"] == before["release"]
    assert world.seen("dev") == (after["release"],) * 3
    for door in ("api", "site"):
        assert visits.releases(door) == {before["release"], after["release"]}


def test_terraform_has_nothing_to_change_after_a_deploy(world: World) -> None:
    assert not any(world.plans().values())


def test_an_uncommitted_release_goes_no_further(world: World) -> None:
    assert "uncommitted" in world.refused("promote", "dev", "staging")
    for name in ENVIRONMENTS[1:]:
        assert "uncommitted" in world.refused("deploy", name)
    assert "-dirty-" not in world.status("staging")["release"]


def test_a_commit_goes_from_dev_to_staging_and_production_byte_for_byte(world: World) -> None:
    world.edit("a committed line")
    world.commit("A committed line")
    world.ship("deploy", "dev")
    before = world.status("production")

    world.ship("promote", "dev", "staging")
    with visiting(before) as visits:
        world.ship("promote", "staging", "production", "--reason", "the journey")

    release = world.status("dev")["release"]
    for name in ENVIRONMENTS:
        assert world.seen(name) == (release,) * 3
    assert visits.releases("api") == {before["release"], release}
    assert world.history("production")[0]["reason"] == "the journey"


def test_a_rollback_brings_back_code_and_pages_and_no_request_fails(world: World) -> None:
    before = world.status("dev")

    with visiting(before) as visits:
        outcome = world.json("rollback", "dev", "--reason", "it is worse")
        time.sleep(0.3)

    after = world.status("dev")
    assert after["release"] == outcome["release"] == before["previous"]
    assert world.seen("dev") == (after["release"],) * 3
    assert visits.releases("site") == {before["release"], after["release"]}
    assert after["bad"] == {before["release"]: "it is worse"}
    assert after["frozen"]["reason"] == "it is worse"


def test_terraform_has_nothing_to_change_after_a_rollback(world: World) -> None:
    assert not any(world.plans().values())


def test_a_bad_release_does_not_come_back(world: World) -> None:
    before = world.status("dev")

    assert "is marked bad" in world.refused("deploy", "dev")
    assert world.status("dev") == before


def test_a_frozen_environment_takes_no_automatic_deploy(world: World) -> None:
    world.edit("another line")
    world.commit("Another line")
    run = {"GITHUB_EVENT_NAME": "push", "GITHUB_RUN_ID": "1"}

    said = world.refused("deploy", "dev", variables=run | world.variables("dev"))

    assert "is frozen since" in said
    assert "ship unfreeze dev" in said


def test_a_person_may_deploy_what_is_not_bad_and_lifts_the_freeze(world: World) -> None:
    world.ship("deploy", "dev")

    status = world.status("dev")
    assert status["frozen"] is None
    assert world.seen("dev") == (status["release"],) * 3


def test_every_asset_of_the_last_releases_is_still_there(world: World) -> None:
    status = world.status("dev")
    releases = [status["release"], *status["candidates"], *status["bad"]]
    assert len(releases) >= 3
    asked = 0
    for release in releases:
        for name in assets(world, release):
            answer = httpx.get(f"{status['site_url']}/{name}", trust_env=False)
            assert answer.status_code == 200, name
            assert "immutable" in answer.headers["cache-control"]
            asked += 1
    assert asked >= len(releases)


def test_the_ledger_tells_the_story(world: World) -> None:
    events = [entry["event"] for entry in reversed(world.json("history", "dev"))]

    assert events[:6] == [
        "deploy started",
        "live",
        "deploy started",
        "live",
        "deploy started",
        "live",
    ]
    assert events[6:] == ["rollback started", "rolled back", "deploy started", "live"]


def test_logs_are_json_one_line_an_event(world: World) -> None:
    lines = world.ship("logs", "dev", "--minutes", "60").splitlines()

    assert any('"route"' in line or '"path"' in line for line in lines), lines[-5:]
    assert all(re.match(r"[{A-Z]", line) for line in lines), lines


def test_smoke_tests_can_be_run_by_themselves(world: World) -> None:
    assert world.json("smoke", "production")["release"] == world.status("production")["release"]


def assets(world: World, release: str) -> list[str]:
    """The assets of a stored release."""
    manifest = artifact(world, "dev", f"releases/{release}/manifest.json")
    return [path.removeprefix("web/") for path in re.findall(r'"(web/assets/[^"]+)"', manifest)]


def artifact(world: World, environment: str, key: str) -> str:
    bucket = f"serverless-flask-{environment}-artifacts-000000000000"
    answer = world.client("s3", environment).get_object(Bucket=bucket, Key=key)
    return str(answer["Body"].read().decode())
