"""What users get when the real workflow files run, from a merge to a rollback.

The tests build on each other, in this order, on one emulator.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.sandbox import ENVIRONMENTS, git
from tests.workflows.runner import Actions, Pause, Result

_FAILS_IN_STAGING = '''

_app = app


def app(environ, start_response):
    """Answer with an error, in staging alone."""
    import os

    if os.environ.get("ENVIRONMENT") != "staging":
        return _app(environ, start_response)
    start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
    return [b"broken"]
'''
_HOSTILE = 'said "no"; touch pwned $(touch pwned) `touch pwned` \'--to=x'
# The runs that later tests ask about.
RUNS: dict[str, Result] = {}
APPLY = "Apply that very plan"
PREFLIGHT = "Refuse what must not go live here"
# No build, no plan, no artifact.
ROLLBACK = {"Check out", "Set up", "Assume the environment's role", "Do it", "Report"}


def merge(actions: Actions, note: str) -> str:
    """Commit a change of code and page to main, and whatever else was changed; its commit."""
    actions.sandbox.edit(note)
    actions.sandbox.commit(note)
    return git(actions.sandbox.root, "rev-parse", "HEAD")


def live(actions: Actions) -> dict[str, str]:
    """What users of each environment get: one release from the API, CloudFront and the pages."""
    found = {name: set(actions.sandbox.served(name)) for name in ENVIRONMENTS}
    assert all(len(releases) == 1 for releases in found.values()), found
    return {name: releases.pop() for name, releases in found.items()}


def deployed(result: Result) -> list[str]:
    return [result.conclusion(f"Make the build live in {name}") for name in ENVIRONMENTS]


def test_of_two_merges_at_once_the_newer_goes_to_production(
    actions: Actions, second: Actions
) -> None:
    """Without the queue that GitHub keeps: only `ship` stands between the two runs.

    The older one hangs after preflight let it into dev, until the newer one is in production.
    """
    older = merge(actions, "older")
    settings = actions.sandbox.root / "infrastructure/stack/app.tf"
    settings.write_text(settings.read_text().replace("= {}", '= { NOTE = "newer" }'))
    newer = merge(actions, "newer")
    pause = Pause("in dev", "Refreshing state")

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(second.push, older, pause=pause)
        try:
            while not pause.reached.wait(1):
                assert not late.done(), late.result().text
            result = actions.push(newer)
            before = live(actions)
        finally:
            pause.go_on.set()
        RUNS["older"] = refused = late.result()

    assert (result.status, deployed(result)) == (0, ["success"] * 3), result.text
    assert result.conclusion("live in production", APPLY) == "success"
    assert len(set(before.values())) == 1
    assert before["production"].endswith(newer[:7])
    assert f"### production: `{before['production']}`" in result.summary("in production")
    assert "~ aws_lambda_function.backend" in result.summary("Plan production")
    assert actions.github.releases[before["production"]] == newer
    assert (refused.status, deployed(refused)) == (1, ["failure", "", ""])
    assert refused.conclusion("live in dev", PREFLIGHT) == "success"
    assert refused.conclusion("live in dev", "Deploy and test") == "failure"
    assert "is older than" in refused.text
    assert live(actions) == before
    assert actions.github.refused == []


def test_each_job_had_the_token_of_its_own_environment(actions: Actions) -> None:
    prefix = f"{actions.sandbox.project.subject.prefix}:environment"

    *names, last = (f"{prefix}:{name}" for name in ENVIRONMENTS)
    # What the last one's plan is shown with, before the approval, only reads.
    reads = f"{actions.sandbox.project.subject.prefix}:ref:refs/heads/main"
    assert [claims["sub"] for claims in actions.github.tokens[-4:]] == [*names, reads, last]


def test_a_release_that_fails_in_staging_goes_no_further(actions: Actions) -> None:
    before = live(actions)
    path = actions.sandbox.root / "backend/wsgi.py"
    good = path.read_text()
    path.write_text(good + _FAILS_IN_STAGING)
    commit = merge(actions, "broken in staging")

    result = actions.push(commit)

    path.write_text(good)
    assert (result.status, deployed(result)) == (1, ["success", "failure", ""]), result.text
    assert result.conclusion("live in dev", APPLY) in ("", "skipped")
    found = live(actions)
    assert found["dev"].endswith(commit[:7])
    assert found == before | {"dev": found["dev"]}
    assert "Last: reverted" in result.summary("in staging")
    assert found["dev"] in actions.sandbox.status("staging")["bad"]


def test_a_person_rolls_production_back(actions: Actions) -> None:
    before, target = live(actions), actions.sandbox.status("production")["previous"]

    result = actions.dispatch(
        "operate.yml", action="rollback", environment="production", reason=_HOSTILE, release=""
    )

    assert result.status == 0, result.text
    assert live(actions) == before | {"production": target}
    assert result.conclusion("Fetch the release that goes to production") in ("", "skipped")
    entry = actions.sandbox.history("production")[0]
    assert (entry["event"], entry["reason"]) == ("rolled back", _HOSTILE)
    assert actions.sandbox.status("production")["frozen"]["reason"] == _HOSTILE
    assert "**Frozen**" in result.summary("Run rollback in production")
    assert {step for (_, step), end in result.steps.items() if end == "success"} == ROLLBACK
    assert result.seconds["Operate/Run rollback in production", "Do it"] < 30


def test_another_branch_changes_nothing(actions: Actions) -> None:
    before, minted = live(actions), len(actions.github.tokens)
    git(actions.sandbox.root, "branch", "--force", "topic", "main")

    results = [
        actions.dispatch(
            "operate.yml", "topic", action="rollback", environment="dev", reason="no", release=""
        ),
        actions.dispatch("deploy.yml", "topic"),
    ]

    assert [name for one in results for name, end in one.jobs.items() if end == "success"] == []
    assert len(actions.github.tokens) == minted
    assert live(actions) == before


def test_a_build_that_is_altered_after_dev_goes_no_further(actions: Actions) -> None:
    """Its manifest still describes its files: only the digest of the job that built it tells."""
    before, commit = live(actions), merge(actions, "altered")
    pause = Pause("in dev", "Refreshing state")

    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(actions.push, commit, pause=pause)
        try:
            while not pause.reached.wait(1):
                assert not run.done(), run.result().text
            manifest = max(actions._home.glob("artifacts/*/build/manifest.json"))
            manifest.write_text(manifest.read_text() + "\n")
        finally:
            pause.go_on.set()
        result = run.result()

    assert (result.status, deployed(result)) == (1, ["success", "failure", ""]), result.text
    assert result.conclusion("live in staging", "Assume the environment's role") in ("", "skipped")
    assert "has the SHA-256" in result.text
    assert live(actions) == before | {"dev": live(actions)["dev"]}


def branch(actions: Actions, name: str, text: str) -> None:
    """A branch with one more commit than main, which changes the application."""
    root = actions.sandbox.root
    git(root, "checkout", "--quiet", "-B", name, "main")
    with (root / "backend/wsgi.py").open("a") as file:
        file.write(text)
    actions.sandbox.commit(name)
    git(root, "checkout", "--quiet", "main")


def test_a_good_pull_request_gets_a_comment_on_what_it_changes(actions: Actions) -> None:
    """One part of the tests and two plans: each more takes as long again, and does the same."""
    before, minted = live(actions), len(actions.github.tokens)
    branch(actions, "good", "\n# A remark.\n")
    matrix = ("part:units", "environment:dev", "environment:production")

    result = actions.pull_request(12, "good", matrix=matrix)

    assert result.status == 0, result.text
    assert result.conclusion("All checks passed") == "success"
    (comment,) = actions.github.comments_on(12, "checks")
    for text in ("### dev: ", "### production: no change", "### Build", "### Coverage"):
        assert text in comment
    assert len(actions.github.findings) == 1
    assert [claims["sub"] for claims in actions.github.tokens[minted:]] == [
        f"{actions.sandbox.project.subject.prefix}:pull_request"
    ] * 2
    assert live(actions) == before


def test_a_fork_gets_the_checks_and_no_token(actions: Actions) -> None:
    before, minted = live(actions), len(actions.github.tokens)
    branch(actions, "fork", "\n# A stranger's remark.\n")

    result = actions.pull_request(14, "fork", fork=True, matrix=("part:units",))

    assert result.status == 0, result.text
    assert result.conclusion("All checks passed") == "success"
    assert result.conclusion("Test units") == "success"
    assert "### Coverage" in result.summary("Coverage")
    assert actions.github.comments_on(14) == []
    assert len(actions.github.tokens) == minted
    assert actions.github.refused == []
    assert live(actions) == before


def test_a_copy_without_an_account_has_no_red_run(
    actions: Actions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a push and the clock start in a repository that is not set up yet."""
    minted = len(actions.github.tokens)
    monkeypatch.setattr(actions.github.settings, "variables", {})
    commit = git(actions.sandbox.root, "rev-parse", "main")

    deploy = actions.push(commit)
    others = [actions.schedule(name) for name in ("drift.yml", "clean-up.yml")]

    assert {name for name, end in deploy.jobs.items() if end == "success"} == {
        "Deploy/Nothing runs before the repository is set up"
    }
    assert [one.status for one in (deploy, *others)] == [0, 0, 0], deploy.text
    assert not any("success" in one.jobs.values() for one in others)
    assert len(actions.github.tokens) == minted


@pytest.mark.nightly
def test_a_merge_queue_gets_the_checks_and_no_token(actions: Actions) -> None:
    minted, commit = len(actions.github.tokens), git(actions.sandbox.root, "rev-parse", "main")
    group = {"base_sha": git(actions.sandbox.root, "rev-parse", "main~1"), "head_sha": commit}
    ref = "refs/heads/gh-readonly-queue/main/pr-12"

    result = actions.run(
        *("pull-request.yml", "merge_group", commit, {"merge_group": group}),
        ref=ref,
        matrix=("part:units",),
    )

    assert result.status == 0, result.text
    assert result.conclusion("All checks passed") == "success"
    assert "### Build" in result.summary("Build")
    assert len(actions.github.tokens) == minted


@pytest.mark.nightly
def test_a_pull_request_that_fails_its_checks_is_refused(actions: Actions) -> None:
    before = live(actions)
    branch(actions, "bad", "\ndef (:\n")

    result = actions.pull_request(13, "bad", matrix=("part:units", "environment:dev"))

    assert result.status == 1
    assert result.conclusion("Lint, types, security and Terraform") == "failure"
    assert result.conclusion("All checks passed") == "failure"
    assert live(actions) == before


@pytest.mark.nightly
def test_an_older_run_that_is_run_again_changes_nothing(actions: Actions, second: Actions) -> None:
    before, older = live(actions), second.github.attestations

    commit = next(iter(older.values()))["commit"]
    result = second.push(commit, again=RUNS["older"])

    assert (result.status, deployed(result)) == (1, ["failure", "", ""])
    assert result.conclusion("live in dev", PREFLIGHT) == "failure"
    assert result.conclusion("live in dev", "Plan") in ("", "skipped")
    assert "is older than" in result.text
    assert live(actions) == before
    assert second.github.refused == []


@pytest.mark.nightly
def test_a_person_lifts_the_freeze(actions: Actions) -> None:
    result = actions.dispatch(
        "operate.yml", action="unfreeze", environment="production", reason="repaired", release=""
    )

    assert result.status == 0, result.text
    assert actions.sandbox.status("production")["frozen"] is None


@pytest.mark.nightly
def test_a_run_that_is_cancelled_in_production_is_reverted_there(actions: Actions) -> None:
    before = live(actions)
    commit = merge(actions, "cancelled")

    RUNS["cancelled"] = result = actions.push(
        commit, cancel_at=("in production", "% of the traffic")
    )

    assert (result.status, deployed(result)[:2]) == (1, ["success"] * 2), result.text
    assert result.conclusion("live in production", "Deploy and test") == "failure"
    assert "Last: reverted" in result.summary("in production")
    found, status = live(actions), actions.sandbox.status("production")
    assert found["staging"].endswith(commit[:7])
    assert found["production"] == before["production"]
    assert (status["operation"], found["staging"] in status["bad"]) == (None, False)
    events = [entry["event"] for entry in actions.sandbox.history("production")]
    assert events[:2] == ["reverted", "deploy started"]


@pytest.mark.nightly
def test_a_run_that_was_cancelled_goes_live_when_it_is_run_again(actions: Actions) -> None:
    commit, before = git(actions.sandbox.root, "rev-parse", "main"), live(actions)

    result = actions.push(commit, again=RUNS["cancelled"])

    assert result.status == 0, result.text
    assert live(actions) == before | {"production": before["staging"]}
    assert actions.github.refused == []
