"""What `terraform test` can only see with a workspace selected, each in a folder of its name."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import toolchain

_ROOT = Path(__file__).resolve().parents[2]
_STACK = _ROOT / "infrastructure" / "stack"
_WORKSPACES = sorted(folder.name for folder in (_STACK / "tests" / "workspaces").iterdir())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("terraform")
    done = _terraform(made, "init", "-backend=false", "-input=false", "-lockfile=readonly")
    assert done.returncode == 0, done.stdout
    return made


@pytest.mark.parametrize("workspace", _WORKSPACES)
def test_the_stack_keeps_what_is_said_of_its_workspace(workspace: str, data: Path) -> None:
    folder = f"tests/workspaces/{workspace}"
    done = _terraform(data, "test", f"-test-directory={folder}", TF_WORKSPACE=workspace)
    assert done.returncode == 0, done.stdout
    assert "0 failed" in done.stdout
    assert "Success! 0 passed" not in done.stdout, "a folder without a run proves nothing"


def test_production_a_preview_and_a_name_with_a_hyphen_have_a_folder_each() -> None:
    assert _WORKSPACES == ["dev-two", "pr-7", "production"]


def _terraform(data: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    tools = toolchain.find(_ROOT)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))
    }
    return subprocess.run(
        [tools.terraform, f"-chdir={_STACK}", *arguments, "-no-color"],
        env={**kept, **tools.terraform_environment, "TF_DATA_DIR": str(data), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
