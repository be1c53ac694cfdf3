"""A lock is taken over only when its owner's run is known to have ended."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ship import config
from ship.config import Run
from ship.state import lock
from ship.state.environment_state import Owner

HOLD = """
import sys
from pathlib import Path
from ship import config, lock
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


def test_a_process_that_runs_has_not_ended_and_one_that_was_killed_has(
    person: Run, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        owner = Owner("somebody", it.stdout.readline().strip())

        assert not lock.is_finished(owner, person)
        it.kill()
        it.wait()
        assert lock.is_finished(owner, person)


def test_a_presence_that_is_over_has_ended(person: Run, tmp_path: Path) -> None:
    with lock.hold_lock(person, tmp_path) as owner:
        assert owner.run.startswith(f"local:{socket.gethostname()}:")

    assert lock.is_finished(owner, person)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("run", ["local:elsewhere:/tmp/x", "ghost:x", ""])
def test_what_nobody_can_find_out_has_not_ended(person: Run, run: str) -> None:
    assert not lock.is_finished(Owner("somebody", run), person)


def test_an_earlier_attempt_of_the_same_run_has_ended(job: Run) -> None:
    with lock.hold_lock(job, Path("unused")) as owner:
        assert owner.run == "github:o/r:7:2"
        assert owner.url.endswith("/o/r/actions/runs/7")

    assert lock.is_finished(Owner("a", "github:o/r:7:1"), job)
    assert not lock.is_finished(owner, job)


@pytest.mark.parametrize(
    ("found", "ended"),
    [
        ({"status": "completed", "run_attempt": 1}, True),
        ({"status": "in_progress", "run_attempt": 1}, False),
        ({"status": "queued", "run_attempt": 2}, True),
        ({}, False),
    ],
)
def test_another_run_is_asked_about_by_its_id(
    job: Run, found: dict[str, object], ended: bool
) -> None:
    with github(found) as (address, asked):
        run = replace(job, api=address, token="secret")

        assert lock.is_finished(Owner("a", "github:o/r:5:1"), run) == ended
        assert asked == [("/repos/o/r/actions/runs/5", "Bearer secret")]


def test_when_github_does_not_answer_the_run_has_not_ended(job: Run) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        run = replace(job, api=f"http://127.0.0.1:{unused.getsockname()[1]}")

        assert not lock.is_finished(Owner("a", "github:o/r:5:1"), run)


@contextmanager
def github(found: dict[str, object]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("authorization", "")))
            body = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
