"""What users get when the real workflow files run, from a merge to a rollback.

The tests tell one story, in this order, on one emulator; GitHub's edge is doubled.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.sandbox import ENVIRONMENTS, git
from tests.workflows.runner import Actions, Hold, Result

pytestmark = pytest.mark.journey

# Passes its trial and all of dev; in staging its API's errors are no longer the API's.
_FAILS_IN_STAGING = '''

_inner = handler


def handler(event, context):
    """Answer unknown paths with a page, in staging."""
    import os

    answer = _inner(event, context)
    if os.environ["ENVIRONMENT"] == "staging" and answer.get("statusCode") == 404:
        answer["headers"] = {"content-type": "text/html"}
    return answer
'''
_HOSTILE = 'said "no"; touch pwned $(touch pwned) `touch pwned` \'--to=x'


# The runs that later tests ask about.
RUNS: dict[str, Result] = {}
APPLY = "Apply that very plan"
# No build, no plan, no artifact.
ROLLBACK = {"Check out", "Set up", "Assume the environment's role", "Roll back", "Report"}


def merge(actions: Actions, note: str) -> str:
    """Commit a change of code and page to main; its commit."""
    actions.sandbox.edit(note)
    actions.sandbox.commit(note)
    return git(actions.sandbox.root, "rev-parse", "HEAD")


def live(actions: Actions) -> dict[str, str]:
    """What users of each environment get: one release, by API, by CloudFront, on the page."""
    found = {name: set(actions.sandbox.seen(name)) for name in ENVIRONMENTS}
    assert all(len(releases) == 1 for releases in found.values()), found
    return {name: releases.pop() for name, releases in found.items()}


def deployed(result: Result, environment: str) -> str:
    return result.ended(f"Make the build live in {environment}")


def test_of_two_merges_at_once_the_older_is_refused(actions: Actions, beside: Actions) -> None:
    """Without the queue that GitHub keeps: only `ship` stands between the two runs.

    The older one hangs after it was let into dev, until the newer one is in production. There the
    newer one is cancelled, which is the next test's.
    """
    older = merge(actions, "older")
    settings = actions.sandbox.root / "infrastructure/stack/config.tf"
    settings.write_text(settings.read_text().replace("The heading of the page", "Its heading"))
    newer = merge(actions, "newer")
    hold = Hold(("in dev", "Refreshing state"))

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(beside.push, older, hold=hold)
        try:
            while not hold.reached.wait(1):
                assert not late.done(), late.result().text
            RUNS["newer"] = actions.push(newer, until=("in production", "% of the traffic"))
            before = live(actions)
        finally:
            hold.go_on.set()
        RUNS["older"] = refused = late.result()

    assert before["dev"] == before["staging"]
    assert before["dev"].endswith(newer[:7])
    assert refused.status == 1
    assert [deployed(refused, name) for name in ENVIRONMENTS] == ["failure", "", ""]
    assert refused.step("live in dev", "Refuse what must not go live here") == "success"
    assert refused.step("live in dev", "Deploy and test") == "failure"
    assert "is older than" in refused.text
    assert live(actions) == before


def test_each_job_had_the_token_of_its_own_environment(actions: Actions) -> None:
    subjects = [claims["sub"] for claims in actions.github.tokens[-3:]]

    prefix = "repo:your-org@4711/serverless-flask@815:environment"
    assert subjects == [f"{prefix}:{name}" for name in ENVIRONMENTS]


def test_a_run_that_is_cancelled_in_production_puts_back_what_was_live(actions: Actions) -> None:
    found, status = live(actions), actions.sandbox.status("production")

    cancelled = RUNS["newer"]
    assert cancelled.status == 1
    assert [deployed(cancelled, name) for name in ENVIRONMENTS[:2]] == ["success", "success"]
    assert cancelled.step("live in production", APPLY) == "success"
    assert cancelled.step("live in production", "Deploy and test") == "failure"
    assert "Last: put back" in cancelled.told("in production")
    assert found["production"] != found["staging"]
    assert (status["operation"], status["bad"]) == (None, {})
    events = [entry["event"] for entry in actions.sandbox.json("history", "production")]
    assert events == ["reverted", "deploy started", "live", "deploy started"]


def test_a_run_that_was_cancelled_goes_live_in_all_three_when_run_again(actions: Actions) -> None:
    commit, before = git(actions.sandbox.root, "rev-parse", "main"), live(actions)

    result = actions.push(commit, again=RUNS["newer"])

    assert result.status == 0, result.text
    assert live(actions) == before | {"production": before["staging"]}
    assert f"### production: `{before['staging']}`" in result.told("in production")
    assert actions.github.refused == []


def test_an_older_run_that_is_run_again_brings_nothing(actions: Actions, beside: Actions) -> None:
    before = live(actions)
    older = git(actions.sandbox.root, "rev-parse", "main~1")

    result = beside.push(older, again=RUNS["older"])

    assert result.status == 1
    assert [deployed(result, name) for name in ENVIRONMENTS] == ["failure", "", ""]
    assert result.step("live in dev", "Refuse what must not go live here") == "failure"
    assert result.step("live in dev", "Plan") in ("", "skipped")
    assert "is older than" in result.text
    assert live(actions) == before
    assert beside.github.refused == []


def test_a_release_that_fails_in_staging_goes_no_further_and_is_put_back(
    actions: Actions,
) -> None:
    before = live(actions)
    path = actions.sandbox.root / "backend/handler.py"
    good = path.read_text()
    path.write_text(good + _FAILS_IN_STAGING)
    commit = merge(actions, "broken in staging")

    result = actions.push(commit)

    assert result.status == 1
    assert [deployed(result, name) for name in ENVIRONMENTS] == ["success", "failure", ""]
    assert result.step("live in dev", APPLY) in ("", "skipped")
    found = live(actions)
    assert found["dev"].endswith(commit[:7])
    assert (found["staging"], found["production"]) == (before["staging"], before["production"])
    assert "Last: put back" in result.told("in staging")
    assert found["dev"] in actions.sandbox.status("staging")["bad"]
    path.write_text(good)


def test_a_person_rolls_production_back(actions: Actions) -> None:
    before, target = live(actions), actions.sandbox.status("production")["previous"]

    result = actions.dispatch(
        "rollback.yml", action="rollback", environment="production", reason=_HOSTILE, release=""
    )

    assert result.status == 0, result.text
    found = live(actions)
    assert found == before | {"production": target}
    assert result.step("Move production", "Freeze") in ("", "skipped")
    entry = actions.sandbox.json("history", "production")[0]
    assert (entry["event"], entry["reason"]) == ("rolled back", _HOSTILE)
    assert actions.sandbox.status("production")["frozen"]["reason"] == _HOSTILE
    assert "**Frozen**" in result.told("Move production")
    assert {step for (_, step), end in result.steps.items() if end == "success"} == ROLLBACK
    assert result.seconds["Rollback/Move production", "Roll back"] < 30


def test_another_branch_rolls_nothing_back(actions: Actions) -> None:
    before = live(actions)
    git(actions.sandbox.root, "branch", "--force", "topic", "main")

    result = actions.dispatch(
        "rollback.yml", "topic", action="rollback", environment="dev", reason="no", release=""
    )

    assert result.ended("Move dev") in ("", "skipped")
    assert live(actions) == before


def test_a_person_lifts_the_freeze(actions: Actions) -> None:
    result = actions.dispatch(
        "rollback.yml", action="unfreeze", environment="production", reason="mended", release=""
    )

    assert result.status == 0, result.text
    assert actions.sandbox.status("production")["frozen"] is None


def branch(actions: Actions, name: str, text: str) -> None:
    """A branch with one more commit than main, which changes the application."""
    root = actions.sandbox.root
    git(root, "checkout", "--quiet", "-B", name, "main")
    with (root / "backend/api.py").open("a") as file:
        file.write(text)
    actions.sandbox.commit(name)
    git(root, "checkout", "--quiet", "main")


def test_a_good_pull_request_is_told_what_it_changes(actions: Actions) -> None:
    before = live(actions)
    branch(actions, "good", "\n# A remark.\n")

    result = actions.pull_request(12, "good")

    assert result.status == 0, result.text
    assert result.ended("All checks passed") == "success"
    (comment,) = actions.github.said(12, "checks")
    for said in ("### dev: no change", "### production: no change", "### Build", "### Coverage"):
        assert said in comment
    assert len(actions.github.findings) == 1
    assert {claims["sub"] for claims in actions.github.tokens[-3:]} == {
        "repo:your-org@4711/serverless-flask@815:pull_request"
    }
    assert live(actions) == before


def test_a_pull_request_that_fails_its_checks_is_refused(actions: Actions) -> None:
    before = live(actions)
    branch(actions, "bad", "\ndef (:\n")

    result = actions.pull_request(13, "bad", matrix="environment:dev")

    assert result.status == 1
    assert result.ended("Lint, types, security and Terraform") == "failure"
    assert result.ended("All checks passed") == "failure"
    assert live(actions) == before


def test_a_fork_gets_the_checks_and_no_token(actions: Actions) -> None:
    before, minted = live(actions), len(actions.github.tokens)
    branch(actions, "fork", "\n# A stranger's remark.\n")

    result = actions.pull_request(14, "fork", fork=True)

    assert result.status == 0, result.text
    assert result.ended("All checks passed") == "success"
    assert [end for job, end in result.jobs.items() if "/Test " in job] == ["success"] * 5
    assert "### Coverage" in result.told("Coverage")
    assert actions.github.said(14) == []
    assert len(actions.github.tokens) == minted
    assert actions.github.refused == []
    assert live(actions) == before
