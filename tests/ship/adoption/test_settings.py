import tomllib
from pathlib import Path
from typing import Any

import pytest

from ship.adoption import settings
from ship.errors import ShipError
from tests.ship.conftest import PROJECT, run_git

ABOVE = "[tool.other]\nkey   = 1  # as it is\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(
        ABOVE + PROJECT.replace("[tool.ship.env", "# Environments.\n[tool.ship.env", 1)
    )
    return tmp_path


def read(root: Path) -> Any:
    return tomllib.loads((root / "pyproject.toml").read_text())["tool"]["ship"]


def test_values_change_and_everything_around_them_stays(root: Path) -> None:
    before = (root / "pyproject.toml").read_text()
    values = {"project": "shop", "application.paths": ["/*"]}

    assert settings.write(root, values, ("qa", "live"))
    assert not settings.write(root, values, ("qa", "live"))

    expected = before.replace('"weather"', '"shop"').replace("/forecast/*", "/*")
    assert (root / "pyproject.toml").read_text() == expected


def test_a_table_that_is_missing_is_added(root: Path) -> None:
    settings.write(root, {"smoke.paths": ["/"], "budgets.zip_megabytes": 10}, ("qa", "live"))

    assert read(root)["smoke"] == {"paths": ["/"]}
    assert read(root)["budgets"] == {"zip_megabytes": 10}


@pytest.mark.parametrize(
    "names", [("live",), ("qa",), ("live", "qa"), ("dev", "live"), ("us", "eu")]
)
def test_environments_get_the_order_that_is_given_and_keep_their_settings(
    root: Path, names: tuple[str, ...]
) -> None:
    settings.write(root, {}, names)

    found = read(root)["environments"]
    assert tuple(found) == names
    assert "live" not in names or found["live"] == {"shift": [10], "bake_seconds": 30}
    assert "# Environments." in (root / "pyproject.toml").read_text()


def test_a_value_that_is_not_allowed_changes_nothing(root: Path) -> None:
    before = (root / "pyproject.toml").read_text()

    with pytest.raises(ShipError, match="region = 'north'"):
        settings.write(root, {"project": "shop", "region": "north"}, ("qa", "live"))

    assert (root / "pyproject.toml").read_text() == before


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("git@github.com:acme/corner-shop.git", "acme/corner-shop"),
        ("https://github.com/acme/corner.shop", "acme/corner.shop"),
        ("ssh://git@github.com:22/acme/shop.git/", "acme/shop"),
        ("https://gitlab.com/acme/shop", ""),
        ("", ""),
    ],
)
def test_the_repository_is_the_origins(tmp_path: Path, url: str, expected: str) -> None:
    run_git(tmp_path, "init", "--quiet")
    if url:
        run_git(tmp_path, "remote", "add", "origin", url)

    assert settings.find_repository(tmp_path) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Corner_Shop.py", "corner-shop-py"),
        ("2024-shop", "shop"),
        ("a" * 23 + "-b", "a" * 23),
        ("x", ""),
        ("aws-shop", ""),
    ],
)
def test_a_name_becomes_one_that_a_project_may_have(text: str, expected: str) -> None:
    assert settings.project_name(text) == expected
