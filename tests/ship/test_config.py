from __future__ import annotations

import os
from pathlib import Path

import pytest

from ship import config
from ship.errors import ShipError, UsageError

PROJECT = """
[tool.ship]
project = "demo"
region = "eu-north-1"
repository = "o/r"
[tool.ship.environments.dev]
shift = []
bake_seconds = 0
[tool.ship.environments.production]
shift = [10, 50]
bake_seconds = 30
"""


def write(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_the_project_is_found_from_a_folder_below(tmp_path: Path) -> None:
    below = write(tmp_path, PROJECT) / "a/b"
    below.mkdir(parents=True)

    found = config.project(below)

    assert (found.root, found.name, found.region) == (tmp_path, "demo", "eu-north-1")
    assert found.environments == ("dev", "production")
    assert found.shift("production").shares == (10, 50)
    assert found.shift("pr-7").shares == ()
    assert found.subject_prefix == "repo:o/r"


def test_the_subject_prefix_can_be_the_immutable_one(tmp_path: Path) -> None:
    text = PROJECT.replace("[tool.ship]", '[tool.ship]\nsubject_prefix = "repo:o@1/r@2"', 1)

    assert config.project(write(tmp_path, text)).subject_prefix == "repo:o@1/r@2"


@pytest.mark.parametrize("name", ["dev", "production", "pr-1", "pr-123456"])
def test_environments_and_previews_are_known(tmp_path: Path, name: str) -> None:
    assert config.project(write(tmp_path, PROJECT)).check_environment(name) == name


@pytest.mark.parametrize("name", ["staging", "pr-0", "pr-", "pr-x", "Dev", "", "dev ", "../dev"])
def test_other_names_are_wrong_usage(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no environment") as raised:
        config.project(write(tmp_path, PROJECT)).check_environment(name)

    assert "dev, production" in raised.value.hint


@pytest.mark.parametrize("shift", ["[50, 10]", "[0]", "[100]", "[10, 10]", '["x"]', "5"])
def test_shares_rise_and_stay_between_nothing_and_all(tmp_path: Path, shift: str) -> None:
    text = PROJECT.replace("shift = []", f"shift = {shift}")

    with pytest.raises(ShipError, match=r"\[tool\.ship\] in pyproject\.toml is wrong"):
        config.project(write(tmp_path, text))


@pytest.mark.parametrize(("line", "days"), [("", 7), ("[tool.ship.previews]\ndays = 1.5", 1.5)])
def test_a_preview_lives_for_a_week_or_what_the_project_says(
    tmp_path: Path, line: str, days: float
) -> None:
    assert config.project(write(tmp_path, PROJECT + line)).preview_days == days


@pytest.mark.parametrize("days", ["0", "-1", '"7"', "true"])
def test_a_preview_lives_for_some_days(tmp_path: Path, days: str) -> None:
    with pytest.raises(ShipError, match=r"previews\.days"):
        config.project(write(tmp_path, f"{PROJECT}[tool.ship.previews]\ndays = {days}"))


@pytest.mark.parametrize(
    ("environment", "role"), [("dev", "dev"), ("production", "production"), ("pr-7", "preview")]
)
def test_previews_share_a_role(tmp_path: Path, environment: str, role: str) -> None:
    assert config.project(write(tmp_path, PROJECT)).role(environment) == role


@pytest.mark.parametrize("missing", ["project", "region", "repository"])
def test_what_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    lines = [line for line in PROJECT.splitlines() if not line.startswith(f"{missing} =")]

    with pytest.raises(ShipError, match=missing):
        config.project(write(tmp_path, "\n".join(lines)))


def test_a_persons_profile_and_proxy_do_not_reach_the_emulator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("GITHUB_ACTIONS", "SHIP_TARGET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.setenv("no_proxy", "example.org")

    config.settings()

    assert "AWS_PROFILE" not in os.environ
    assert os.environ["NO_PROXY"] == "example.org,127.0.0.1,localhost"

    monkeypatch.setenv("SHIP_TARGET", "aws")
    monkeypatch.setenv("AWS_PROFILE", "work")
    config.settings()
    assert os.environ["AWS_PROFILE"] == "work"


def test_a_person_is_not_automatic_and_a_push_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "AWS_ENDPOINT_URL", "SHIP_TARGET", "SHIP_PORT"):
        monkeypatch.delenv(name, raising=False)
    settings = config.settings()
    assert not settings.run.automatic
    assert not settings.use_aws
    assert settings.run.actor

    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    assert config.settings().run.automatic
    assert config.settings().use_aws
    monkeypatch.setenv("GITHUB_EVENT_NAME", "workflow_dispatch")
    assert not config.settings().run.automatic
