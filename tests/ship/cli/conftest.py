import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from ship.cli import main
from tests.ship.conftest import PROJECT


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


class Ship:
    """`ship`, run in this process. `out` and `err` are what its last run printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        """Run it, and return its exit status."""
        self._monkeypatch.setattr(sys, "argv", ["ship", *arguments])
        out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
        try:
            with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
                main.main()
        finally:
            for stream in (out, err):
                stream.seek(0)
            self.out, self.err = out.read(), err.read()
            # For the report of a test that fails.
            sys.stdout.write(self.out)
            sys.stderr.write(self.err)
        assert isinstance(ended.value.code, int)
        return ended.value.code


@pytest.fixture
def ship(monkeypatch: pytest.MonkeyPatch) -> Ship:
    return Ship(monkeypatch)
