"""Which job gets which role (O1-O4): by the rendered policies, and by the emulator's STS."""

import json
import re
from collections.abc import Callable

import pytest

from ship.aws import Account, assume
from ship.errors import ShipError
from tests.e2e.sandbox import ACCOUNT, ENVIRONMENTS
from tests.workflows.fake_github import Run, mint
from tests.workflows.runner import Actions

ISSUER = "token.actions.githubusercontent.com"
ROLES = {f"deploy-{name}" for name in (*ENVIRONMENTS, "preview")} | {"plan"}


@pytest.fixture(scope="session")
def prefix(actions: Actions) -> str:
    return actions.sandbox.project.subject.prefix


@pytest.mark.parametrize("name", [*ENVIRONMENTS, "preview"])
def test_each_deploy_role_trusts_one_environment_exactly(
    actions: Actions, prefix: str, name: str
) -> None:
    role = f"{actions.sandbox.project.name}-deploy-{name}"
    found = actions.root_client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    (statement,) = (json.loads(found) if isinstance(found, str) else found)["Statement"]

    branch = {} if name == "preview" else {f"{ISSUER}:ref": "refs/heads/main"}
    assert statement["Condition"] == {
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:sub": [f"{prefix}:environment:{name}"],
            f"{ISSUER}:repository_id": prefix.rpartition("@")[2],
            **branch,
        }
    }


def granted(actions: Actions, environment: str, **claims: str | None) -> set[str]:
    """The roles that the emulator's STS gives to a job on main with some other claims."""
    sandbox, github = actions.sandbox, actions.github
    github.run = Run(1, "deploy.yml", "push", "refs/heads/main", "0" * 40)
    told = github.claims(environment, "sts.amazonaws.com", "environment.yml") | claims
    github.run = None
    token = mint({key: value for key, value in told.items() if value is not None})
    account, found = Account(ACCOUNT, sandbox.project.region, sandbox.endpoint), set()
    for role in ROLES:
        try:
            assume(account, f"{sandbox.project.name}-{role}", token)
        except ShipError:
            continue
        found.add(role)
    return found


@pytest.mark.parametrize("environment", ["production", "preview"])
def test_a_job_gets_the_role_of_its_environment_and_no_other(
    actions: Actions, environment: str
) -> None:
    assert granted(actions, environment) == {f"deploy-{environment}"}


def test_a_preview_is_deployed_from_any_branch(actions: Actions) -> None:
    assert granted(actions, "preview", ref="refs/pull/7/merge") == {"deploy-preview"}


def test_a_pull_request_gets_the_role_that_reads_and_no_other(
    actions: Actions, prefix: str
) -> None:
    assert granted(actions, "", sub=f"{prefix}:pull_request") == {"plan"}


@pytest.mark.parametrize(
    "change",
    [
        lambda subject: f"{subject}s",
        lambda subject: subject.replace("production", "Production"),
        lambda subject: subject.replace("production", "*"),
        lambda subject: subject.replace("repo:", "repo:x"),
        lambda subject: subject.upper(),
        lambda subject: re.sub(r"@[0-9]+/", "@1/", subject),
        lambda subject: re.sub(r"@[0-9]+:", "@1:", subject),
        lambda subject: re.sub(r"@[0-9]+", "", subject),
    ],
)
def test_a_look_alike_gets_no_role(
    actions: Actions, prefix: str, change: Callable[[str], str]
) -> None:
    subject = f"{prefix}:environment:production"

    assert granted(actions, "production", sub=change(subject)) == set()


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *(("sub", None), ("aud", None), ("aud", "https://example.org")),
        *(("iss", "https://example.org"), ("ref", "refs/heads/feature"), ("ref", None)),
        *(("ref", "refs/pull/7/merge"), ("repository_id", "1"), ("repository_id", None)),
    ],
)
def test_a_token_of_another_subject_audience_issuer_branch_or_repository_gets_no_role(
    actions: Actions, claim: str, value: str | None
) -> None:
    assert granted(actions, "production", **{claim: value}) == set()
