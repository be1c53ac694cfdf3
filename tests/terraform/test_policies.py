"""Every policy that Terraform renders, held against what AWS says that a policy can hold."""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from . import authorization
from .commands import initialized, terraform

_INFRASTRUCTURE = Path(__file__).resolve().parents[2] / "infrastructure"
_RENDERED = """
mock_provider "aws" {
  source = "./tests/mocks"
}

run "rendered" {
}
"""
_WEB_ACLS = "arn:aws:wafv2:us-east-1:111122223333:global/webacl"
# The longest names that the variables take, and everything that can be switched on.
_NAMES = {"project": "abcdefghijklmnopqrstuvwx", "region": "ap-southeast-2"}
_VARIABLES: dict[str, dict[str, object]] = {
    "bootstrap": {
        "environments": ["abcdefghijklmno"],
        "repository_id": "1234567890",
        "subject_prefix": "repo:owner@1234567890/a-repository-with-a-long-name@1234567890",
        "alerts": {"abcdefghijklmno": ""},
        "domains": {"abcdefghijklmno": {"name": "www.example.org", "zone": "Z0123456789ABC"}},
        "uses": ["dynamodb", "s3", "secrets", "ses", "sns", "sqs", "vpc"],
        "web_acls": {"abcdefghijklmno": f"{_WEB_ACLS}/shop/473e64fd-f30b-4765-81a0-62ad96dd167a"},
    },
    "stack": {
        "alerts": {"emails": ["on-call@example.org"]},
        "customer_managed_key": True,
        "environment": "abcdefghijklmno",
        "function_tracing": True,
        "placeholder_zip": "placeholder.zip",
    },
}
# By the argument that holds a policy, and the resource's type.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html
# https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
_SIZES = {
    ("assume_role_policy", "aws_iam_role"): 2048,
    ("policy", "aws_iam_policy"): 6144,
    ("policy", "aws_iam_role_policy"): 10240,
    ("policy", "aws_kms_key"): 32768,
    ("policy", "aws_s3_bucket_policy"): 20480,
    ("policy", "aws_sns_topic"): 30720,
}
# A search by the beginning of a name needs the right to see all alarms.
_ACCOUNT_WIDE = {"cloudwatch:DescribeAlarms"}


@dataclass(frozen=True)
class Policy:
    """A policy, where it stands, and what it counts towards."""

    address: str
    kind: tuple[str, str]
    owner: str
    text: str

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each statement, with its place."""
        for number, statement in enumerate(json.loads(self.text)["Statement"]):
            yield f"{self.address} {statement.get('Sid', number)}", statement


@pytest.fixture(scope="module", params=_VARIABLES)
def policies(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The policies of a configuration."""
    name, folder = request.param, tmp_path_factory.mktemp("policies")
    ignored = shutil.ignore_patterns(".terraform", "*.tftest.hcl")
    shutil.copytree(_INFRASTRUCTURE / "modules", folder / "modules")
    shutil.copytree(_INFRASTRUCTURE / name, folder / name, ignore=ignored)
    # A mocked provider imports nothing, and the state is nobody's yet.
    (folder / name / "import.tf").unlink(missing_ok=True)
    (folder / name / "tests" / "rendered.tftest.hcl").write_text(_RENDERED)
    variables = {**_NAMES, **_VARIABLES[name]}
    (folder / name / "terraform.tfvars.json").write_text(json.dumps(variables))
    workspace = {"TF_WORKSPACE": str(variables["environment"])} if name == "stack" else {}
    data = initialized(folder / name, folder / "data")
    done = terraform(folder / name, data, "test", "-json", "-verbose", **workspace)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    state = next((one["test_state"] for one in messages if one["type"] == "test_state"), None)
    assert state, done.stdout
    return list(_policies(state["root_module"]))


def _policies(module: dict[str, Any]) -> Iterator[Policy]:
    for resource in module.get("resources", []):
        values = resource["values"]
        for argument in ("assume_role_policy", "policy"):
            text = values.get(argument)
            if isinstance(text, str) and text.startswith("{"):
                owner = str(values.get("role") or resource["address"])
                yield Policy(resource["address"], (argument, resource["type"]), owner, text)
    for child in module.get("child_modules", []):
        yield from _policies(child)


def test_every_statement_is_one_that_aws_can_apply(policies: list[Policy]) -> None:
    faults = [
        f"{place}: {fault}"
        for policy in policies
        for place, statement in policy.statements()
        for fault in authorization.faults(statement)
    ]
    assert not faults, "\n".join(faults)


def test_nothing_is_allowed_for_everything_that_could_be_limited(policies: list[Policy]) -> None:
    found = {
        (place, action)
        for policy in policies
        # A boundary allows nothing by itself, and a key's policy means the key.
        if policy.kind[1] in ("aws_iam_policy", "aws_iam_role_policy")
        if "_boundary" not in policy.address
        for place, statement in policy.statements()
        for action in authorization.unlimited(statement) - _ACCOUNT_WIDE
    }
    assert found == set()


def test_every_policy_fits_into_its_quota(policies: list[Policy]) -> None:
    sizes: defaultdict[tuple[tuple[str, str], str], int] = defaultdict(int)
    for policy in policies:
        sizes[policy.kind, policy.owner] += len(policy.text)
    assert {kind for kind, _ in sizes} <= set(_SIZES)
    assert {owner: size for (kind, owner), size in sizes.items() if size > _SIZES[kind]} == {}
