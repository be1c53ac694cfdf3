from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ship.config import Project
from ship.errors import ShipError, UsageError
from ship.github import settings
from ship.github.settings import Options, Plan
from tests.ship.environments.factories import make_project
from tests.workflows.fake_github import GitHub

OPTIONS = Options("123456789012", ("ann", "o/ops"), rules=True)
ALONE = Options("123456789012", alone=True, rules=True)


def read(github: GitHub, options: Options = OPTIONS, project: Project | None = None) -> Plan:
    return settings.read_plan(project or make_project(), options, github)


def apply(github: GitHub, options: Options = OPTIONS, project: Project | None = None) -> list[str]:
    """The names of what was changed."""
    changed = settings.apply(read(github, options, project), github, accept=True)
    return [setting.name for setting in changed]


def differing(github: GitHub, options: Options = OPTIONS) -> list[str]:
    return [setting.name for setting in read(github, options).differing]


def test_looking_at_a_new_repository_changes_nothing_and_names_all_that_differs(
    github: GitHub,
) -> None:
    assert len(differing(github)) == 22
    assert read(github).problems == []
    assert github.settings.changes == []


def test_run_again_there_is_nothing_to_change(github: GitHub) -> None:
    apply(github)

    assert differing(github) == differing(github, replace(OPTIONS, reviewers=())) == []
    assert apply(github) == []


def test_a_run_that_was_refused_half_way_goes_on_where_it_stopped(
    github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = read(github)
    monkeypatch.setattr(github.settings, "plan", "free")
    monkeypatch.setattr(github.settings, "private", True)
    with pytest.raises(ShipError, match="HTTP 409"):
        settings.apply(plan, github)
    monkeypatch.setattr(github.settings, "private", False)

    apply(github)
    assert differing(github) == []


def test_the_list_of_actions_is_asked_for_only_where_there_is_one(github: GitHub) -> None:
    """A new repository allows all actions, and answers 409 to who asks which."""
    asked = "GET repos/o/r/actions/permissions/selected-actions"
    read(github)
    assert asked not in github.calls

    apply(github)
    github.settings.selected["patterns_allowed"] = ["*"]
    assert differing(github) == ["actions: the list"]
    assert asked in github.calls


@pytest.mark.parametrize("name", ["dev", "staging", "production"])
def test_only_main_may_name_an_environment(github: GitHub, name: str) -> None:
    """O3: without it any branch could take the environment's role."""
    apply(github)
    github.settings.policies[name][7] = "release/*"
    github.settings.environments[name]["deployment_branch_policy"] = None

    assert differing(github) == [f"environment {name}", f"environment {name}: release/*"]
    apply(github)
    assert differing(github) == []


def test_a_preview_is_for_pull_requests_and_main_and_needs_no_approval(github: GitHub) -> None:
    apply(github)
    github.settings.policies["preview"][7] = "*"

    assert differing(github) == ["environment preview: *"]
    apply(github)
    assert list(github.settings.policies["preview"].values()) == ["main", "refs/pull/*/merge"]
    assert github.settings.environments["preview"]["protection_rules"] == []


def drop_rule(github: GitHub) -> None:
    (ruleset,) = github.settings.rulesets.values()
    ruleset["rules"].pop()


CHANGES: dict[str, Callable[[GitHub], Any]] = {
    "label preview": lambda github: github.settings.labels["preview"].update(description="Else"),
    "label drift": lambda github: github.settings.labels.pop("drift"),
    "ruleset of main": drop_rule,
    "variable AWS_ACCOUNT_ID": lambda github: github.settings.variables.update(AWS_ACCOUNT_ID="1"),
    "actions: the default token": lambda github: github.settings.token.update(
        default_workflow_permissions="write"
    ),
    "secrets in what is pushed": lambda github: github.settings.secrets.clear(),
    "private reports of vulnerabilities": lambda github: setattr(github.settings, "reports", False),
    "updates of vulnerable packages": lambda github: setattr(github.settings, "fixes", False),
    "CodeQL": lambda github: setattr(github.settings, "code_scanning", "not-configured"),
    "actions: who is trusted": lambda github: github.settings.allowed.update(
        sha_pinning_required=False
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_by_hand_is_seen_and_set_right(github: GitHub, name: str) -> None:
    apply(github)
    CHANGES[name](github)

    assert apply(github) == [name]
    assert differing(github) == []


def approval(github: GitHub, name: str = "production") -> tuple[list[int], bool]:
    rules = github.settings.environments[name]["protection_rules"]
    ids = [one["reviewer"]["id"] for rule in rules for one in rule["reviewers"]]
    return ids, any(rule["prevent_self_review"] for rule in rules)


def test_production_waits_for_its_reviewers_and_not_for_who_started_it(github: GitHub) -> None:
    apply(github)

    assert approval(github) == ([7, 9], True)
    assert approval(github, "dev") == ([], False)
    assert differing(github, replace(OPTIONS, reviewers=("ann",))) == ["environment production"]
    apply(github, replace(OPTIONS, self_review=True))
    assert approval(github) == ([7, 9], False)


def test_a_wait_timer_of_the_owners_stays(github: GitHub) -> None:
    apply(github)
    custom = {"protected_branches": False, "custom_branch_policies": True}
    path = "repos/o/r/environments/production"
    github("PUT", path, {"wait_timer": 30, "deployment_branch_policy": custom})

    assert apply(github) == ["environment production"]
    rules = github.settings.environments["production"]["protection_rules"]
    assert [rule["wait_timer"] for rule in rules if "wait_timer" in rule] == [30]


@pytest.mark.parametrize("names", [("live",), ("qa", "live")])
def test_the_last_environment_of_any_list_waits_for_reviewers(
    github: GitHub, names: tuple[str, ...]
) -> None:
    apply(github, project=make_project(Path("/p"), "o/r", *names))

    assert [name for name in names if approval(github, name)[0]] == ["live"]


@pytest.mark.parametrize(
    ("reviewers", "message"),
    [((), "nobody approves what goes to production"), (("carl",), "no reviewer carl")],
)
def test_production_needs_reviewers_that_exist(
    github: GitHub, reviewers: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ShipError, match=message):
        read(github, replace(OPTIONS, reviewers=reviewers))


def rules(github: GitHub) -> dict[str, Any]:
    (ruleset,) = github.settings.rulesets.values()
    return {rule["type"]: rule.get("parameters") for rule in ruleset["rules"]}


def test_only_github_actions_can_report_the_required_check(github: GitHub) -> None:
    apply(github)

    assert rules(github)["required_status_checks"]["required_status_checks"] == [
        {"context": settings.REQUIRED_CHECK, "integration_id": 15368}
    ]
    assert rules(github)["pull_request"]["required_approving_review_count"] == 1


def test_who_works_alone_can_merge_and_deploy(github: GitHub) -> None:
    github.settings.collaborators = ("ann",)
    apply(github, ALONE)

    review = rules(github)["pull_request"]
    asked = ("required_approving_review_count", "require_code_owner_review")
    assert [review[name] for name in (*asked, "require_last_push_approval")] == [0, False, False]
    assert approval(github) == ([7], False)
    assert read(github, ALONE).problems == []
    (problem,) = read(github).problems
    assert "only ann may push" in problem.what
    assert "--alone" in problem.fix


def test_the_rules_of_main_wait_for_its_first_deploy(github: GitHub) -> None:
    options = replace(OPTIONS, rules=False)
    assert "ruleset of main" not in apply(github, options)
    assert "--rules" in read(github, options).note

    github.settings.workflows, github.settings.deployed = {"deploy.yml": "active"}, True
    assert apply(github, options) == ["ruleset of main"]
    assert github.settings.changes[-1] == "POST /repos/o/r/rulesets"

    # Once they are there, they stay.
    github.settings.deployed = False
    drop_rule(github)
    assert apply(github, options) == ["ruleset of main"]


def test_a_ruleset_of_the_organization_is_not_taken_for_the_repositorys(github: GitHub) -> None:
    path = "repos/o/r/rulesets"
    inherited = github("POST", path, {"name": "main", "enforcement": "active"})
    github.settings.parents[inherited["id"]] = github.settings.rulesets.pop(inherited["id"])

    apply(github)

    assert differing(github) == []
    assert github.settings.changes[-1] == f"POST /{path}"


@pytest.mark.parametrize("plan", ["free", "pro", "team", "enterprise"])
def test_what_a_private_repositorys_plan_lacks_is_left_out_and_the_rest_is_made(
    github: GitHub, plan: str
) -> None:
    github.settings.private, github.settings.plan = True, plan

    changed = apply(github)

    assert differing(github) == []
    assert ("actions: the list" in changed) == (plan == "enterprise")
    assert ("environment production" in changed) == (plan != "free")
    assert ("ruleset of main" in changed) == (plan != "free")
    if plan != "free":
        assert approval(github)[0] == ([7, 9] if plan == "enterprise" else [])


def test_problems_keep_it_from_starting_unless_they_are_accepted(github: GitHub) -> None:
    github.settings.has_issues = False

    with pytest.raises(ShipError, match="1 problem keeps") as raised:
        settings.apply(read(github), github)
    assert "--accept" in raised.value.hint
    assert github.settings.changes == []
    assert apply(github)


def test_without_rights_there_are_problems_only_and_nothing_can_be_accepted(
    github: GitHub,
) -> None:
    github.settings.admin = False

    assert read(github).settings == []
    with pytest.raises(ShipError, match="nothing is changed"):
        apply(github)


def test_another_repository_is_refused(github: GitHub) -> None:
    with pytest.raises(ShipError, match="no repository your-org/shop"):
        read(github, project=make_project(Path("/p"), "your-org/shop"))


@pytest.mark.parametrize("account", ["", "12345678901", "12345678901x"])
def test_what_is_no_account_is_refused(account: str) -> None:
    with pytest.raises(UsageError):
        settings.check_account(account)
