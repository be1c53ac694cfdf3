"""A journey through all that a project's roles are for, with nothing but those roles.

The emulator asks for each call's permission, so a missing one ends the journey. What is granted
and not called on it is listed in never_called.txt, each with its reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e.faults.test_killed_applies import kill_after
from tests.e2e.sandbox import Sandbox, git, running

pytestmark = pytest.mark.nightly

NEVER_CALLED = Path(__file__).with_name("never_called.txt")
PREVIEW = "pr-9"
# What a maintainer changes one day in the stack's files: each description, comment, tag, CloudFront
# function and setting of the edge. The distribution's comment is a contract.
EDITS = {
    r'((?:description|comment) += ")(?!\$\{var.project\})': r"\1Edited. ",
    r'(managed-by +=) "terraform"': r'\1 "terraform", cost-center = "shop"',
    r"(function handler)": r"// Edited.\n\1",
    r'(price_class +=) "PriceClass_100"': r'\1 "PriceClass_200"',
    r'(http_version +=) "http2and3"': r'\1 "http2"',
    r"(is_ipv6_enabled +=) true": r"\1 false",
    r"(compress(?:ed)? +=) true": r"\1 false",
    r"(include_subdomains +=) true": r"\1 false",
    r"\b31536000\b": "86400",
    r'(frame_option +=) "\w+"': r'\1 "SAMEORIGIN"',
    r'(referrer_policy +=) "[\w-]+"': r'\1 "no-referrer"',
    r'(removed +=) \["Server"\]': r'\1 ["Server", "Via"]',
    r"(error_caching_min_ttl +=) 0": r"\1 1",
    r"(maximum_event_age_in_seconds +=) 60": r"\1 90",
}
VARIABLES = {
    "alarm_errors_per_minute": 5,
    "alarm_p99_milliseconds": 2000,
    "customer_managed_key": True,
    "function_memory_megabytes": 256,
    "function_reserved_concurrency": 5,
    "function_timeout_seconds": 9,
    "function_tracing": True,
    "log_retention_days": 30,
    "throttling": {"burst": 20, "rate": 10},
    "warm_up_environments": 2,
    "warm_up_minutes": 4,
}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Three live environments that nothing but `ship` has called."""
    with running(tmp_path_factory, "rights") as made:
        yield made


def test_an_environments_own_role_edits_all_that_its_stack_has(sandbox: Sandbox) -> None:
    stack, release = sandbox.root / "infrastructure/stack", sandbox.status("dev")["release"]
    edited = {pattern for path in stack.iterdir() for pattern in _edit(path)}
    assert edited == set(EDITS), "nothing in the stack fits a pattern"
    (stack / "settings.auto.tfvars.json").write_text(json.dumps(VARIABLES))

    _apply(sandbox, "dev")
    sandbox.ship("deploy", "dev", "--release", release)

    git(sandbox.root, "checkout", "--quiet", "--", "infrastructure")
    (stack / "settings.auto.tfvars.json").unlink()
    _apply(sandbox, "dev")


def _edit(path: Path) -> Iterator[str]:
    if path.suffix not in (".tf", ".js") or path.stem in ("outputs", "variables"):
        return
    text = path.read_text()
    for pattern, new in EDITS.items():
        text, count = re.subn(pattern, new, text)
        yield from [pattern] * bool(count)
    path.write_text(text)


def _apply(sandbox: Sandbox, environment: str) -> None:
    done = sandbox.call("apply", environment)
    assert done.returncode == 0, done.stderr
    assert not sandbox.json("plan", environment)["changes"]


def test_a_permanent_environments_roles_do_all_that_ship_does_there(sandbox: Sandbox) -> None:
    sandbox.edit("something else")
    sandbox.commit("Something else")
    for command in (
        ("deploy", "dev"),
        ("promote", "dev", "staging"),
        ("rollback", "staging", "--reason", "a test"),
        ("repair", "staging"),
        ("settings", "dev", "set", "--plain", "COLOUR=blue"),
        ("settings", "dev", "history", "COLOUR"),
        ("settings", "dev", "unset", "COLOUR"),
        ("settings", "dev", "rotate", "SECRET_KEY"),
        ("settings", "dev", "list"),
        ("restart", "dev"),
        ("logs", "dev"),
        ("status",),
        ("drift", "dev"),
        ("plan", "dev", "--read-only"),
        ("destroy", "staging", "--yes", "staging"),
    ):
        sandbox.ship(*command)


def test_the_previews_role_finishes_a_killed_apply_and_destroys_the_preview(
    sandbox: Sandbox,
) -> None:
    kill_after(sandbox, 30, "apply", PREVIEW)
    for command in ("apply", "deploy"):
        sandbox.ship(command, PREVIEW)
    sandbox.ship("destroy", PREVIEW, "--yes", PREVIEW)


def test_what_is_granted_was_called_or_has_a_reason(sandbox: Sandbox) -> None:
    reasons = dict(re.findall(r"^(\S+ \S+ \S+): (.+)$", NEVER_CALLED.read_text(), re.MULTILINE))

    unused = set(_unused(sandbox))

    assert sorted(unused - set(reasons)) == [], "remove the grant, or add it with its reason"
    assert sorted(set(reasons) - unused) == [], "called, or not granted: remove the line"


def _unused(sandbox: Sandbox) -> Iterator[str]:
    """Each action that a statement allows and no call of such a role has needed."""
    calls = sandbox.root / ".ship/emulator/calls.txt"
    called = {
        (_kind(role), action.lower(), resource)
        for role, action, resource in (
            line.split(" ", 2) for line in calls.read_text().splitlines()
        )
    }
    granted: dict[str, bool] = {}
    for role, statement in _statements(sandbox):
        for action in statement["Action"]:
            name = f"{_kind(role)} {statement['Sid']} {action}"
            granted[name] = granted.get(name, False) or any(
                kind == _kind(role)
                and fnmatchcase(call, action.lower())
                and any(fnmatchcase(resource, arn) for arn in _as_list(statement["Resource"]))
                for kind, call, resource in called
            )
    yield from (name for name, is_called in granted.items() if not is_called)


def _statements(sandbox: Sandbox) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the roles' own policies allow, as IAM has them."""
    root = sandbox.context.emulator.root()
    iam = boto3.client(
        "iam",
        region_name=sandbox.project.region,
        endpoint_url=sandbox.endpoint,
        aws_access_key_id=root.access_key_id,
        aws_secret_access_key=root.secret_access_key,
    )
    for role in (one["RoleName"] for one in iam.list_roles()["Roles"]):
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            for statement in document["Statement"]:
                if statement["Effect"] == "Allow":
                    yield role, statement


def _kind(role: str) -> str:
    """What the roles of all environments, and the previews', are alike in."""
    return next(kind for kind in ("function", "plan", "deploy") if kind in role.split("-"))


def _as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
