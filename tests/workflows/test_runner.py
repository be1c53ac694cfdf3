"""A cancelled step hears what GitHub sends, and does not outlive it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflows import runner

# Says which signals it hears, and has a child in a session of its own, as `ship` has Terraform.
_STUBBORN = """
import signal, subprocess, sys
out = open(sys.argv[1], "a", buffering=1)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: print(signal.Signals(number).name, file=out))
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
print(child.pid, flush=True)
while True:
    signal.pause()
"""


def start(heard: Path) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", _STUBBORN, str(heard)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_a_step_that_ignores_its_cancellation_is_killed_with_all_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        runner, "CANCELLATION", tuple((number, 0.5) for number, _ in runner.CANCELLATION)
    )
    process, child = start(tmp_path / "heard")

    with process:
        runner.cancel_step(process.pid)

        assert process.wait(20) == -signal.SIGKILL
    assert (tmp_path / "heard").read_text().split() == ["SIGINT", "SIGTERM"]
    assert not runner._is_running(child)
