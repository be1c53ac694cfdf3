"""A function's code is read-only, and its log says why it cannot be imported."""

from __future__ import annotations

import errno

import pytest

from ..account import Account

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
