from __future__ import annotations

from typing import Any

from ship.github.checks import check_repository
from tests.ship.environments.factories import make_project


def test_a_visitor_is_told_that_he_can_change_nothing() -> None:
    found: dict[str, Any] = {
        "repos/o/r": {
            "name": "r",
            "full_name": "o/r",
            "html_url": "https://github.com/o/r",
            "private": False,
            "default_branch": "main",
            "has_issues": True,
            "owner": {"login": "o", "id": 1, "type": "User"},
            "permissions": {"admin": False},
        }
    }

    (problem,) = check_repository(make_project(), lambda _, path, __: found.get(path))

    assert "not an administrator" in problem.what
    assert "gh auth login" in problem.mend
