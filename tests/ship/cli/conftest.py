import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ship.cli import main
from tests.ship.conftest import PROJECT

Ship = Callable[..., int]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of somebody else's in the current folder: environments `qa` and `live`."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    monkeypatch.chdir(folder)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "SHIP_TARGET"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def ship(monkeypatch: pytest.MonkeyPatch) -> Ship:
    """Run `ship` in this process, and return its exit status."""

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["ship", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return run
