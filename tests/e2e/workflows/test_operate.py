"""Every action of the workflow Operate, by its real file, with what it changes.

The tests build on each other, in this order, on the emulator of the other journeys.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.sandbox import git
from tests.workflows.runner import Actions, Result

pytestmark = pytest.mark.nightly
Operate = Callable[..., Result]


@pytest.fixture
def operate(actions: Actions, record_property: Callable[[str, object], None]) -> Operate:
    """Press the button, and note after how many seconds its run was over."""

    def press(action: str, environment: str, **fields: str) -> Result:
        given = {"release": "", "until": "", "run": "", "reason": "on call"} | fields
        started = time.monotonic()
        result = actions.dispatch("operate.yml", action=action, environment=environment, **given)
        record_property(action, round(time.monotonic() - started, 1))
        return result

    return press


def status(actions: Actions, environment: str) -> dict[str, Any]:
    return actions.sandbox.status(environment)


def test_a_frozen_environment_gets_nothing_and_the_run_says_so(
    actions: Actions, operate: Operate
) -> None:
    before = {name: status(actions, name) for name in ("staging", "production")}

    done = operate("freeze", "staging", until="2126-12-24T18:00", reason="holidays")

    assert done.status == 0, done.text
    assert status(actions, "staging")["frozen"]["until"] == "2126-12-24T18:00:00Z"
    actions.sandbox.edit("while staging is frozen")
    actions.sandbox.commit("While staging is frozen")
    run = actions.push(git(actions.sandbox.root, "rev-parse", "main"))
    assert run.status == 0, run.text
    assert run.conclusion("live in staging", "Plan") in ("", "skipped")
    assert run.conclusion("live in staging", "Deploy and test") in ("", "skipped")
    assert run.conclusion("live in production") in ("", "skipped")
    (warning,) = (text for text in run.annotations if text.startswith("warning: "))
    assert "staging is frozen since " in warning
    assert "until 2126-12-24T18:00:00Z" in warning
    assert "### staging: nothing was deployed" in run.summary("live in staging")
    for name, found in before.items():
        assert status(actions, name)["release"] == found["release"]
    assert status(actions, "dev")["release"] != before["staging"]["release"]


def test_a_hotfix_skips_what_is_frozen_and_the_history_says_why(
    actions: Actions, operate: Operate
) -> None:
    wanted, before = status(actions, "dev")["release"], status(actions, "staging")["release"]

    done = operate("hotfix", "production", reason="payments fail")

    assert done.status == 0, done.text
    assert actions.sandbox.served("production") == (wanted,) * 3
    assert "### production: no change" in done.summary("Plan production")
    entry = actions.sandbox.history("production")[0]
    assert (entry["event"], entry["release"], entry["reason"]) == (
        "live",
        wanted,
        "hotfix: payments fail",
    )
    assert status(actions, "staging")["release"] == before
    prefix = actions.sandbox.project.subject.prefix
    assert [claims["sub"] for claims in actions.github.tokens[-3:]] == [
        *[f"{prefix}:ref:refs/heads/main"] * 2,
        f"{prefix}:environment:production",
    ]


def test_a_release_that_no_run_has_built_is_not_promoted(
    actions: Actions, operate: Operate
) -> None:
    actions.sandbox.edit("from a laptop")
    actions.sandbox.commit("From a laptop")
    actions.sandbox.ship("deploy", "dev")
    before = status(actions, "staging")["release"]

    done = operate("promote", "staging")

    assert done.status == 1
    assert done.conclusion("live in staging") in ("", "skipped")
    assert status(actions, "staging")["release"] == before


def test_a_release_older_than_the_newest_is_promoted(actions: Actions, operate: Operate) -> None:
    """A person asks for it: that also lifts the freeze."""
    wanted = status(actions, "production")["release"]
    assert status(actions, "dev")["release"] != wanted

    done = operate("promote", "staging", release=wanted)

    assert done.status == 0, done.text
    assert actions.sandbox.served("staging") == (wanted,) * 3
    assert status(actions, "staging")["frozen"] is None


def test_production_goes_back_and_the_release_is_marked_good_again(
    actions: Actions, operate: Operate
) -> None:
    bad, target = (status(actions, "production")[key] for key in ("release", "previous"))

    done = operate("rollback", "production", reason="a false alarm")

    assert done.status == 0, done.text
    assert actions.sandbox.served("production") == (target,) * 3
    assert status(actions, "production")["bad"] == {bad: "a false alarm"} | {
        key: value for key, value in status(actions, "production")["bad"].items() if key != bad
    }
    assert operate("unfreeze", "production").status == 0
    assert status(actions, "production")["frozen"] is None
    assert operate("mark-good", "production", release=bad).status == 0
    assert bad not in status(actions, "production")["bad"]
    assert operate("mark-bad", "production", release=bad).status == 0
    assert status(actions, "production")["bad"][bad] == "on call"


def test_a_release_is_pinned_and_unpinned(actions: Actions, operate: Operate) -> None:
    release = status(actions, "dev")["release"]

    assert operate("pin", "dev", release=release).status == 0
    assert status(actions, "dev")["pinned"] == [release]
    assert operate("unpin", "dev", release=release).status == 0
    assert status(actions, "dev")["pinned"] == []


def test_the_live_release_starts_again(actions: Actions, operate: Operate) -> None:
    before = status(actions, "dev")

    done = operate("restart", "dev")

    assert done.status == 0, done.text
    after = status(actions, "dev")
    assert after["release"] == before["release"]
    assert int(after["function_version"]) > int(before["function_version"])


def test_what_dead_runs_left_is_unlocked_and_repaired(actions: Actions, operate: Operate) -> None:
    sandbox = actions.sandbox
    assert operate("repair", "dev").status == 0
    dead = f"github:{sandbox.project.repository}:77:1"
    actions.github.finished[77] = 1
    lock = {"ID": "x", "Info": dead, "Who": "octocat", "Created": "2026-11-23T08:00:00Z"}
    where = {
        "Bucket": sandbox.context.state_bucket,
        "Key": "stack/dev/dev/terraform.tfstate.tflock",
    }
    s3 = actions.root_client("s3")
    s3.put_object(**where, Body=json.dumps(lock).encode())

    done = operate("unlock", "dev")

    assert done.status == 0, done.text
    listed = s3.list_objects_v2(Bucket=where["Bucket"], Prefix=where["Key"])
    assert listed["KeyCount"] == 0
    # There is nothing more to unlock.
    assert operate("unlock", "dev").status == 1


def test_no_action_takes_what_was_typed_for_a_command(actions: Actions, operate: Operate) -> None:
    before = {name: status(actions, name) for name in ("dev", "production")}

    done = operate(
        "pin",
        "dev",
        release="$(touch pwned)`touch pwned`",
        reason='"; touch pwned; "$(touch pwned)',
    )

    assert done.status == 1
    assert "is not stored in dev" in done.text
    assert {name: status(actions, name) for name in before} == before
    assert actions.github.refused == []
