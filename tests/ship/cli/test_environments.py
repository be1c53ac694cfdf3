import json
import sys
from types import SimpleNamespace

import click
import pytest

from ship.environments import bootstrap, previews
from ship.environments.previews import StalePreview
from tests.ship.cli.conftest import Ship
from tests.workflows.fake_github import GitHub


def sit_at_terminal(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    """A person who answers; without an answer nobody is there."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: answer is not None))
    monkeypatch.setattr(click, "confirm", lambda *_, **__: answer)
    monkeypatch.setattr(click, "prompt", lambda _: answer)


@pytest.mark.parametrize(
    ("arguments", "answer", "status", "confirmed"),
    [
        ("--aws", True, 0, [True]),
        ("--aws", False, 0, [False]),
        ("--aws --yes", None, 0, [True]),
        ("--aws", None, 2, []),
        ("--yes", None, 2, []),
    ],
)
def test_a_person_confirms_the_plan_of_bootstrap_on_aws(
    ship: Ship,
    monkeypatch: pytest.MonkeyPatch,
    arguments: str,
    answer: bool | None,
    status: int,
    confirmed: list[bool],
) -> None:
    found: list[bool] = []
    monkeypatch.setattr(bootstrap, "propose", lambda _, confirm, __: found.append(confirm()))
    sit_at_terminal(monkeypatch, answer)

    assert ship("bootstrap", *arguments.split()) == status
    assert found == confirmed


@pytest.mark.parametrize(
    ("arguments", "answer", "on_github", "status"),
    [
        ("live", "live", "", 0),
        ("live", "qa", "", 2),
        ("live", "", "", 2),
        ("live", None, "", 2),
        ("live --yes live", None, "", 0),
        ("live --yes live", None, "true", 1),
        ("qa --yes qa", None, "true", 1),
        ("pr-7 --yes pr-7", None, "true", 0),
    ],
)
def test_a_destroy_is_confirmed_by_name_and_a_workflow_destroys_previews_only(
    ship: Ship,
    monkeypatch: pytest.MonkeyPatch,
    arguments: str,
    answer: str | None,
    on_github: str,
    status: int,
) -> None:
    destroyed: list[str] = []
    monkeypatch.setattr(previews, "destroy", lambda _, name: destroyed.append(name))
    monkeypatch.setenv("GITHUB_ACTIONS", on_github)
    sit_at_terminal(monkeypatch, answer)

    assert ship("destroy", *arguments.split()) == status
    assert destroyed == ([] if status else [arguments.split()[0]])


@pytest.mark.parametrize(("error", "status"), [("", 0), ("the state is locked", 1)])
def test_previews_are_only_shown_unless_they_are_to_be_deleted(
    ship: Ship, monkeypatch: pytest.MonkeyPatch, error: str, status: int
) -> None:
    why = "its pull request is closed"
    monkeypatch.setattr(previews, "stale_previews", lambda *_: [StalePreview("pr-7", why)])
    monkeypatch.setattr(previews, "clean_up", None)
    assert ship("previews") == 0
    assert ship.out == f"pr-7 would be destroyed: {why}\n"

    monkeypatch.setattr(previews, "clean_up", lambda *_: [StalePreview("pr-7", why, error)])
    assert ship("previews", "--delete") == status
    assert ship.out == f"pr-7 {error or 'is gone'}: {why}\n"


GITHUB = ("github", "--account", "1" * 12)


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> GitHub:
    found = GitHub("example/weather", "repo:example/weather")
    monkeypatch.setattr("ship.github.api.gh", found)
    return found


@pytest.mark.parametrize("apply", [True, False])
def test_github_changes_what_differs_when_it_is_told_to(
    ship: Ship, github: GitHub, apply: bool
) -> None:
    assert ship(*GITHUB, "--reviewer", "ann", *["--apply"] * apply) == 0

    word = "changed" if apply else "differs"
    out = ship.out
    assert f"variable PROJECT {word}: None -> weather\n" in out
    assert "with --rules" in out
    assert bool(github.settings.changes) == apply
    assert ship(*GITHUB, "--reviewer", "ann", "--apply") == 0
    assert ("nothing differs" in ship.out) == apply


def test_github_names_problems_before_it_changes_anything(ship: Ship, github: GitHub) -> None:
    github.settings.default_branch = "master"
    problem = "problem: the default branch is master"

    assert ship(*GITHUB, "--alone") == 0
    assert ship.out.startswith(problem)
    assert ship(*GITHUB, "--alone", "--apply") == 1
    assert problem in ship.err
    assert github.settings.changes == []
    assert ship(*GITHUB, "--alone", "--apply", "--accept") == 0
    assert github.settings.changes


def test_github_in_json(ship: Ship, github: GitHub) -> None:
    github.settings.has_issues = False

    assert ship(*GITHUB, "--alone", "--json") == 0

    found = json.loads(ship.out)
    assert found["problems"][0]["fix"] == "`gh repo edit example/weather --enable-issues`"
    assert found["settings"][0]["setting"] == "actions: who is trusted"
