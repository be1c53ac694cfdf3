"""Terraform as the set-up found it, without a person's own settings."""

import os
import subprocess
from pathlib import Path

import toolchain

_ROOT = Path(__file__).resolve().parents[2]


def initialized(configuration: Path, folder: Path) -> Path:
    """Make a folder the data folder of a configuration."""
    done = terraform(
        configuration, folder, "init", "-backend=false", "-input=false", "-lockfile=readonly"
    )
    assert done.returncode == 0, done.stdout
    return folder


def terraform(
    configuration: Path, data: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command with a data folder."""
    tools = toolchain.find(_ROOT)
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))
    }
    return subprocess.run(
        [tools.terraform, f"-chdir={configuration}", *arguments, "-no-color"],
        env={**inherited, **tools.terraform_environment, "TF_DATA_DIR": str(data), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
