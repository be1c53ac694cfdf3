from pathlib import Path

import pytest
import yaml

from ship.errors import ShipError
from ship.github.workflows import FOLDER, outdated, render

DEPLOY = """\
# Written by a person.
jobs:
  build:
    name: Build
    runs-on: ubuntu-24.04
  attest:
    needs: build
    runs-on: ubuntu-24.04

  # >>> environments: jobs
  dev:
    name: Promote to dev
    needs: [build, attest]
    permissions:
      id-token: write # to assume the role of dev, or of name: dev
    uses: ./.github/workflows/environment.yml
    with:
      environment: dev
      digest: ${{ needs.build.outputs.digest }}

  live:
    name: Promote to live
    needs: [build, dev]
    permissions:
      id-token: write
    uses: ./.github/workflows/old.yml
    with:
      environment: live
  # <<<

  after:
    needs: build
"""
DRIFT = """\
jobs:
  compare:
    strategy:
      matrix:
        # >>> environments: matrix
        environment: [dev, live]
        # <<<
    steps: []
"""
OPERATE = """\
on:
  workflow_dispatch:
    inputs:
      environment:
        # >>> environments: options
        options: [dev, live]
        # <<<
        required: true
"""
LAST = """\
jobs:
  plan:
    # >>> environments: last
    if: github.ref == 'refs/heads/main' && inputs.environment == 'live'
    # <<<
  notes:
    # >>> environments: last
    needs: [build, 'live']
    # <<<
"""
LISTS = [("live",), ("dev", "live"), ("dev", "qa", "live"), ("a1", "name", "needs", "with", "dev")]


@pytest.mark.parametrize("environments", LISTS, ids=len)
def test_there_is_a_job_per_environment_and_each_needs_the_one_before(
    environments: tuple[str, ...],
) -> None:
    jobs = yaml.safe_load(render(DEPLOY, environments))["jobs"]

    assert list(jobs) == ["build", "attest", *environments, "after"]
    before = ["attest", *environments]
    for name, needed in zip(environments, before, strict=False):
        assert jobs[name]["name"] == f"Promote to {name}"
        assert jobs[name]["needs"] == ["build", needed]
        assert jobs[name]["with"]["environment"] == name
        assert jobs[name]["uses"] == "./.github/workflows/environment.yml"


@pytest.mark.parametrize("environments", LISTS, ids=len)
def test_lists_name_every_environment_in_order(environments: tuple[str, ...]) -> None:
    compare = yaml.safe_load(render(DRIFT, environments))["jobs"]["compare"]
    inputs = yaml.safe_load(render(OPERATE, environments))[True]["workflow_dispatch"]["inputs"]

    assert compare == {"strategy": {"matrix": {"environment": [*environments]}}, "steps": []}
    assert inputs["environment"] == {"options": [*environments], "required": True}


@pytest.mark.parametrize("environments", LISTS, ids=len)
def test_what_is_about_the_last_environment_names_it(environments: tuple[str, ...]) -> None:
    jobs = yaml.safe_load(render(LAST, environments))["jobs"]

    assert jobs["plan"]["if"].endswith(f" && inputs.environment == '{environments[-1]}'")
    assert jobs["notes"]["needs"] == ["build", environments[-1]]


@pytest.mark.parametrize("text", [DEPLOY, DRIFT, OPERATE, LAST])
def test_nothing_outside_the_block_changes_and_a_second_run_changes_nothing(text: str) -> None:
    once = render(text, ("one", "two", "three"))

    assert render(once, ("one", "two", "three")) == once
    assert render(render(once, ("dev",)), ("one", "two", "three")) == once
    start, end = text.index("# >>>"), text.rindex("# <<<")
    assert once.startswith(text[:start])
    assert once.endswith(text[end:])


def test_a_file_without_a_block_is_left_alone() -> None:
    assert render("jobs:\n  dev: {}\n", ("live",)) == "jobs:\n  dev: {}\n"


@pytest.mark.parametrize(
    ("text", "environments", "message"),
    [
        (DRIFT.replace("# <<<", "# <<"), ("dev",), "does not end"),
        (DRIFT.replace("        # <<<", "    # <<<"), ("dev",), "does not end"),
        (DRIFT.replace("matrix\n ", "list\n "), ("dev",), "unknown kind 'list'"),
        (DEPLOY.replace("  dev:\n", "  # none\n"), ("dev",), "does not begin with a job"),
        (DEPLOY.replace("environment: dev", "environment: qa"), ("dev",), "no `environment: `"),
        (DEPLOY.replace("[build, attest]", "build"), ("dev", "live"), "no `needs"),
        (DEPLOY, ("dev", "build"), "a job 'build' already"),
    ],
)
def test_a_block_that_cannot_be_rendered_is_refused(
    text: str, environments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ShipError, match=message):
        render(text, environments)


def test_the_files_that_do_not_follow_the_list_are_found(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    for name, text in {
        "deploy.yml": DEPLOY,
        "drift.yaml": DRIFT,
        "other.yml": "jobs: {}\n",
    }.items():
        (folder / name).write_text(text)

    found = outdated(tmp_path, ("dev", "live"))

    assert list(found) == [folder / "deploy.yml"]  # Its second job is not like the first.
    assert found[folder / "deploy.yml"] == render(DEPLOY, ("dev", "live"))
    assert set(outdated(tmp_path, ("dev",))) == {folder / "deploy.yml", folder / "drift.yaml"}
