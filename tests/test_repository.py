"""What must agree between files that no tool compares."""

import subprocess
import tomllib
from pathlib import Path

import pytest

import toolchain

ROOT = Path(__file__).parents[1]


def test_python_has_one_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert (ROOT / ".python-version").read_text().strip() == toolchain.PYTHON
    assert project["project"]["requires-python"].startswith(f">={toolchain.PYTHON},")
    assert project["tool"]["mypy"]["python_version"] == toolchain.PYTHON
    assert f"--python-version {toolchain.PYTHON}" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("folder", ["bootstrap", "stack"])
def test_terraform_accepts_the_version_that_the_set_up_downloads(folder: str) -> None:
    versions = (ROOT / "infrastructure" / folder / "versions.tf").read_text()
    assert f'required_version = ">= {toolchain.TERRAFORM}, < 2"' in versions


def test_both_terraform_folders_lock_the_same_provider() -> None:
    stack, bootstrap = (
        (ROOT / "infrastructure" / folder / ".terraform.lock.hcl").read_text()
        for folder in ("stack", "bootstrap")
    )
    assert stack == bootstrap


def test_ci_runs_the_checks_and_the_tests(tmp_path: Path) -> None:
    fake = tmp_path / "make"
    fake.write_text('#!/bin/sh\necho "make $*"\n[ "$1" != check ]\n')
    fake.chmod(0o755)

    done = subprocess.run(
        [ROOT / ".ci/run"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    commands = done.stdout.splitlines()
    assert commands == ["make check", "make test"]
    assert done.returncode == 1, "a failed check must fail the whole run"
