import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ship import config
from ship.config import Run
from ship.state import Owner, lock
from tests.ship.conftest import Response, Server

HOLD = """
import sys
from pathlib import Path
from ship import config
from ship.state import lock
with lock.hold_lock(config.settings().run, Path(sys.argv[1])) as owner:
    print(owner.run, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return config.settings().run


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Run:
    values = {"ACTIONS": "true", "REPOSITORY": "o/r", "RUN_ID": "7", "RUN_ATTEMPT": "2"}
    for name, value in values.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    return config.settings().run


def test_a_process_is_finished_once_it_was_killed(person: Run, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        owner = Owner("somebody", it.stdout.readline().strip())

        assert not lock.is_finished(owner, person)
        it.kill()
        it.wait()
        assert lock.is_finished(owner, person)


def test_a_lock_that_was_released_is_finished(person: Run, tmp_path: Path) -> None:
    with lock.hold_lock(person, tmp_path) as owner:
        assert owner.run.startswith(f"local:{socket.gethostname()}:")

    assert lock.is_finished(owner, person)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_cannot_be_asked_about_is_not_finished(person: Run) -> None:
    for run in ("local:elsewhere:/tmp/x", "ghost:x", ""):
        assert not lock.is_finished(Owner("somebody", run), person)


def test_an_earlier_attempt_of_the_same_run_is_finished(job: Run) -> None:
    with lock.hold_lock(job, Path("unused")) as owner:
        assert owner.run == "github:o/r:7:2"
        assert owner.url.endswith("/o/r/actions/runs/7")

    assert lock.is_finished(Owner("a", "github:o/r:7:1"), job)
    assert not lock.is_finished(owner, job)


@pytest.mark.parametrize(
    ("found", "finished"),
    [
        ({"status": "completed", "run_attempt": 1}, True),
        ({"status": "in_progress", "run_attempt": 1}, False),
        ({"status": "queued", "run_attempt": 2}, True),
        ({}, False),
    ],
)
def test_another_run_is_asked_about_by_its_id(
    job: Run, server: Server, found: dict[str, object], finished: bool
) -> None:
    server.respond("/repos/o/r/actions/runs/5", Response(json.dumps(found)))
    run = replace(job, api=server.url, token="secret")

    assert lock.is_finished(Owner("a", "github:o/r:5:1"), run) == finished
    assert server.requests[0][1]["authorization"] == "Bearer secret"


def test_when_github_does_not_answer_the_run_is_not_finished(job: Run) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        run = replace(job, api=f"http://127.0.0.1:{unused.getsockname()[1]}")

        assert not lock.is_finished(Owner("a", "github:o/r:5:1"), run)
