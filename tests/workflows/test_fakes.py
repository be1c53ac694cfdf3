"""The fakes are as strict as GitHub."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from ship.errors import ShipError
from tests.workflows.fake_actions import ACTIONS
from tests.workflows.fake_github import GitHub, Run
from tests.workflows.files import Workflows
from tests.workflows.github_api import NotDescribedError, check

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
    github.add_issue(title="The number of the pull request")
    github.add_issue(title="An issue")
    path, body = f"/repos/{REPOSITORY}/issues/{number}/comments", {"body": "x"}

    assert ask(github, "POST", path, body, **{other: "write"}) == 403
    assert ask(github, "POST", path, body, **{grant: "read"}) == 403
    assert ask(github, "POST", path, body, **{grant: "write"}) == 201


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
    kind, subject = "https://slsa.dev/provenance/v1", {"digest": {"sha256": DIGEST}}
    statement = json.dumps({"subject": [subject], "predicateType": kind}).encode()
    envelope = {"payload": base64.b64encode(statement).decode()}
    body, made = {"bundle": {"dsseEnvelope": envelope}}, f"/repos/{REPOSITORY}/attestations"
    path = f"{made}/sha256:{DIGEST}"
    for grants in ({"attestations": "write"}, {"id_token": "write"}):
        assert ask(github, "POST", made, body, **grants) == 403
    assert ask(github, "GET", path, attestations="read") == 404

    assert ask(github, "POST", made, body, attestations="write", id_token="write") == 201
    assert github.attestations[DIGEST] == {
        "repository": REPOSITORY,
        "workflow": f"{REPOSITORY}/.github/workflows/deploy.yml",
        "ref": PUSH.ref,
        "commit": PUSH.commit,
        "predicate": kind,
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("GET", "/action/variables", None, "GitHub has no GET"),
        ("DELETE", "", None, "does not answer"),
        ("GET", "/rulesets?parents=false", None, "has no parameter parents"),
        ("GET", "/rulesets?includes_parents=0", None, "includes_parents of GET"),
        ("PUT", "/actions/permissions", {"enabled": "yes"}, "enabled"),
        ("PUT", "/actions/permissions", {"enabled": True, "actions": "all"}, "has no actions"),
        ("PUT", "/environments/dev", {"branches": "all"}, "branches"),
        ("POST", "/actions/variables", None, "needs a body"),
        ("GET", "/labels/preview", {"name": "x"}, "takes no body"),
    ],
)
def test_a_request_that_github_does_not_describe_is_refused(
    method: str, path: str, body: Any, message: str
) -> None:
    with pytest.raises(NotDescribedError, match=message):
        check(method, f"/repos/{REPOSITORY}{path}", body, 200, None)


@pytest.mark.parametrize(
    ("path", "status", "answer", "message"),
    [
        ("/actions/permissions", 200, {"allowed_actions": "all"}, "enabled"),
        ("/actions/permissions", 200, None, "not of type"),
        ("/actions/permissions", 201, {}, "does not answer 201"),
        ("/labels/preview", 404, {"message": 5}, "message"),
    ],
)
def test_an_answer_that_github_does_not_describe_is_refused(
    path: str, status: int, answer: Any, message: str
) -> None:
    with pytest.raises(NotDescribedError, match=message):
        check("GET", f"/repos/{REPOSITORY}{path}", None, status, answer)


@pytest.mark.parametrize(
    ("login", "rights", "status"), [("bob", "he may push", 403), ("carl", "none", 404)]
)
def test_only_an_administrator_changes_settings(
    github: GitHub, login: str, rights: str, status: int
) -> None:
    github.settings.admin, github.settings.login = False, login

    with pytest.raises(ShipError, match=f"HTTP {status}"):
        github("PUT", f"repos/{REPOSITORY}/actions/permissions", {"enabled": True})
    assert github.settings.changes == []


def test_a_job_changes_no_settings(github: GitHub) -> None:
    path = f"/repos/{REPOSITORY}/labels"

    assert ask(github, "POST", path, {"name": "x"}, contents="write", actions="write") == 403


def test_every_action_that_the_files_use_has_a_fake() -> None:
    assert {action.partition("@")[0] for action in Workflows.read().actions} == set(ACTIONS)
