"""A repository's settings behind GitHub's API, at first those of a new repository.

It answers 403, 404, 409 and 422 where GitHub does, by plan, visibility and the caller's rights.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from tests.workflows.github_api import find, merge

type Answer = tuple[int, Any]
type Query = dict[str, list[str]]

NOTHING: Answer = (204, None)
NOT_FOUND: Answer = (404, {"message": "Not Found"})
FORBIDDEN: Answer = (403, {"message": "Must have admin rights to Repository."})


def conflict(message: str) -> Answer:
    return 409, {"message": message}


def invalid(message: str) -> Answer:
    return 422, {"message": message}


@dataclass
class Repository:
    """One repository, and who asks: `login`, with these rights."""

    name: str
    subject_prefix: str
    login: str = "ann"
    admin: bool = True
    private: bool = False
    plan: str = "free"
    organization: bool = True
    default_branch: str = "main"
    has_issues: bool = True
    enabled: bool = True
    deployed: bool = False
    default_subject: bool = True
    collaborators: tuple[str, ...] = ("ann", "bob")
    reviewers: dict[str, int] = field(default_factory=lambda: {"ann": 7, "bob": 8, "acme/ops": 9})
    workflows: dict[str, str] = field(default_factory=dict)
    owner_errors: list[dict[str, Any]] | None = None
    fork_tokens: bool = False
    alerts: bool = False
    fixes: bool = False
    reports: bool = False
    code_scanning: str = "not-configured"
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    allowed: dict[str, Any] = field(default_factory=lambda: {"allowed_actions": "all"})
    selected: dict[str, Any] = field(default_factory=dict)
    token: dict[str, Any] = field(
        default_factory=lambda: {
            "default_workflow_permissions": "read",
            "can_approve_pull_request_reviews": False,
        }
    )
    variables: dict[str, str] = field(default_factory=dict)
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, dict[int, str]] = field(default_factory=dict)
    rulesets: dict[int, dict[str, Any]] = field(default_factory=dict)
    parents: dict[int, dict[str, Any]] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)

    @property
    def has_everything(self) -> bool:
        return not self.private or self.plan == "enterprise"

    @property
    def has_rules(self) -> bool:
        return not self.private or self.plan != "free"

    def describe(self) -> Any:
        owner, _, name = self.name.partition("/")
        found = find("GET", f"/repos/{self.name}").example()
        for key in ("source", "parent", "template_repository"):
            found.pop(key)
        values = {
            "name": name,
            "full_name": self.name,
            "html_url": f"https://github.com/{self.name}",
            "private": self.private,
            "visibility": "private" if self.private else "public",
            "default_branch": self.default_branch,
            "has_issues": self.has_issues,
            "archived": False,
            "language": None,
            "owner": {"login": owner, "type": "Organization" if self.organization else "User"},
            "permissions": {"admin": self.admin, "push": self.login in self.collaborators},
            "security_and_analysis": self.secrets if self.admin else None,
        }
        ids = re.fullmatch(r"repo:.+@(\d+)/.+@(\d+)", self.subject_prefix)
        if ids:
            values |= {"id": int(ids[2])}
            values["owner"] = {**values["owner"], "id": int(ids[1])}  # type: ignore[dict-item]
        return merge(found, values)

    def respond_person(self, method: str, parts: list[str]) -> Answer:
        """Answer about the caller, and about other people and teams."""
        path = f"/{'/'.join(parts)}"
        match parts:
            case ["user"]:
                plan = {"name": self.plan} if not self.organization else {}
                mine = {"login": self.login, "id": self.reviewers[self.login], "plan": plan}
                return 200, merge(find(method, path).example(), mine)
            case ["users", name] if name in self.reviewers:
                values = {"login": name, "id": self.reviewers[name]}
                return 200, merge(find(method, path).example(), values)
            case ["orgs", name] if self.organization and name == self.name.partition("/")[0]:
                values = {"login": name, "archived_at": None, "plan": {"name": self.plan}}
                found = merge(find(method, path).example(), values)
                if not self.admin:
                    found.pop("plan")
                return 200, found
            case ["orgs", name, "teams", team] if f"{name}/{team}" in self.reviewers:
                organization = {"login": name, "archived_at": None}
                values = {"id": self.reviewers[f"{name}/{team}"], "type": "organization"}
                found = find(method, path).example()
                return 200, merge(found, values | {"organization": organization})
        return NOT_FOUND

    def respond(self, method: str, parts: list[str], query: Query, body: Any) -> Answer | None:
        """Answer a request for a setting; none when it is about something else."""
        path = f"/repos/{self.name}/{'/'.join(parts)}"
        if method != "GET" and not self.admin:
            # GitHub does not tell a visitor what there is.
            return FORBIDDEN if self.login in self.collaborators else NOT_FOUND
        answer = self._read(path, parts, query) if method == "GET" else None
        answer = answer or self._route(method, path, parts, query, body)
        if method != "GET" and answer and answer[0] < 400:
            self.changes.append(f"{method} {path}")
        return answer

    def _read(self, path: str, parts: list[str], query: Query) -> Answer | None:
        match parts:
            case ["codeowners", "errors"]:
                errors = self.owner_errors
                return NOT_FOUND if errors is None else (200, {"errors": errors})
            case ["collaborators"]:
                (example,) = find("GET", path).example()
                people = [merge(example, {"login": one}) for one in self.collaborators]
                return self._page(people, query)
            case ["actions", "oidc", "customization", "sub"]:
                immutable = "@" in self.subject_prefix
                found = {"use_default": self.default_subject, "use_immutable_subject": immutable}
                return 200, found | {"sub_claim_prefix": self.subject_prefix}
            case ["actions", "workflows"]:
                example = find("GET", path).example()["workflows"][0]
                listed = [
                    merge(example, {"name": name, "path": f".github/workflows/{name}"})
                    | {"state": state}
                    for name, state in self.workflows.items()
                ]
                return 200, {"total_count": len(listed), "workflows": listed}
            case ["actions", "workflows", name, "runs"]:
                if name not in self.workflows:
                    return NOT_FOUND
                runs = find("GET", path).example()["workflow_runs"][:1] if self.deployed else []
                return 200, {"total_count": len(runs), "workflow_runs": runs}
            case ["actions", "permissions", "fork-pr-workflows-private-repos"]:
                if not (self.admin and self.private):
                    return FORBIDDEN
                return 200, {
                    "run_workflows_from_fork_pull_requests": self.fork_tokens,
                    "send_write_tokens_to_workflows": self.fork_tokens,
                    "send_secrets_and_variables": False,
                    "require_approval_for_fork_pr_workflows": False,
                }
        return None

    def _route(
        self, method: str, path: str, parts: list[str], query: Query, body: Any
    ) -> Answer | None:
        match method, parts:
            case _, ["automated-security-fixes" | "vulnerability-alerts", *_]:
                return self._alerts(method, parts)
            case _, [] | ["private-vulnerability-reporting"] | ["code-scanning", "default-setup"]:
                return self._scans(method, path, parts, body)
            case _, ["actions", "permissions", *rest]:
                return self._permissions(method, rest, body) if self.admin else FORBIDDEN
            case _, ["actions", "variables", *rest]:
                return self._variables(method, path, rest, body) if self.admin else FORBIDDEN
            case _, ["labels", *rest]:
                return self._labels(method, path, rest, body)
            case _, ["environments", name]:
                return self._environment(method, path, name, body)
            case _, ["environments", name, "deployment-branch-policies", *rest]:
                return self._policies(method, path, name, rest, body)
            case _, ["rulesets", *rest]:
                return self._rulesets(method, path, rest, query, body)
        return None

    def _alerts(self, method: str, parts: list[str]) -> Answer:
        match method, parts:
            case "PUT", ["vulnerability-alerts"]:
                self.alerts = True
                return NOTHING
            case "PUT", ["automated-security-fixes"]:
                if not self.alerts:
                    return invalid("Vulnerability alerts must be enabled")
                self.fixes = True
                return NOTHING
            case "GET", ["automated-security-fixes"] if self.alerts:
                return 200, {"enabled": self.fixes, "paused": False}
        return NOT_FOUND

    def _scans(self, method: str, path: str, parts: list[str], body: Any) -> Answer:
        if self.private:
            return FORBIDDEN if parts[:1] == ["code-scanning"] else invalid("Not available")
        match method, parts:
            case "PATCH", []:
                self.secrets |= body["security_and_analysis"]
                return 200, self.describe()
            case "GET", ["private-vulnerability-reporting"]:
                return 200, {"enabled": self.reports}
            case "PUT", ["private-vulnerability-reporting"]:
                self.reports = True
                return NOTHING
            case "GET", _:
                return 200, {"state": self.code_scanning, "languages": []}
            case "PATCH", _:
                self.code_scanning = body["state"]
                return 202, find(method, path).example(202)
        return NOT_FOUND

    def _page(self, found: list[Any], query: Query) -> Answer:
        size, page = (
            int(query.get(key, [str(n)])[0]) for key, n in (("per_page", 30), ("page", 1))
        )
        return 200, found[(page - 1) * size : page * size]

    def _permissions(self, method: str, rest: list[str], body: Any) -> Answer:
        match method, rest:
            case "GET", []:
                return 200, {"enabled": self.enabled, **(self.allowed if self.enabled else {})}
            case "PUT", []:
                if body.get("allowed_actions") == "selected" and not self.has_everything:
                    return conflict("Allowed actions cannot be selected on this plan")
                self.enabled = body["enabled"]
                self.allowed |= {key: value for key, value in body.items() if key != "enabled"}
                return NOTHING
            case _, ["selected-actions"] if self.allowed["allowed_actions"] != "selected":
                return conflict("Allowed actions setting is not set to selected")
            case "GET", ["selected-actions"]:
                nobody = {"github_owned_allowed": False, "verified_allowed": False}
                return 200, nobody | {"patterns_allowed": []} | self.selected
            case "PUT", ["selected-actions"]:
                self.selected |= body
                return NOTHING
            case "GET", ["workflow"]:
                return 200, self.token
            case "PUT", ["workflow"]:
                self.token |= body
                return NOTHING
        return NOT_FOUND

    def _variables(self, method: str, path: str, rest: list[str], body: Any) -> Answer:
        match method, rest:
            case "POST", []:
                if body["name"] in self.variables:
                    return conflict("Already exists - Variable already exists")
                self.variables[body["name"]] = body["value"]
                return 201, {}
            case "GET", [name] if name in self.variables:
                values = {"name": name, "value": self.variables[name]}
                return 200, merge(find(method, path).example(), values)
            case "PATCH", [name] if name in self.variables:
                self.variables[name] = body["value"]
                return NOTHING
        return NOT_FOUND

    def _labels(self, method: str, path: str, rest: list[str], body: Any) -> Answer:
        if body and not re.fullmatch("[0-9a-fA-F]{6}", body.get("color", "ededed")):
            return invalid("Validation Failed")
        match method, rest:
            case "POST", []:
                if body["name"] in self.labels:
                    return invalid("Validation Failed: already_exists")
                made = merge(find("POST", path).example(201), {**body, "default": False})
                self.labels[body["name"]] = made
                return 201, made
            case "GET", [name] if name in self.labels:
                return 200, self.labels[name]
            case "PATCH", [name] if name in self.labels:
                self.labels[name] |= body
                return 200, self.labels[name]
        return NOT_FOUND

    def _environment(self, method: str, path: str, name: str, body: Any) -> Answer:
        if method == "PUT":
            asked = body or {}
            refused = {"reviewers", "wait_timer"} & {*asked} and not self.has_everything
            if refused or ("deployment_branch_policy" in asked and not self.has_rules):
                return invalid(
                    "Failed to create the environment protection rule. Please ensure the billing "
                    "plan supports it."
                )
            self.environments[name] = self._describe_environment(path, name, asked)
        return (200, self.environments[name]) if name in self.environments else NOT_FOUND

    def _describe_environment(self, path: str, name: str, body: dict[str, Any]) -> Any:
        example = find("PUT", path).example()
        rules = {rule["type"]: rule for rule in example["protection_rules"]}
        people = {one["type"]: one for one in rules["required_reviewers"]["reviewers"]}
        reviewers = [
            merge(people[one["type"]], {"reviewer": {"id": one["id"]}})
            for one in body.get("reviewers") or []
        ]
        required = {
            "reviewers": reviewers,
            "prevent_self_review": body.get("prevent_self_review", False),
        }
        policy = body.get("deployment_branch_policy")
        kept = [merge(rules["required_reviewers"], required)] if reviewers else []
        if minutes := body.get("wait_timer"):
            kept.append(merge(rules["wait_timer"], {"wait_timer": minutes}))
        values = {"name": name, "deployment_branch_policy": policy, "protection_rules": kept}
        return merge(example, values)

    def _policies(self, method: str, path: str, name: str, rest: list[str], body: Any) -> Answer:
        policy = self.environments.get(name, {}).get("deployment_branch_policy") or {}
        policies = self.policies.setdefault(name, {})
        match method, rest:
            case "GET", [] if name in self.environments:
                example = find(method, path).example()["branch_policies"][0]
                listed = [
                    merge(example, {"id": number, "name": ref}) for number, ref in policies.items()
                ]
                return 200, {"total_count": len(listed), "branch_policies": listed}
            case "POST", [] if policy.get("custom_branch_policies"):
                if body["name"] in policies.values():
                    return 303, None
                number = max(policies, default=100) + 1
                policies[number] = body["name"]
                return 200, merge(find(method, path).example(), {**body, "id": number})
            case "DELETE", [number] if int(number) in policies:
                del policies[int(number)]
                return NOTHING
        return NOT_FOUND

    def _rulesets(self, method: str, path: str, rest: list[str], query: Query, body: Any) -> Answer:
        if not self.has_rules:
            message = "Upgrade to GitHub Pro or make this repository public to enable this feature."
            return 403, {"message": message}
        inherited = query.get("includes_parents") != ["false"]
        everything = {**(self.parents if inherited else {}), **self.rulesets}
        match method, rest:
            case "GET", []:
                # The list leaves out what only the ruleset itself shows.
                left_out = ("rules", "conditions", "bypass_actors")
                return self._page(
                    [
                        {key: value for key, value in one.items() if key not in left_out}
                        for one in everything.values()
                    ],
                    query,
                )
            case "GET", [number] if int(number) in everything:
                return 200, everything[int(number)]
            case "POST", []:
                if body["name"] in [one["name"] for one in self.rulesets.values()]:
                    return invalid("Validation Failed: Name must be unique")
                new = max({**self.rulesets, **self.parents}, default=40) + 1
                self.rulesets[new] = self._describe_ruleset(new, body)
                return 201, self.rulesets[new]
            case "PUT", [number] if int(number) in self.rulesets:
                self.rulesets[int(number)] = self._describe_ruleset(int(number), body)
                return 200, self.rulesets[int(number)]
        return NOT_FOUND

    def _describe_ruleset(self, number: int, body: dict[str, Any]) -> Any:
        example = find("POST", f"/repos/{self.name}/rulesets").example(201)
        return example | {"source": self.name} | body | {"id": number}
