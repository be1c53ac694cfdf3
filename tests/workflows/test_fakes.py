"""The doubles are as strict as GitHub; `act` gets the files as they are but for three things."""

from __future__ import annotations

import difflib
from dataclasses import replace

import pytest

from tests.workflows.github import SUBJECT_PREFIX, GitHub, Run
from tests.workflows.model import Workflows
from tests.workflows.runner import copies

PUSH = Run(1, "deploy.yml", "push", "refs/heads/main", "0" * 40)
TOKEN = "/token?audience=sts.amazonaws.com"
DIGEST = "a" * 64


@pytest.fixture
def github() -> GitHub:
    return GitHub(run=PUSH)


def test_a_token_is_minted_only_for_a_job_that_is_granted_one(github: GitHub) -> None:
    assert github.answer("GET", TOKEN, "environment=dev;contents=read", None)[0] == 403
    assert github.answer("GET", TOKEN, "environment=dev;id-token=write", None)[0] == 200
    assert github.refused == [f"GET {TOKEN} of environment=dev;contents=read"]


def test_a_fork_gets_no_token_and_may_not_comment(github: GitHub) -> None:
    github.run = replace(PUSH, event="pull_request", fork=True)

    assert github.answer("GET", TOKEN, "id-token=write", None)[0] == 403
    github.pulls[1] = {}
    path = "/repos/your-org/serverless-flask/issues/1/comments"
    assert github.answer("POST", path, "pull-requests=write", {"body": "x"})[0] == 403
    assert github.comments == []


def test_a_comment_takes_the_grant_of_what_it_is_on(github: GitHub) -> None:
    github.pulls[1] = {}
    path = "/repos/your-org/serverless-flask/issues"

    for number, grant, other in ((1, "pull-requests", "issues"), (2, "issues", "pull-requests")):
        where = f"{path}/{number}/comments"
        assert github.answer("POST", where, f"{other}=write", {"body": "x"})[0] == 403
        assert github.answer("POST", where, f"{grant}=read", {"body": "x"})[0] == 403
        assert github.answer("POST", where, f"{grant}=write", {"body": "x"})[0] == 201


@pytest.mark.parametrize(
    ("event", "ref", "environment", "subject"),
    [
        ("push", "refs/heads/main", "dev", "environment:dev"),
        ("push", "refs/heads/main", "", "ref:refs/heads/main"),
        ("pull_request", "refs/pull/1/merge", "", "pull_request"),
    ],
)
def test_a_tokens_subject_follows_from_environment_event_and_branch(
    github: GitHub, event: str, ref: str, environment: str, subject: str
) -> None:
    github.run = replace(PUSH, event=event, ref=ref)

    assert github.claims(environment, "x")["sub"] == f"{SUBJECT_PREFIX}:{subject}"


@pytest.mark.parametrize("job", ["attestations=write", "id-token=write", "attestations=read"])
def test_an_attestation_takes_both_grants(github: GitHub, job: str) -> None:
    assert github.answer("POST", "/attestations", job, {"digest": DIGEST})[0] == 403
    assert github.answer("GET", f"/attestations/{DIGEST}", "attestations=read", None)[0] == 404


def test_an_attestation_says_who_built_what(github: GitHub) -> None:
    github.answer("POST", "/attestations", "attestations=write;id-token=write", {"digest": DIGEST})

    found = github.answer("GET", f"/attestations/{DIGEST}", "attestations=read", None)[1]
    assert (found["commit"], found["ref"]) == (PUSH.commit, PUSH.ref)
    assert found["workflow"].endswith("/.github/workflows/deploy.yml")


def test_the_copies_differ_in_three_things_only() -> None:
    files = Workflows.read()

    lines = [
        line
        for name, text in copies(files).items()
        for line in difflib.ndiff(files.texts[name].splitlines(), text.splitlines())
        if line[:2] in ("+ ", "- ")
    ]

    kinds = ("DOUBLE_JOB: '", "queue: max", "uses: $/", "uses: ./", "env:")
    assert [line for line in lines if not line[2:].strip().startswith(kinds)] == []
    jobs = [job for job in files.jobs if job.steps]
    assert sum("DOUBLE_JOB" in line for line in lines) == len(jobs)
