import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ship.config import Project
from ship.errors import ShipError
from ship.github.checks import check_repository
from tests.workflows.fake_github import GitHub
from tests.workflows.fake_repository import Repository


def problems(project: Project, github: GitHub) -> list[str]:
    found = check_repository(project, github)
    assert github.settings.changes == []
    assert all(one.fix for one in found)
    return [one.what for one in found]


def test_a_new_public_repository_has_no_problem(project: Project, github: GitHub) -> None:
    assert problems(project, github) == []


def test_a_visitor_is_told_that_he_can_change_nothing(project: Project, github: GitHub) -> None:
    github.settings.admin, github.settings.login = False, "bob"
    github.settings.enabled = False

    (problem,) = check_repository(project, github)

    assert "not an administrator" in problem.what
    assert "gh auth login" in problem.fix


@pytest.mark.parametrize(
    ("plan", "attest", "missing"),
    [
        ("free", True, ["attestations", "required reviewers", "no rules"]),
        ("free", False, ["required reviewers", "no rules"]),
        ("pro", True, ["attestations", "required reviewers"]),
        ("team", False, ["required reviewers"]),
        ("enterprise", True, []),
        ("business_plus", True, []),
    ],
)
@pytest.mark.parametrize("organization", [True, False])
def test_a_private_repository_lacks_what_its_owners_plan_lacks(
    project: Project,
    github: GitHub,
    plan: str,
    attest: bool,
    missing: list[str],
    organization: bool,
) -> None:
    settings = github.settings
    settings.private, settings.plan, settings.organization = True, plan, organization
    if not organization:
        settings.login, settings.reviewers = "o", {"o": 5}

    found = problems(replace(project, attest=attest), github)

    assert len(found) == len(missing)
    for what, word in zip(found, missing, strict=True):
        assert word in what


def test_a_plan_that_github_does_not_tell_is_a_problem(project: Project, github: GitHub) -> None:
    """Only an owner sees the plan; `ann` administrates somebody else's private repository."""
    github.settings.private, github.settings.organization = True, False

    (what,) = problems(project, github)
    assert "does not tell you the plan of o" in what


CASES: dict[str, tuple[Callable[[Repository], Any], str]] = {
    "the default branch is master": (
        lambda one: setattr(one, "default_branch", "master"),
        "branches/master/rename -f new_name=main",
    ),
    "issues are switched off": (lambda one: setattr(one, "has_issues", False), "--enable-issues"),
    "Actions is switched off": (lambda one: setattr(one, "enabled", False), "-F enabled=true"),
    "the workflow drift.yml is disabled (disabled_inactivity)": (
        lambda one: one.workflows.update(
            {"deploy.yml": "active", "drift.yml": "disabled_inactivity"}
        ),
        "gh workflow enable drift.yml --repo o/r",
    ),
    "follow a template of their own": (
        lambda one: setattr(one, "default_subject", False),
        "use_default=true",
    ),
    "line 3: Unknown owner": (
        lambda one: setattr(
            one,
            "owner_errors",
            [
                {
                    "line": 3,
                    "column": 1,
                    "source": "* @gone",
                    "kind": "Unknown owner",
                    "suggestion": "make sure @gone exists",
                    "message": "Unknown owner on line 3",
                    "path": "CODEOWNERS",
                }
            ],
        ),
        "make sure @gone exists",
    ),
}


@pytest.mark.parametrize("said", CASES)
def test_what_keeps_workflows_from_working_is_named_with_what_mends_it(
    project: Project, github: GitHub, said: str
) -> None:
    change, fix = CASES[said]
    change(github.settings)

    (problem,) = check_repository(project, github)

    assert said in problem.what
    assert fix in problem.fix


def test_a_subject_that_pyproject_does_not_say_is_asked_for(
    project: Project, github: GitHub
) -> None:
    github.settings.subject_prefix = "repo:o@1/r@2"
    assert problems(project, github) == []

    (problem,) = check_repository(replace(project, subject_prefix="repo:o/r"), github)
    assert "begin with repo:o@1/r@2" in problem.what
    assert "ship bootstrap --aws" in problem.fix


def test_forks_must_not_get_tokens_that_may_write(project: Project, github: GitHub) -> None:
    github.settings.private, github.settings.plan = True, "enterprise"
    github.settings.fork_tokens = True

    (problem,) = check_repository(project, github)

    assert "may write" in problem.what
    fields = ("send_write_tokens_to_workflows=false", "run_workflows_from_fork_pull_requests=true")
    assert set(fields) < set(shlex.split(problem.fix.strip("`")))


@pytest.mark.parametrize(
    ("organization", "owners", "said"),
    [
        (True, "@your-org/platform", "--owner o/TEAM`"),
        (False, "@your-org/platform", "`ship init --owner o`"),
        (True, "@o", "--owner USER`"),
        (True, "@o/ops @olga", None),
        (False, "@o", None),
    ],
)
def test_owners_that_are_nobody_are_named_with_the_command_that_replaces_them(
    project: Project, github: GitHub, organization: bool, owners: str, said: str | None
) -> None:
    github.settings.organization = organization
    (project.root / "CODEOWNERS").write_text(f"* {owners}\n")

    found = check_repository(project, github)

    wanted = [f"CODEOWNERS names {owners}: GitHub asks no owner"] if said else []
    assert [one.what for one in found] == wanted
    assert all(said and said in one.fix for one in found)


def test_a_renamed_repository_is_noticed(project: Project, github: GitHub) -> None:
    """GitHub redirects the old name, and the tokens' subjects have the new one."""

    def redirect(method: str, path: str, body: Any = None) -> Any:
        return github(method, path.replace("repos/old/name", "repos/o/r"), body)

    old = replace(project, repository="old/name", subject_prefix="repo:old/name")
    renamed, subject = check_repository(old, redirect)

    assert "old/name is called o/r now" in renamed.what
    assert "begin with repo:o/r" in subject.what


def test_only_github_com_will_do(project: Project, github: GitHub) -> None:
    def on_a_server(method: str, path: str, body: Any = None) -> Any:
        found = github(method, path, body)
        if path == "repos/o/r":
            found["html_url"] = "https://github.example.com/o/r"
        return found

    (problem,) = check_repository(project, on_a_server)
    assert "not on github.com" in problem.what


def test_a_repository_that_is_not_there_is_an_error(project: Project, github: GitHub) -> None:
    with pytest.raises(ShipError, match="no repository o/other"):
        check_repository(replace(project, repository="o/other"), github)
