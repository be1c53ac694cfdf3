"""The repository's settings as code: what they are, what they must be, and how to change them.

https://docs.github.com/en/rest: environments, variables, rulesets and actions permissions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ship.errors import ShipError, UsageError
from ship.github.api import PREVIEW

if TYPE_CHECKING:
    from ship.config import Project
    from ship.github.api import Api

REQUIRED_CHECK = "All checks passed"
_BRANCH = "main"
# GitHub matches a job of a pull request by this ref, until the pull request is merged.
_PULL_REQUESTS = "refs/pull/*/merge"
_RULESET = "main"
# Besides GitHub's own; each is pinned to a commit where it is used.
_ACTIONS = ["aws-actions/configure-aws-credentials@*"]


@dataclass(frozen=True)
class Setting:
    """One setting: its name, its value, the value it must have, and the call that sets it."""

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


def check_account(account: str) -> str:
    """Return an AWS account id, which has 12 digits."""
    if not re.fullmatch(r"[0-9]{12}", account):
        raise UsageError(f"{account!r} is not an AWS account id", "give its 12 digits")
    return account


def read_settings(
    project: Project, account: str, reviewers: tuple[str, ...], api: Api
) -> list[Setting]:
    """Every setting that the workflows rely on, beside its current value.

    `reviewers` approve the last environment, users or `org/team`; none leaves those that are set.
    """
    base = f"repos/{project.repository}"
    if api("GET", base, None) is None:
        raise ShipError(
            f"there is no repository {project.repository}, or you may not see it",
            "correct `repository` in pyproject.toml, or sign in with `gh auth login`",
        )
    variables = {"AWS_ACCOUNT_ID": account, "AWS_REGION": project.region, "PROJECT": project.name}
    last = project.environments[-1]
    settings = [*_permissions(base, api), *_variables(base, variables, api)]
    for name in project.environments:
        approvers = _find_approvers(base, name, reviewers, api) if name == last else None
        settings += _environment(base, name, (_BRANCH,), approvers, api)
    # A merged pull request's last run and the nightly clean-up are on main. A run for a fork's
    # pull request gets no token, whatever environment it names.
    settings += _environment(base, PREVIEW, (_BRANCH, _PULL_REQUESTS), None, api)
    return [*settings, _label(base, api), _ruleset(base, api)]


def apply(settings: list[Setting], api: Api) -> list[Setting]:
    """Change what differs, and return it."""
    changed = [setting for setting in settings if setting.differs]
    for setting in changed:
        api(setting.method, setting.path, setting.body)
    return changed


def _permissions(base: str, api: Api) -> list[Setting]:
    """What workflows may do by default, and whose actions they may use."""
    trusted = {"enabled": True, "allowed_actions": "selected", "sha_pinning_required": True}
    listed = {"github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": _ACTIONS}
    token = {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False}
    settings = []
    for name, end, wanted in (
        ("actions: who is trusted", "", trusted),
        ("actions: the list", "/selected-actions", listed),
        ("actions: the default token", "/workflow", token),
    ):
        path = f"{base}/actions/permissions{end}"
        found = api("GET", path, None) or {}
        now = {key: found.get(key) for key in wanted}
        settings.append(Setting(name, now, wanted, "PUT", path, wanted))
    return settings


def _variables(base: str, wanted: dict[str, str], api: Api) -> list[Setting]:
    settings = []
    for name, value in wanted.items():
        path = f"{base}/actions/variables"
        found = api("GET", f"{path}/{name}", None)
        # There is no call that creates or updates a variable, whichever is due.
        # https://docs.github.com/en/rest/actions/variables
        method, target = ("PATCH", f"{path}/{name}") if found else ("POST", path)
        body = {"name": name, "value": value}
        now = (found or {}).get("value")
        settings.append(Setting(f"variable {name}", now, value, method, target, body))
    return settings


def _environment(
    base: str, name: str, refs: tuple[str, ...], approvers: list[dict[str, Any]] | None, api: Api
) -> list[Setting]:
    """An environment that only jobs of these refs may name; no approvers leaves those there are."""
    # The environment's name is in the claims of a job's OIDC token, and the role trusts it: a
    # setting that lets any branch name it lets any branch take the role.
    # https://docs.github.com/en/actions/reference/security/oidc
    path = f"{base}/environments/{name}"
    found = api("GET", path, None)
    current = _reviewers(found or {})
    approvers = current if approvers is None else approvers
    custom = {"protected_branches": False, "custom_branch_policies": True}
    now = {
        "branches": (found or {}).get("deployment_branch_policy"),
        "reviewers": sorted(one["id"] for one in current),
    }
    wanted = {"branches": custom, "reviewers": sorted(one["id"] for one in approvers)}
    # PUT replaces all rules: reviewers that are not in the body are removed.
    # https://docs.github.com/en/rest/deployments/environments
    body = {"deployment_branch_policy": custom, "reviewers": approvers or None}
    settings = [Setting(f"environment {name}", now if found else None, wanted, "PUT", path, body)]
    # A policy has no PUT: one that should go is deleted by its id.
    # https://docs.github.com/en/rest/deployments/branch-policies
    path = f"{path}/deployment-branch-policies"
    policies = (api("GET", path, None) or {}).get("branch_policies", [])
    ids = {policy["name"]: policy["id"] for policy in policies}
    for ref in refs:
        new = {"name": ref, "type": "branch"}
        title, current_ref = f"environment {name}: {ref}", ref if ref in ids else None
        settings.append(Setting(title, current_ref, ref, "POST", path, new))
    for ref in ids.keys() - set(refs):
        target = f"{path}/{ids[ref]}"
        settings.append(Setting(f"environment {name}: {ref}", ref, None, "DELETE", target, None))
    return settings


def _find_approvers(
    base: str, name: str, reviewers: tuple[str, ...], api: Api
) -> list[dict[str, Any]]:
    approvers = []
    for reviewer in reviewers:
        owner, _, team = reviewer.partition("/")
        found = api("GET", f"orgs/{owner}/teams/{team}" if team else f"users/{reviewer}", None)
        if found is None:
            raise ShipError(
                f"there is no reviewer {reviewer}", "name a user, or a team as ORGANISATION/TEAM"
            )
        approvers.append({"type": "Team" if team else "User", "id": found["id"]})
    approvers = approvers or _reviewers(api("GET", f"{base}/environments/{name}", None) or {})
    if not approvers:
        raise ShipError(
            f"nobody approves what goes to {name}",
            "name who does with `--reviewer USER` or `--reviewer ORGANISATION/TEAM`",
        )
    return approvers


def _reviewers(environment: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": one["type"], "id": one["reviewer"]["id"]}
        for rule in environment.get("protection_rules", [])
        for one in rule.get("reviewers", [])
    ]


def _label(base: str, api: Api) -> Setting:
    wanted = {
        "name": PREVIEW,
        "color": "1d76db",
        "description": "Show this pull request in an environment of its own",
    }
    found = api("GET", f"{base}/labels/{PREVIEW}", None)
    now = {key: found.get(key) for key in wanted} if found else None
    method, path = ("PATCH", f"{base}/labels/{PREVIEW}") if found else ("POST", f"{base}/labels")
    return Setting(f"label {PREVIEW}", now, wanted, method, path, wanted)


def _ruleset(base: str, api: Api) -> Setting:
    """What a change of main has to pass."""
    # The list leaves the rules out, so the one that is found is read again by its id.
    # https://docs.github.com/en/rest/repos/rules
    listed = api("GET", f"{base}/rulesets", None) or []
    number = next((one["id"] for one in listed if one["name"] == _RULESET), None)
    found = api("GET", f"{base}/rulesets/{number}", None) if number else None
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
    wanted: dict[str, Any] = {
        "name": _RULESET,
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": [
            {"type": "deletion"},
            {"type": "non_fast_forward"},
            {"type": "pull_request", "parameters": review},
            {"type": "required_status_checks", "parameters": checks},
        ],
    }
    method, path = ("PUT", f"{base}/rulesets/{number}") if number else ("POST", f"{base}/rulesets")
    now = _common_part(found, wanted) if found else None
    return Setting("ruleset of main", now, wanted, method, path, wanted)


def _common_part(found: Any, wanted: Any) -> Any:
    """What was found, without the fields that GitHub adds and in the order of what is wanted."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return {key: _common_part(found.get(key), value) for key, value in wanted.items()}
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        ordered = sorted(found, key=lambda one: one["type"] if "type" in one else str(one))
        return [_common_part(one, other) for one, other in zip(ordered, wanted, strict=True)]
    return found
