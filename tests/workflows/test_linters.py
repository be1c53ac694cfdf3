"""actionlint and zizmor find nothing in the workflow files."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ACTIONLINT = Path(sys.executable).with_name("actionlint")
ZIZMOR = ROOT / ".ship/venvs/checks/bin/zizmor"
# Messages of a linter that does not know a syntax yet, each with what it does not know.
STALE: tuple[str, ...] = ()


def actionlint(folder: Path) -> list[str]:
    files = sorted((folder / ".github/workflows").glob("*.yml"))
    done = subprocess.run(
        [ACTIONLINT, "-oneline", "-shellcheck=", "-pyflakes=", *files],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    found = [line for line in done.stdout.splitlines() if line]
    return [line for line in found if not any(re.search(known, line) for known in STALE)]


def zizmor(folder: Path) -> int:
    if not ZIZMOR.exists():
        pytest.skip("zizmor is in the checks' environment: `make check` installs and runs it")
    options = ("--quiet", "--offline", "--pedantic", "--no-ignores", "--no-config")
    command = [str(ZIZMOR), *options, str(folder / ".github")]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    return tmp_path


def change(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / ".github/workflows" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_actionlint_finds_nothing(copied: Path) -> None:
    assert actionlint(copied) == []


def test_actionlint_finds_an_output_that_no_step_has(copied: Path) -> None:
    change(copied, "environment.yml", "steps.report.outputs", "steps.rapport.outputs")

    assert len(actionlint(copied)) == 3


def test_every_stale_message_is_still_said(copied: Path) -> None:
    """What the linter has learned since leaves the list."""
    done = subprocess.run(
        [ACTIONLINT, "-oneline"], cwd=copied, capture_output=True, text=True, check=False
    )

    assert [known for known in STALE if not re.search(known, done.stdout)] == []


def test_zizmor_finds_nothing_and_is_told_to_ignore_nothing(copied: Path) -> None:
    assert zizmor(copied) == 0
    assert "zizmor: ignore" not in "".join(p.read_text() for p in copied.rglob("*.yml"))


def test_zizmor_finds_a_tag(copied: Path) -> None:
    change(copied, "deploy.yml", "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7")

    assert zizmor(copied) != 0
