"""A test that is skipped proves nothing, so it fails."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SKIPPED = (
    "@pytest.mark.skip\ndef test_it(): pass",
    "@pytest.mark.skipif(True, reason='no tool')\ndef test_it(): pass",
    "def test_it(): pytest.skip('no tool')",
    "@pytest.fixture\ndef tool(): pytest.skip('no tool')\ndef test_it(tool): pass",
    "@pytest.mark.xfail\ndef test_it(): assert False",
    "pytest.importorskip('no_such_module')",
)


def test_a_skipped_test_fails(tmp_path: Path) -> None:
    for number, source in enumerate((*SKIPPED, "def test_it(): pass")):
        (tmp_path / f"test_{number}.py").write_text(f"import pytest\n{source}\n")
    options = ("-p", "tests.conftest", "-p", "no:cacheprovider", "--continue-on-collection-errors")
    command = [sys.executable, "-m", "pytest", *options, "-c", "/dev/null", str(tmp_path)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    # Four are skipped before they run.
    assert "2 failed, 1 passed, 4 errors" in done.stdout
