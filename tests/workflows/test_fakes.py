"""The fakes are as strict as GitHub."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.workflows.fake_actions import ACTIONS
from tests.workflows.fake_github import GitHub, Run
from tests.workflows.files import Workflows

PUSH = Run(1, "deploy.yml", "push", "refs/heads/main", "0" * 40)
TOKEN = "/token?audience=sts.amazonaws.com"
REPOSITORY, PREFIX = "acme/corner-shop", "repo:acme@1001/corner-shop@2002"
DIGEST = "a" * 64


@pytest.fixture
def github() -> GitHub:
    return GitHub(REPOSITORY, PREFIX, run=PUSH)


def ask(github: GitHub, method: str, path: str, body: Any = None, **permissions: str) -> int:
    """The status that a job with these permissions gets; `id_token` stands for `id-token`."""
    granted = {name.replace("_", "-"): how for name, how in permissions.items()}
    job = json.dumps({"file": "environment.yml", "environment": "dev", "permissions": granted})
    return github.respond(method, path, job, body)[0]


def test_a_token_is_minted_only_for_a_job_that_is_granted_one(github: GitHub) -> None:
    assert ask(github, "GET", TOKEN, contents="read") == 403
    assert ask(github, "GET", TOKEN, id_token="write") == 200
    assert (len(github.refused), len(github.tokens)) == (1, 1)


def test_a_fork_gets_no_token_and_may_not_comment(github: GitHub) -> None:
    github.run = replace(PUSH, event="pull_request", fork=True)
    github.pulls[1] = {}
    comments = f"/repos/{REPOSITORY}/issues/1/comments"

    assert ask(github, "GET", TOKEN, id_token="write") == 403
    assert ask(github, "POST", comments, {"body": "x"}, pull_requests="write") == 403
    assert github.comments == []


@pytest.mark.parametrize(
    ("number", "grant", "other"), [(1, "pull_requests", "issues"), (2, "issues", "pull_requests")]
)
def test_a_comment_takes_the_permission_of_what_it_is_on(
    github: GitHub, number: int, grant: str, other: str
) -> None:
    github.pulls[1] = {}
    path, body = f"/repos/{REPOSITORY}/issues/{number}/comments", {"body": "x"}

    assert ask(github, "POST", path, body, **{other: "write"}) == 403
    assert ask(github, "POST", path, body, **{grant: "read"}) == 403
    assert ask(github, "POST", path, body, **{grant: "write"}) == 200


@pytest.mark.parametrize(
    ("event", "environment", "subject"),
    [
        ("push", "dev", "environment:dev"),
        ("push", "", "ref:refs/heads/main"),
        ("pull_request", "", "pull_request"),
        ("pull_request", "preview", "environment:preview"),
    ],
)
def test_a_tokens_subject_follows_from_environment_and_event(
    github: GitHub, event: str, environment: str, subject: str
) -> None:
    github.run = replace(PUSH, event=event)

    assert github.claims(environment, "x")["sub"] == f"{PREFIX}:{subject}"


def test_a_token_names_the_called_workflow_too(github: GitHub) -> None:
    ask(github, "GET", TOKEN, id_token="write")

    (claims,) = github.tokens
    assert claims["workflow_ref"].endswith("/deploy.yml@refs/heads/main")
    assert claims["job_workflow_ref"].endswith("/environment.yml@refs/heads/main")


def test_an_attestation_takes_both_permissions_and_says_who_built_what(github: GitHub) -> None:
    body, path = {"digest": DIGEST}, f"/attestations/{DIGEST}"
    for grants in ({"attestations": "write"}, {"id_token": "write"}):
        assert ask(github, "POST", "/attestations", body, **grants) == 403
    assert ask(github, "GET", path, attestations="read") == 404

    assert ask(github, "POST", "/attestations", body, attestations="write", id_token="write") == 200
    assert github.attestations[DIGEST] == {
        "repository": REPOSITORY,
        "workflow": f"{REPOSITORY}/.github/workflows/deploy.yml",
        "ref": PUSH.ref,
        "commit": PUSH.commit,
    }


def test_every_action_that_the_files_use_has_a_fake() -> None:
    assert {action.partition("@")[0] for action in Workflows.read().actions} == set(ACTIONS)
