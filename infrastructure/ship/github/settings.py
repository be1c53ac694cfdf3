"""The repository's settings as code: what they are, what they must be, and how to change them.

https://docs.github.com/en/rest: environments, variables, rulesets and actions permissions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ship.errors import ShipError, UsageError
from ship.github.api import PREVIEW
from ship.github.checks import BRANCH, Problem, check_repository, read_repository, variables
from ship.github.issues import LABEL as DRIFT
from ship.github.scans import read_scans
from ship.github.setting import Setting, compare_fields

if TYPE_CHECKING:
    from ship.config import Project
    from ship.github.api import Api
    from ship.github.checks import Repository

REQUIRED_CHECK = "All checks passed"
# The app that GitHub's own workflows report with: nobody else can report the required check.
_GITHUB_ACTIONS = 15368
_DEPLOY = "deploy.yml"
# GitHub matches a job of a pull request by this ref, until the pull request is merged.
_PULL_REQUESTS = "refs/pull/*/merge"
_RULESET = "main"
# Besides GitHub's own; each is pinned to a commit where it is used.
_ACTIONS = ["aws-actions/configure-aws-credentials@*"]
_LABELS = (
    (PREVIEW, "1d76db", "Show this pull request in an environment of its own"),
    (DRIFT, "d93f0b", "An environment differs from what was deployed to it"),
)


@dataclass(frozen=True)
class Options:
    """What a repository is to be set to.

    Attributes:
        account: the AWS account's 12 digits.
        reviewers: who approve the last environment, users or `org/team`; none leaves those set.
        alone: one person maintains it, so nobody else approves a pull request or a deploy.
        self_review: who started a deploy may approve it, too.
        rules: make the rules of main even before main has been deployed.
    """

    account: str
    reviewers: tuple[str, ...] = ()
    alone: bool = False
    self_review: bool = False
    rules: bool = False


@dataclass(frozen=True)
class Plan:
    """What is to be done to a repository, and what keeps its workflows from working all the same.

    `note` says what has to wait.
    """

    problems: list[Problem]
    settings: list[Setting]
    note: str = ""

    @property
    def differing(self) -> list[Setting]:
        """What has to be changed."""
        return [setting for setting in self.settings if setting.differs]


def check_account(account: str) -> str:
    """Return an AWS account id, which has 12 digits."""
    if not re.fullmatch(r"[0-9]{12}", account):
        raise UsageError(f"{account!r} is not an AWS account id", "give its 12 digits")
    return account


def read_plan(project: Project, options: Options, api: Api) -> Plan:
    """Every setting that the workflows rely on, beside its current value, and every problem.

    What the repository's plan at GitHub does not have is left out. Only administrators can read
    the settings: for others there are none.
    """
    repository = read_repository(project, api)
    problems = check_repository(project, api)
    if not repository.admin:
        return Plan(problems, [])
    base = repository.path
    values = variables(project, options.account)
    settings = [*_permissions(repository, api), *_variables(base, values, api)]
    settings += [_label(base, *label, api) for label in _LABELS]
    settings += read_scans(repository, api)
    if not repository.has_rules:
        return Plan(problems, settings)
    for name in project.environments:
        protected = name == project.environments[-1] and repository.has_everything
        approval = _find_approval(base, name, options, api) if protected else None
        settings += _environment(base, name, (BRANCH,), approval, api)
    # A merged pull request's last run and the nightly clean-up are on main. A run for a fork's
    # pull request gets no token, whatever environment it names.
    settings += _environment(base, PREVIEW, (BRANCH, _PULL_REQUESTS), None, api)
    ruleset = _ruleset(base, options, api)
    if not options.alone:
        problems += _check_alone(base, api)
    # The first commit reaches main by a push, which the rules forbid.
    if ruleset.found is None and not options.rules and not _is_deployed(base, api):
        note = "the rules of main wait: run this again when Deploy has succeeded, or with --rules"
        return Plan(problems, settings, note)
    return Plan(problems, [*settings, ruleset])


def apply(plan: Plan, api: Api, *, accept: bool = False) -> list[Setting]:
    """Change what differs, and return it; problems that are not accepted keep it from starting."""
    if plan.problems and not (accept and plan.settings):
        many = "problems keep" if plan.problems[1:] else "problem keeps"
        raise ShipError(
            f"nothing is changed: {len(plan.problems)} {many} the workflows from working",
            "do what stands beside each, or go on all the same with --accept",
        )
    for setting in plan.differing:
        api(setting.method, setting.path, setting.body)
    return plan.differing


def _check_alone(base: str, api: Api) -> list[Problem]:
    people = api("GET", f"{base}/collaborators?permission=push&per_page=2", None) or []
    if len(people) != 1:
        return []
    what = f"only {people[0]['login']} may push, and nobody approves a change of their own"
    return [Problem(what, "run `ship github` with --alone, or invite somebody")]


def _is_deployed(base: str, api: Api) -> bool:
    runs = f"{base}/actions/workflows/{_DEPLOY}/runs?branch={BRANCH}&status=success&per_page=1"
    return bool((api("GET", runs, None) or {}).get("total_count"))


def _permissions(repository: Repository, api: Api) -> list[Setting]:
    """What workflows may do by default, and whose actions they may use."""
    path = f"{repository.path}/actions/permissions"
    allowed = "selected" if repository.has_everything else "all"
    trusted = {"enabled": True, "allowed_actions": allowed, "sha_pinning_required": True}
    listed = {"github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": _ACTIONS}
    token = {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False}
    found = api("GET", path, None) or {}
    settings = [compare_fields("actions: who is trusted", path, found, trusted)]
    if repository.has_everything:
        target, selected = f"{path}/selected-actions", found.get("allowed_actions") == "selected"
        # While another policy holds, GitHub answers 409.
        # https://docs.github.com/en/rest/actions/permissions
        found = (api("GET", target, None) or {}) if selected else {}
        settings.append(compare_fields("actions: the list", target, found, listed))
    found = api("GET", f"{path}/workflow", None) or {}
    return [
        *settings,
        compare_fields("actions: the default token", f"{path}/workflow", found, token),
    ]


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


@dataclass(frozen=True)
class _Approval:
    """Who approves what goes to an environment, and whether who started it may not."""

    reviewers: list[dict[str, Any]]
    prevent_self_review: bool

    @classmethod
    def read(cls, environment: dict[str, Any]) -> _Approval:
        rules = environment.get("protection_rules", [])
        return cls(
            [
                {"type": one["type"], "id": one["reviewer"]["id"]}
                for rule in rules
                for one in rule.get("reviewers", [])
            ],
            any(rule.get("prevent_self_review") for rule in rules),
        )

    @property
    def body(self) -> dict[str, Any]:
        # Where a plan has no reviewers, GitHub refuses a body that as much as names them.
        if not self.reviewers:
            return {}
        return {"reviewers": self.reviewers, "prevent_self_review": self.prevent_self_review}

    @property
    def shown(self) -> dict[str, Any]:
        ids = sorted(one["id"] for one in self.reviewers)
        return {"reviewers": ids, "prevent_self_review": self.prevent_self_review}


def _environment(
    base: str, name: str, refs: tuple[str, ...], approval: _Approval | None, api: Api
) -> list[Setting]:
    """An environment that only jobs of these refs may name; no approval leaves the one there is."""
    # The environment's name is in the claims of a job's OIDC token, and the role trusts it: a
    # setting that lets any branch name it lets any branch take the role.
    # https://docs.github.com/en/actions/reference/security/oidc
    path = f"{base}/environments/{name}"
    found = api("GET", path, None)
    current = _Approval.read(found or {})
    approval = approval or current
    custom = {"protected_branches": False, "custom_branch_policies": True}
    now = {"branches": (found or {}).get("deployment_branch_policy"), **current.shown}
    wanted = {"branches": custom, **approval.shown}
    # PUT replaces all rules: what is not in the body is removed, an owner's wait timer too.
    # https://docs.github.com/en/rest/deployments/environments
    body = {"deployment_branch_policy": custom, **approval.body}
    for rule in (found or {}).get("protection_rules", []):
        if rule["type"] == "wait_timer":
            body["wait_timer"] = rule["wait_timer"]
    settings = [Setting(f"environment {name}", now if found else None, wanted, "PUT", path, body)]
    # A policy has no PUT: one that should go is deleted by its id.
    # https://docs.github.com/en/rest/deployments/branch-policies
    path = f"{path}/deployment-branch-policies"
    listed = (api("GET", f"{path}?per_page=100", None) or {}) if found else {}
    ids = {policy["name"]: policy["id"] for policy in listed.get("branch_policies", [])}
    for ref in refs:
        new = {"name": ref, "type": "branch"}
        title, current_ref = f"environment {name}: {ref}", ref if ref in ids else None
        settings.append(Setting(title, current_ref, ref, "POST", path, new))
    for ref in sorted(ids.keys() - set(refs)):
        target = f"{path}/{ids[ref]}"
        settings.append(Setting(f"environment {name}: {ref}", ref, None, "DELETE", target, None))
    return settings


def _find_approval(base: str, name: str, options: Options, api: Api) -> _Approval:
    reviewers = []
    for reviewer in options.reviewers:
        owner, _, team = reviewer.partition("/")
        found = api("GET", f"orgs/{owner}/teams/{team}" if team else f"users/{reviewer}", None)
        if found is None:
            raise ShipError(
                f"there is no reviewer {reviewer}", "name a user, or a team as ORGANISATION/TEAM"
            )
        reviewers.append({"type": "Team" if team else "User", "id": found["id"]})
    reviewers = (
        reviewers or _Approval.read(api("GET", f"{base}/environments/{name}", None) or {}).reviewers
    )
    if not reviewers and options.alone:
        reviewers = [{"type": "User", "id": api("GET", "user", None)["id"]}]
    if not reviewers:
        raise ShipError(
            f"nobody approves what goes to {name}",
            "name who does with `--reviewer USER` or `--reviewer ORGANISATION/TEAM`",
        )
    return _Approval(reviewers, not (options.alone or options.self_review))


def _label(base: str, name: str, color: str, description: str, api: Api) -> Setting:
    wanted = {"name": name, "color": color, "description": description}
    path = f"{base}/labels/{name}"
    found = api("GET", path, None)
    if found is None:
        return Setting(f"label {name}", None, wanted, "POST", f"{base}/labels", wanted)
    # The name is in the path; to rename a label, a body says `new_name`.
    body = {"color": color, "description": description}
    now = {key: found.get(key) for key in wanted}
    return Setting(f"label {name}", now, wanted, "PATCH", path, body)


def _ruleset(base: str, options: Options, api: Api) -> Setting:
    """What a change of main has to pass."""
    # The list leaves the rules out, so the one that is found is read again by its id.
    # https://docs.github.com/en/rest/repos/rules
    # An organization's rulesets are not the repository's to change.
    listed = api("GET", f"{base}/rulesets?includes_parents=false&per_page=100", None) or []
    number = next((one["id"] for one in listed if one["name"] == _RULESET), None)
    found = api("GET", f"{base}/rulesets/{number}", None) if number else None
    review = {
        "dismiss_stale_reviews_on_push": True,
        "require_code_owner_review": not options.alone,
        "require_last_push_approval": not options.alone,
        "required_approving_review_count": 0 if options.alone else 1,
        "required_review_thread_resolution": True,
    }
    check = {"context": REQUIRED_CHECK, "integration_id": _GITHUB_ACTIONS}
    checks = {
        "required_status_checks": [check],
        "strict_required_status_checks_policy": True,
    }
    wanted: dict[str, Any] = {
        "name": _RULESET,
        "target": "branch",
        "enforcement": "active",
        "bypass_actors": [],
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
