"""Which job gets which role (O1-O4): by the rendered policies, and by the emulator's STS."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ship.aws import Account, assume
from ship.errors import ShipError
from tests.e2e.sandbox import ACCOUNT, ENVIRONMENTS
from tests.workflows.fake_github import Run, mint
from tests.workflows.runner import Actions

AUDIENCE = "token.actions.githubusercontent.com:aud"
SUBJECT = "token.actions.githubusercontent.com:sub"
REF = "token.actions.githubusercontent.com:ref"
REPOSITORY = "token.actions.githubusercontent.com:repository_id"
ROLES = {f"deploy-{name}" for name in (*ENVIRONMENTS, "preview")} | {"plan"}
Policy = dict[str, Any]


def problems(policies: dict[str, Policy], prefix: str) -> Iterator[str]:
    """What is wrong with the trust policies of the deploy roles, by environment."""
    for name, policy in policies.items():
        for statement in policy["Statement"]:
            condition = statement.get("Condition", {})
            if set(condition) != {"StringEquals"}:
                yield f"{name}: compares by {sorted(condition)}"
            exact = condition.get("StringEquals", {})
            if exact.get(AUDIENCE) not in ("sts.amazonaws.com", ["sts.amazonaws.com"]):
                yield f"{name}: takes tokens for {exact.get(AUDIENCE)}"
            only = f"{prefix}:environment:{name}"
            if exact.get(SUBJECT) not in (only, [only]):
                yield f"{name}: is for {exact.get(SUBJECT)}"
            if exact.get(REPOSITORY) != prefix.rpartition("@")[2]:
                yield f"{name}: is for the repository {exact.get(REPOSITORY)}"
            if name != "preview" and exact.get(REF) != "refs/heads/main":
                yield f"{name}: is for {exact.get(REF)}"


@pytest.fixture(scope="session")
def prefix(actions: Actions) -> str:
    return actions.sandbox.project.subject.prefix


@pytest.fixture(scope="session")
def policies(actions: Actions) -> dict[str, Policy]:
    """The trust policies of the deploy roles, as they were rendered."""
    iam, found = actions.root_client("iam"), {}
    for name in (*ENVIRONMENTS, "preview"):
        role = iam.get_role(RoleName=f"{actions.sandbox.project.name}-deploy-{name}")["Role"]
        document = role["AssumeRolePolicyDocument"]
        found[name] = json.loads(document) if isinstance(document, str) else document
    return found


def test_each_deploy_role_trusts_one_environment_exactly(
    policies: dict[str, Policy], prefix: str
) -> None:
    assert list(problems(policies, prefix)) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (SUBJECT, lambda prefix: f"{prefix}:*"),
        (SUBJECT, lambda prefix: f"{prefix}:environment:dev"),
        (SUBJECT, lambda prefix: f"{prefix}:ref:refs/heads/main"),
        (SUBJECT, lambda prefix: [f"{prefix}:environment:production", f"{prefix}:pull_request"]),
        (SUBJECT, lambda prefix: f"{re.sub(r'@[0-9]+', '', prefix)}:environment:production"),
        (SUBJECT, lambda prefix: None),
        (AUDIENCE, lambda prefix: None),
        (AUDIENCE, lambda prefix: "*"),
        (REF, lambda prefix: None),
        (REF, lambda prefix: ["refs/heads/main", "refs/heads/other"]),
        (REPOSITORY, lambda prefix: None),
    ],
)
def test_a_looser_trust_is_found(
    policies: dict[str, Policy], prefix: str, key: str, value: Callable[[str], Any]
) -> None:
    looser = copy.deepcopy(policies)
    looser["production"]["Statement"][0]["Condition"]["StringEquals"][key] = value(prefix)

    assert len(list(problems(looser, prefix))) == 1


@pytest.mark.parametrize(
    "comparison", ["StringLike", "ForAllValues:StringEquals", "StringEqualsIfExists"]
)
def test_another_comparison_is_found(
    policies: dict[str, Policy], prefix: str, comparison: str
) -> None:
    looser = copy.deepcopy(policies)
    condition = looser["production"]["Statement"][0]["Condition"]
    condition[comparison] = condition.pop("StringEquals")

    assert list(problems(looser, prefix)) != []


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
