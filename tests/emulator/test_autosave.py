"""The state outlives even an emulator that is killed."""

import json
import os
import signal
from pathlib import Path

from emulator import Emulator

from .account import Account, browser, wait
from .serving import free_port, serving


def test_after_a_while_without_changes_all_is_saved(python: Path, tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, python, free_port())
    account = Account(f"http://127.0.0.1:{emulator._port}", emulator.root())
    with serving(python, tmp_path, emulator._port, "--save-after", "0"):
        name = account.role({"Service": "lambda.amazonaws.com"})["RoleName"]
        wait(lambda: name in _saved(tmp_path))
        kill(account.endpoint)
    with serving(python, tmp_path, emulator._port):
        assert account.client("iam").get_role(RoleName=name)


def _saved(folder: Path) -> str:
    file = folder / "state/iam.json"
    return json.dumps(json.loads(file.read_text())) if file.exists() else ""


def kill(endpoint: str) -> None:
    os.kill(browser.get(f"{endpoint}/_emulator/health").json()["pid"], signal.SIGKILL)
