from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ship.errors import ShipError, UsageError
from ship.github import settings
from tests.ship.environments.factories import make_project

ACCOUNT = "123456789012"


class FakeGitHub:
    """A repository's settings behind GitHub's paths, as far as they are used."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {"repos/o/r": {"id": 1}, "users/ann": {"id": 7}}
        self.values["orgs/o/teams/ops"] = {"id": 9}
        self.changes: list[str] = []

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        if method == "GET":
            return self._get(path)
        self.changes.append(f"{method} {path}")
        if method == "DELETE":
            folder, _, number = path.rpartition("/")
            policies = self.values[folder]["branch_policies"]
            policies[:] = [one for one in policies if one["id"] != int(number)]
        elif path.endswith("/deployment-branch-policies"):
            policies = self.values.setdefault(path, {"branch_policies": []})
            policies["branch_policies"].append(body | {"id": len(self.changes)})
        elif path.endswith("/labels"):
            self.values[f"{path}/{body['name']}"] = body | {"id": 3, "default": False}
        elif path.endswith("/rulesets"):
            self.values[f"{path}/5"] = body | {"id": 5, "created_at": "now"}
        elif path.endswith("/actions/variables"):
            self.values[f"{path}/{body['name']}"] = body
        elif re.search(r"/environments/[a-z]+$", path):
            self.values[path] = self._environment(body)
        else:
            self.values[path] = self.values.get(path, {}) | body
        return None

    def _get(self, path: str) -> Any:
        if path.endswith("/rulesets"):
            return [value for key, value in self.values.items() if key.startswith(f"{path}/")]
        return self.values.get(path)

    def _environment(self, body: dict[str, Any]) -> dict[str, Any]:
        reviewers = [
            {"type": one["type"], "reviewer": {"id": one["id"]}} for one in body["reviewers"] or []
        ]
        rules = [{"type": "required_reviewers", "reviewers": reviewers}] if reviewers else []
        policy = body["deployment_branch_policy"]
        return {"deployment_branch_policy": policy, "protection_rules": rules}


@pytest.fixture
def github() -> FakeGitHub:
    return FakeGitHub()


def differing(github: FakeGitHub, *reviewers: str) -> list[str]:
    found = settings.read_settings(make_project(), ACCOUNT, reviewers, github)
    return [setting.name for setting in found if setting.differs]


def made(github: FakeGitHub) -> FakeGitHub:
    settings.apply(
        settings.read_settings(make_project(), ACCOUNT, ("ann", "o/ops"), github), github
    )
    github.changes.clear()
    return github


def test_looking_changes_nothing_and_run_again_there_is_nothing_to_change(
    github: FakeGitHub,
) -> None:
    assert len(differing(github, "ann")) == 17
    assert github.changes == []
    made(github)

    assert differing(github) == differing(github, "ann", "o/ops") == []
    assert settings.apply(settings.read_settings(make_project(), ACCOUNT, (), github), github) == []
    assert github.changes == []


@pytest.mark.parametrize("name", ["dev", "staging", "production"])
def test_only_main_may_name_an_environment(github: FakeGitHub, name: str) -> None:
    """O3: without it any branch could take the environment's role."""
    path = f"repos/o/r/environments/{name}"
    made(github)(
        "POST", f"{path}/deployment-branch-policies", {"name": "release/*", "type": "branch"}
    )
    github.values[path]["deployment_branch_policy"] = None

    assert differing(github) == [f"environment {name}", f"environment {name}: release/*"]
    settings.apply(settings.read_settings(make_project(), ACCOUNT, (), github), github)
    assert differing(github) == []


def test_a_preview_is_for_pull_requests_and_main_and_needs_no_approval(github: FakeGitHub) -> None:
    path = "repos/o/r/environments/preview"
    made(github)("POST", f"{path}/deployment-branch-policies", {"name": "*", "type": "branch"})

    assert differing(github) == ["environment preview: *"]
    settings.apply(settings.read_settings(make_project(), ACCOUNT, (), github), github)
    policies = github.values[f"{path}/deployment-branch-policies"]["branch_policies"]
    assert [one["name"] for one in policies] == ["main", "refs/pull/*/merge"]
    assert github.values[path]["protection_rules"] == []


REPOSITORY = "repos/o/r"
CHANGES: dict[str, tuple[str, Callable[[Any], object]]] = {
    "label preview": ("labels/preview", lambda one: one.update(description="Something else")),
    "ruleset of main": ("rulesets/5", lambda one: one["rules"].pop()),
    "variable AWS_ACCOUNT_ID": (
        "actions/variables/AWS_ACCOUNT_ID",
        lambda one: one.update(value="210987654321"),
    ),
    "actions: the default token": (
        "actions/permissions/workflow",
        lambda one: one.update(default_workflow_permissions="write"),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_by_hand_is_seen(github: FakeGitHub, name: str) -> None:
    path, change = CHANGES[name]
    change(made(github).values[f"{REPOSITORY}/{path}"])

    assert differing(github) == [name]


def test_production_waits_for_its_reviewers(github: FakeGitHub) -> None:
    made(github)

    rules = github.values["repos/o/r/environments/production"]["protection_rules"]
    assert [one["reviewer"]["id"] for one in rules[0]["reviewers"]] == [7, 9]
    assert github.values["repos/o/r/environments/dev"]["protection_rules"] == []
    assert differing(github, "ann") == ["environment production"]


@pytest.mark.parametrize("names", [("live",), ("qa", "live")])
def test_the_last_environment_of_any_list_waits_for_reviewers(
    github: FakeGitHub, names: tuple[str, ...]
) -> None:
    found = settings.read_settings(make_project(Path(), "o/r", *names), ACCOUNT, ("ann",), github)
    settings.apply(found, github)

    rules = {name: github.values[f"repos/o/r/environments/{name}"] for name in names}
    assert [name for name, one in rules.items() if one["protection_rules"]] == ["live"]


@pytest.mark.parametrize(
    ("reviewers", "message"),
    [((), "nobody approves what goes to production"), (("bob",), "no reviewer bob")],
)
def test_production_needs_reviewers_that_exist(
    github: FakeGitHub, reviewers: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ShipError, match=message):
        differing(github, *reviewers)


def test_the_required_check_is_the_one_that_gathers_all(github: FakeGitHub) -> None:
    rules = made(github).values["repos/o/r/rulesets/5"]["rules"]

    (checks,) = [one for one in rules if one["type"] == "required_status_checks"]
    assert checks["parameters"]["required_status_checks"] == [{"context": settings.REQUIRED_CHECK}]


def test_another_repository_is_refused(github: FakeGitHub) -> None:
    with pytest.raises(ShipError, match="no repository your-org/shop"):
        settings.read_settings(make_project(Path(), "your-org/shop"), ACCOUNT, (), github)


@pytest.mark.parametrize("account", ["", "12345678901", "12345678901x"])
def test_what_is_no_account_is_refused(account: str) -> None:
    with pytest.raises(UsageError):
        settings.check_account(account)
