"""actionlint and zizmor find nothing in the workflow files, and would find something."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workflows.files import Workflows

ROOT = Path(__file__).parents[2]
PIN = next(one for one in Workflows.read().actions if one.startswith("actions/checkout@"))
ACTIONLINT = Path(sys.executable).with_name("actionlint")
ZIZMOR = Path(sys.executable).with_name("zizmor")


def lint(folder: Path, *command: str | Path) -> str:
    """What a linter prints; nothing when it finds nothing."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == bool(done.stdout), done.stderr
    return done.stdout


def actionlint(folder: Path) -> str:
    return lint(folder, ACTIONLINT, "-oneline", "-shellcheck=", "-pyflakes=")


def zizmor(folder: Path) -> str:
    options = ("--quiet", "--offline", "--pedantic", "--no-ignores", "--no-config")
    return lint(folder, ZIZMOR, *options, "--format=github", ".github")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    return tmp_path


@pytest.mark.parametrize("linter", [actionlint, zizmor])
def test_the_linter_finds_nothing(linter: Callable[[Path], str], copied: Path) -> None:
    assert linter(copied) == ""


@pytest.mark.parametrize(
    ("linter", "old", "new", "message"),
    [
        (actionlint, "steps.report.outputs", "steps.rapport.outputs", "rapport"),
        (zizmor, PIN, "actions/checkout@v7", "unpinned-uses"),
        (zizmor, '--for="$ENVIRONMENT"', "--for=${{ inputs.environment }}", "template-injection"),
    ],
)
def test_the_linter_finds(
    linter: Callable[[Path], str], old: str, new: str, message: str, copied: Path
) -> None:
    path = copied / ".github/workflows/environment.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))

    assert message in linter(copied)
