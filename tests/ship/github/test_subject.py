from dataclasses import replace
from typing import Any

import pytest

from ship.config import Subject
from ship.errors import ShipError
from ship.github.subject import read_subject
from tests.ship.environments.factories import make_project

IDS = "repo:o@1/r@2"


def github(**answer: Any) -> Any:
    """A GitHub that answers how the repository's subjects begin."""

    def api(method: str, path: str, body: object) -> Any:
        assert (method, body) == ("GET", None)
        found = {"repos/o/r/actions/oidc/customization/sub": answer, "repos/o/r": {"id": 2}}
        return found[path]

    return api


def unreachable(*_: object) -> Any:
    raise ShipError("the GitHub command line gh is not installed", "install gh")


@pytest.mark.parametrize("prefix", ["repo:o/r", IDS])
@pytest.mark.parametrize("said", [False, True])
def test_github_says_how_subjects_begin(prefix: str, said: bool) -> None:
    project = replace(make_project(), subject_prefix=prefix if said else None)
    # As GitHub answers for some repositories that present ids.
    api = github(use_default=True, use_immutable_subject=False, sub_claim_prefix=prefix)

    assert read_subject(project, api) == Subject(prefix, "2")


@pytest.mark.parametrize("api", [unreachable, lambda *_: None, github(use_default=True)])
def test_where_github_does_not_say_it_an_explicit_prefix_with_ids_is_taken(api: Any) -> None:
    project = replace(make_project(), subject_prefix=IDS)

    assert read_subject(project, api) == Subject(IDS, "2")


@pytest.mark.parametrize("prefix", [None, "repo:o/r"])
@pytest.mark.parametrize("api", [unreachable, lambda *_: None, github(use_default=True)])
def test_it_is_never_guessed(api: Any, prefix: str | None) -> None:
    with pytest.raises(ShipError, match="cannot be asked how the tokens of o/r begin") as raised:
        read_subject(replace(make_project(), subject_prefix=prefix), api)

    assert "gh auth login" in raised.value.hint
    assert "gh api repos/o/r/actions/oidc/customization/sub" in raised.value.hint


def test_a_prefix_that_github_does_not_present_is_refused() -> None:
    project = replace(make_project(), subject_prefix="repo:o/r")

    with pytest.raises(ShipError, match="begin with repo:o@1/r@2") as raised:
        read_subject(project, github(use_default=True, sub_claim_prefix=IDS))

    assert f'subject_prefix = "{IDS}"' in raised.value.hint


def test_a_template_of_its_own_is_refused() -> None:
    api = github(use_default=False, include_claim_keys=["repo"], sub_claim_prefix=IDS)

    with pytest.raises(ShipError, match="template of their own") as raised:
        read_subject(make_project(), api)

    assert "-F use_default=true" in raised.value.hint
