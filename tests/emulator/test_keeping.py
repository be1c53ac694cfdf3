"""What was made outlives even an emulator that is killed."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import httpx
import pytest

from emulator import Emulator

from .account import Account, error_code, wait
from .serving import free_port, serving

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("seconds", "kept"), [("0.1", True), ("60", False)])
def test_after_a_while_without_changes_all_is_saved(
    python: Path, tmp_path: Path, seconds: str, kept: bool
) -> None:
    emulator = Emulator(tmp_path, python, free_port())
    root, port = emulator.root(), emulator._port
    with serving(python, tmp_path, port, "--save-after", seconds):
        account = Account(f"http://127.0.0.1:{port}", root)
        name = account.role({"Service": "lambda.amazonaws.com"})["RoleName"]
        if kept:
            wait(lambda: name in _saved(tmp_path))
        kill(account.endpoint)
    with serving(python, tmp_path, port):
        get_role = Account(account.endpoint, root).client("iam").get_role
        assert (error_code(lambda: get_role(RoleName=name)) == "") is kept


def _saved(home: Path) -> str:
    file = home / "state/iam.json"
    return json.dumps(json.loads(file.read_text())) if file.exists() else ""


def kill(endpoint: str) -> None:
    os.kill(httpx.get(f"{endpoint}/_ship/health").json()["pid"], signal.SIGKILL)
