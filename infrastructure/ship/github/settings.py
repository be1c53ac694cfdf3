"""The repository's settings as code: what they shall be, what differs, and making them so.

https://docs.github.com/en/rest: environments, variables, rulesets and actions permissions.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ship.environments.previews import LABEL
from ship.errors import ShipError, UsageError

if TYPE_CHECKING:
    from ship.config import Project

REQUIRED_CHECK = "All checks passed"
_BRANCH = "main"
# The ref of every run that a pull request starts, until it is merged.
_PULL_REQUESTS = "refs/pull/*/merge"
_RULESET = "main"
_NOT_FOUND = "HTTP 404"
# Besides GitHub's own; each is pinned to a commit where it is used.
_ACTIONS = ["aws-actions/configure-aws-credentials@*"]

Api = Callable[[str, str, Any], Any]


@dataclass(frozen=True)
class Setting:
    """One setting: what it is called, what it is, what it shall be, and how it is made so."""

    name: str
    found: object
    wanted: object
    method: str
    path: str
    body: object

    @property
    def differs(self) -> bool:
        """Whether it has to be changed."""
        return self.found != self.wanted


def gh(method: str, path: str, body: Any = None) -> Any:
    """Call GitHub's API with the login of its own command line; none when there is nothing.

    Raises:
        ShipError: GitHub refuses, or the command line is missing.
    """
    command = ["gh", "api", "--method", method, path, *(["--input", "-"] if body else [])]
    text = json.dumps(body) if body else None
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ShipError("the GitHub command line gh is not installed", "install gh") from error
    if done.returncode and _NOT_FOUND not in done.stderr:
        said = done.stderr.strip().splitlines()
        raise ShipError(
            f"GitHub refuses {method} {path}: {said[-1] if said else 'no message'}",
            "sign in with `gh auth login` as somebody who may; in a workflow, grant its job that",
        )
    return json.loads(done.stdout) if done.stdout and not done.returncode else None


def check_account(account: str) -> str:
    """Return an AWS account id.

    Raises:
        UsageError: it is none.
    """
    if not re.fullmatch(r"[0-9]{12}", account):
        raise UsageError(f"{account!r} is no AWS account id", "give its 12 digits")
    return account


def settings(project: Project, account: str, reviewers: tuple[str, ...], api: Api) -> list[Setting]:
    """Every setting that the workflows rely on, beside what it is now.

    Args:
        project: whose repository it is.
        account: the AWS account id.
        reviewers: who may approve production, users or `org/team`; those there are, when empty.
        api: how GitHub is called.

    Raises:
        ShipError: GitHub refuses, or there is no such reviewer or repository.
    """
    base = f"repos/{project.repository}"
    if api("GET", base, None) is None:
        raise ShipError(
            f"there is no repository {project.repository}, or you may not see it",
            "correct `repository` in pyproject.toml, or sign in with `gh auth login`",
        )
    variables = {
        "AWS_ACCOUNT_ID": account,
        "AWS_REGION": project.region,
        "PROJECT": project.name,
    }
    return [
        *_permissions(base, api),
        *_variables(base, variables, api),
        *_environments(base, project.environments, reviewers, api),
        *_previews(base, api),
        _ruleset(base, api),
    ]


def change(found: list[Setting], api: Api) -> list[Setting]:
    """Make what differs what it shall be, and return that."""
    changed = [setting for setting in found if setting.differs]
    for setting in changed:
        api(setting.method, setting.path, setting.body)
    return changed


def _permissions(base: str, api: Api) -> list[Setting]:
    """What workflows may do by default, and whose actions they may use."""
    return [
        _put(
            "actions: who is trusted",
            f"{base}/actions/permissions",
            {"enabled": True, "allowed_actions": "selected", "sha_pinning_required": True},
            api,
        ),
        _put(
            "actions: the list",
            f"{base}/actions/permissions/selected-actions",
            {"github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": _ACTIONS},
            api,
        ),
        _put(
            "actions: the default token",
            f"{base}/actions/permissions/workflow",
            {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False},
            api,
        ),
    ]


def _put(name: str, path: str, wanted: dict[str, Any], api: Api) -> Setting:
    found = api("GET", path, None) or {}
    return Setting(name, {key: found.get(key) for key in wanted}, wanted, "PUT", path, wanted)


def _variables(base: str, wanted: dict[str, str], api: Api) -> list[Setting]:
    made = []
    for name, value in wanted.items():
        path = f"{base}/actions/variables"
        found = api("GET", f"{path}/{name}", None)
        method, where = ("POST", path) if found is None else ("PATCH", f"{path}/{name}")
        body = {"name": name, "value": value}
        now = (found or {}).get("value")
        made.append(Setting(f"variable {name}", now, value, method, where, body))
    return made


def _environments(
    base: str, names: tuple[str, ...], reviewers: tuple[str, ...], api: Api
) -> list[Setting]:
    found = []
    for name in names:
        found += _environment(base, name, reviewers, api, approved=name == names[-1])
    return found


def _previews(base: str, api: Api) -> list[Setting]:
    """The environment of all previews, for pull requests and the sweep on main, and the label.

    A merged pull request's last run is on main. A fork's gets no token, whatever it names.
    """
    label = {
        "name": LABEL,
        "color": "1d76db",
        "description": "Show this pull request in an environment of its own",
    }
    found = api("GET", f"{base}/labels/{LABEL}", None)
    now = {key: found.get(key) for key in label} if found else None
    method, path = ("PATCH", f"{base}/labels/{LABEL}") if found else ("POST", f"{base}/labels")
    return [
        *_environment(base, LABEL, (), api, approved=False, refs=(_BRANCH, _PULL_REQUESTS)),
        Setting(f"label {LABEL}", now, label, method, path, label),
    ]


def _environment(
    base: str,
    name: str,
    reviewers: tuple[str, ...],
    api: Api,
    *,
    approved: bool,
    refs: tuple[str, ...] = (_BRANCH,),
) -> list[Setting]:
    """An environment that only some refs may name, and the last one only after an approval."""
    path = f"{base}/environments/{name}"
    found = api("GET", path, None)
    policies = api("GET", f"{path}/deployment-branch-policies", None) or {}
    branches = {one["name"]: one["id"] for one in policies.get("branch_policies", [])}
    there = _reviewers(found or {})
    asked = [_reviewer(one, api) for one in reviewers] if approved and reviewers else there
    if approved and not asked:
        raise ShipError(
            f"nobody approves what goes to {name}",
            "name who does with `--reviewer USER` or `--reviewer ORGANISATION/TEAM`",
        )
    custom = {"protected_branches": False, "custom_branch_policies": True}
    body = {"deployment_branch_policy": custom, "reviewers": asked or None}
    now = {
        "branches": (found or {}).get("deployment_branch_policy"),
        "reviewers": sorted(one["id"] for one in there),
    }
    shall = {"branches": custom, "reviewers": sorted(one["id"] for one in asked)}
    made = [Setting(f"environment {name}", now if found else None, shall, "PUT", path, body)]
    where = f"{path}/deployment-branch-policies"
    for ref in refs:
        only = {"name": ref, "type": "branch"}
        there_is = ref if ref in branches else None
        made.append(Setting(f"environment {name}: {ref}", there_is, ref, "POST", where, only))
    made += [
        Setting(f"environment {name}: {branch}", branch, None, "DELETE", f"{where}/{number}", None)
        for branch, number in branches.items()
        if branch not in refs
    ]
    return made


def _reviewers(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": one["type"], "id": one["reviewer"]["id"]}
        for rule in found.get("protection_rules", [])
        for one in rule.get("reviewers", [])
    ]


def _reviewer(name: str, api: Api) -> dict[str, Any]:
    owner, _, team = name.partition("/")
    found = api("GET", f"orgs/{owner}/teams/{team}" if team else f"users/{name}", None)
    if found is None:
        raise ShipError(
            f"there is no reviewer {name}", "name a user, or a team as ORGANISATION/TEAM"
        )
    return {"type": "Team" if team else "User", "id": found["id"]}


def _ruleset(base: str, api: Api) -> Setting:
    """What a change of main has to pass."""
    listed = api("GET", f"{base}/rulesets", None) or []
    number = next((one["id"] for one in listed if one["name"] == _RULESET), None)
    found = api("GET", f"{base}/rulesets/{number}", None) if number else None
    wanted: dict[str, Any] = {
        "name": _RULESET,
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": _rules(),
    }
    method, path = ("PUT", f"{base}/rulesets/{number}") if number else ("POST", f"{base}/rulesets")
    now = _known(found, wanted) if found else None
    return Setting("ruleset of main", now, wanted, method, path, wanted)


def _rules() -> list[dict[str, Any]]:
    review = {
        "dismiss_stale_reviews_on_push": True,
        "require_code_owner_review": True,
        "require_last_push_approval": True,
        "required_approving_review_count": 1,
        "required_review_thread_resolution": True,
    }
    checks = {
        "required_status_checks": [{"context": REQUIRED_CHECK}],
        "strict_required_status_checks_policy": True,
    }
    return [
        {"type": "deletion"},
        {"type": "non_fast_forward"},
        {"type": "pull_request", "parameters": review},
        {"type": "required_status_checks", "parameters": checks},
    ]


def _known(found: Any, wanted: Any) -> Any:
    """What was found, without what GitHub adds of its own to what is wanted."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return {key: _known(found.get(key), value) for key, value in wanted.items()}
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [_known(one, other) for one, other in zip(_sorted(found), wanted, strict=True)]
    return found


def _sorted(values: list[Any]) -> list[Any]:
    return sorted(values, key=lambda value: value["type"] if "type" in value else str(value))
