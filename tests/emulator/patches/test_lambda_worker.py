"""A function's code is read-only, its log says why it cannot be imported, INIT has a limit."""

import errno
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from emulator import Credentials

from ..account import Account
from ..serving import free_port, serving

RUNNER = """
import os, pathlib, shutil, sys, tempfile

def run(code):
    try:
        exec(code)
    except OSError as error:
        return error.errno
    return 0

def handler(event, context):
    return [run(code) for code in event["codes"]]
"""
CHANGES = (
    "open('new', 'w')",
    "open(pathlib.Path(__file__).with_name('new'), 'rb+')",
    "os.chmod('new', 0o600)",
    "os.rename('new', 'newer')",
    "os.link('newer', 'linked')",
    "os.symlink('newer', 'link')",
    "os.utime(os.path.join(os.environ['LAMBDA_TASK_ROOT'], 'newer'))",
    "os.remove('newer')",
    "os.mkdir(b'folder')",
    "os.rmdir('folder')",
)
HARMLESS = (
    "open(__file__).read()",
    "tempfile.TemporaryFile()",
    "open(os.devnull, 'w')",
    "folder = tempfile.mkdtemp(); pathlib.Path(folder, 'code.py').touch(); shutil.rmtree(folder)",
)


def test_code_is_on_a_read_only_file_system(either: Account) -> None:
    found = either.invoke(either.function(code=RUNNER), codes=[*CHANGES, *HARMLESS])["Payload"]
    refused = errno.EROFS if either.patched else 0
    assert found == [refused] * len(CHANGES) + [0] * len(HARMLESS)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import absent", "ModuleNotFoundError: No module named 'absent'"),
        ("raise SystemExit('no licence')", "SystemExit: no licence"),
    ],
)
def test_the_log_says_why_an_import_failed(either: Account, code: str, reason: str) -> None:
    name = either.function(code=f"print('first words')\n{code}")
    assert either.invoke(name)["FunctionError"] == "Unhandled"
    events = either.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    messages = [event["message"] for event in events]
    assert messages[0].startswith("START")
    assert [text in messages for text in ("first words", reason)] == [either.patched] * 2


WAITING = """
import os

def handler(event, context):
    print("first words")
    with open(event["fifo"]) as fifo:
        print(fifo.read())
    return "done"
"""


def test_the_log_is_written_while_an_invocation_runs(either: Account, tmp_path: Path) -> None:
    """The function waits until its first words are in the log; without the patch they never are."""
    name, logs = either.function(code=WAITING), either.client("logs")
    either.client("lambda").update_function_configuration(FunctionName=name, Timeout=30)
    logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    os.mkfifo(tmp_path / "fifo")

    def messages() -> list[str]:
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        return [event["message"] for event in found]

    with ThreadPoolExecutor() as pool:
        answer = pool.submit(either.invoke, name, "$LATEST", fifo=str(tmp_path / "fifo"))
        with (tmp_path / "fifo").open("w") as fifo:
            until = time.monotonic() + (10 if either.patched else 1)
            while "first words" not in messages() and time.monotonic() < until:
                pass
            assert ("first words" in messages()) == either.patched
            fifo.write("last words")
        assert answer.result()["Payload"] == "done"

    assert [text for text in messages() if "words" in text] == ["first words", "last words"]


@pytest.fixture(scope="module")
def impatient(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account of an emulator that gives INIT five seconds, which no import here needs."""
    port, folder = free_port(), tmp_path_factory.mktemp("impatient")
    options = ("--init-seconds", "5", "--without", "one-root")
    with serving(python, folder, port, *options):
        yield Account(f"http://127.0.0.1:{port}", Credentials("test", "test"))


def _start(account: Account, code: str) -> tuple[dict[str, Any], list[str]]:
    """Invoke a function with a timeout of five seconds; the answer, and what INIT logged."""
    name = account.function(code=code)
    functions = account.client("lambda")
    functions.update_function_configuration(FunctionName=name, Timeout=5)
    answer = account.invoke(name, "$LATEST")
    logs = account.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    texts = [line for event in logs for line in event["message"].splitlines()]
    return answer, [text for text in texts if text.startswith(("INIT_REPORT", "first", "second"))]


def test_an_import_that_hangs_is_stopped_tried_once_more_and_given_up(impatient: Account) -> None:
    answer, logged = _start(
        impatient, "import threading\nprint('first words')\nthreading.Event().wait()"
    )

    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"] == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "Task timed out after 5.00 seconds",
    }
    assert logged == [
        "first words",
        "INIT_REPORT Init Duration: 5000.00 ms\tPhase: init\tStatus: timeout",
        "first words",
        "INIT_REPORT Init Duration: 5000.00 ms\tPhase: invoke\tStatus: timeout",
    ]


def test_an_import_that_hangs_once_is_answered_the_second_time(
    impatient: Account, tmp_path: Path
) -> None:
    mark = json.dumps(str(tmp_path / "mark"))
    code = f"""
import pathlib, threading
mark = pathlib.Path({mark})
if not mark.exists():
    mark.touch()
    threading.Event().wait()

def handler(event, context):
    return "answered"
"""
    answer, logged = _start(impatient, code)

    assert answer["Payload"] == "answered"
    assert logged == ["INIT_REPORT Init Duration: 5000.00 ms\tPhase: init\tStatus: timeout"]


def test_an_import_that_fails_in_time_is_not_tried_again(impatient: Account) -> None:
    answer, logged = _start(impatient, "print('first words')\nimport absent")

    assert "No module named 'absent'" in answer["Payload"]["errorMessage"]
    assert logged == ["first words"]
