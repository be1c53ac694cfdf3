"""Who may take which role (O1-O4): by the rendered policies, and by the emulator's STS."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from emulator import Emulator
from ship.aws import Account, assume
from ship.errors import ShipError
from tests.e2e.sandbox import ENVIRONMENTS, ROOT
from tests.workflows.github import SUBJECT_PREFIX, Run, mint
from tests.workflows.runner import Actions
from toolchain import find

pytestmark = pytest.mark.journey

AUDIENCE = "token.actions.githubusercontent.com:aud"
SUBJECT = "token.actions.githubusercontent.com:sub"
MAIN = "refs/heads/main"
Policy = dict[str, Any]


def faults(policies: dict[str, Policy], prefix: str) -> Iterator[str]:
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


@pytest.fixture(scope="session")
def policies(actions: Actions) -> dict[str, Policy]:
    """The trust policies of the deploy roles, as they were rendered."""
    sandbox, tools = actions.sandbox, find(ROOT)
    emulator = Emulator(sandbox.root / ".ship/emulator", tools.emulator_python, sandbox.port)
    root = emulator.root()
    iam = boto3.client(
        "iam",
        region_name="eu-central-1",
        endpoint_url=f"http://127.0.0.1:{sandbox.port}",
        aws_access_key_id=root.access_key_id,
        aws_secret_access_key=root.secret_access_key,
    )
    found = {}
    for name in (*ENVIRONMENTS, "preview"):
        role = iam.get_role(RoleName=f"serverless-flask-deploy-{name}")["Role"]
        document = role["AssumeRolePolicyDocument"]
        found[name] = json.loads(document) if isinstance(document, str) else document
    return found


def changed(policies: dict[str, Policy], key: str, value: Any) -> dict[str, Policy]:
    made = copy.deepcopy(policies)
    conditions = made["production"]["Statement"][0]["Condition"]["StringEquals"]
    if value is None:
        del conditions[key]
    else:
        conditions[key] = value
    return made


def test_each_deploy_role_trusts_one_environment_exactly(policies: dict[str, Policy]) -> None:
    assert list(faults(policies, SUBJECT_PREFIX)) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (SUBJECT, f"{SUBJECT_PREFIX}:*"),
        (SUBJECT, f"{SUBJECT_PREFIX}:environment:dev"),
        (SUBJECT, f"{SUBJECT_PREFIX}:ref:refs/heads/main"),
        (SUBJECT, [f"{SUBJECT_PREFIX}:environment:production", f"{SUBJECT_PREFIX}:pull_request"]),
        (SUBJECT, "repo:your-org/serverless-flask:environment:production"),
        (SUBJECT, None),
        (AUDIENCE, None),
        (AUDIENCE, "*"),
    ],
)
def test_a_looser_trust_is_seen(policies: dict[str, Policy], key: str, value: object) -> None:
    assert len(list(faults(changed(policies, key, value), SUBJECT_PREFIX))) == 1


@pytest.mark.parametrize(
    "test", ["StringLike", "ForAllValues:StringEquals", "StringEqualsIfExists"]
)
def test_another_comparison_is_seen(policies: dict[str, Policy], test: str) -> None:
    made = copy.deepcopy(policies)
    condition = made["production"]["Statement"][0]["Condition"]
    condition[test] = condition.pop("StringEquals")

    assert list(faults(made, SUBJECT_PREFIX)) != []


def token(actions: Actions, **claims: str | None) -> str:
    """A token of a job of production on main, with some claims changed or left out."""
    actions.github.run = Run(1, "environment.yml", "push", MAIN, "0" * 40)
    found = actions.github.claims("production", "sts.amazonaws.com")
    actions.github.run = None
    return mint({k: v for k, v in (found | claims).items() if v is not None})


def taken(actions: Actions, role: str, presented: str) -> bool:
    """Whether the emulator's STS gives the role for a token."""
    account = Account("000000000000", "eu-central-1", f"http://127.0.0.1:{actions.sandbox.port}")
    try:
        assume(account, f"serverless-flask-{role}", presented)
    except ShipError:
        return False
    return True


def test_a_job_of_production_takes_productions_role_and_no_other(actions: Actions) -> None:
    presented = token(actions)

    assert taken(actions, "deploy-production", presented)
    assert not taken(actions, "deploy-staging", presented)
    assert not taken(actions, "deploy-dev", presented)
    assert not taken(actions, "deploy-preview", presented)
    assert not taken(actions, "plan", presented)


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": f"{SUBJECT_PREFIX}:environment:productions"},
        {"sub": f"{SUBJECT_PREFIX}:environment:Production"},
        {"sub": f"{SUBJECT_PREFIX}:environment:*"},
        {"sub": f"{SUBJECT_PREFIX}:ref:refs/heads/main"},
        {"sub": f"{SUBJECT_PREFIX}:pull_request"},
        {"sub": "repo:your-org@4711/serverless-flask@816:environment:production"},
        {"sub": "repo:your-org@4712/serverless-flask@815:environment:production"},
        {"sub": "repo:your-org/serverless-flask:environment:production"},
        {"sub": "repo:Your-Org@4711/serverless-flask@815:environment:production"},
        {"sub": "repo:your-org-x@4711/serverless-flask@815:environment:production"},
        {"sub": None},
        {"aud": None},
        {"aud": "https://github.com/your-org"},
        {"iss": "https://token.actions.example.org"},
    ],
    ids=lambda claims: str(claims),
)
def test_a_look_alike_takes_no_role(actions: Actions, claims: dict[str, str | None]) -> None:
    assert not taken(actions, "deploy-production", token(actions, **claims))


def test_a_pull_request_takes_the_role_that_reads_and_no_other(actions: Actions) -> None:
    presented = token(actions, sub=f"{SUBJECT_PREFIX}:pull_request", environment=None)

    assert taken(actions, "plan", presented)
    others = (*ENVIRONMENTS, "preview")
    assert not any(taken(actions, f"deploy-{name}", presented) for name in others)


def test_a_preview_takes_the_role_that_previews_share_and_no_other(actions: Actions) -> None:
    presented = token(actions, sub=f"{SUBJECT_PREFIX}:environment:preview", environment="preview")

    assert taken(actions, "deploy-preview", presented)
    assert not any(taken(actions, f"deploy-{name}", presented) for name in ENVIRONMENTS)
    assert not taken(actions, "plan", presented)
