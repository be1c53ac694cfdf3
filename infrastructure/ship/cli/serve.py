"""`ship serve`: the application and the site on this machine, without the emulator."""

import os
from pathlib import Path

import click

import toolchain
from ship import config
from ship.cli.options import ENVIRONMENT
from ship.errors import ShipError


@click.command()
@click.option(
    "--environment",
    type=ENVIRONMENT,
    help="Whose variables it finds, of pyproject.toml; the first one's when left out.",
)
@click.option(
    "--port", type=click.IntRange(1024, 65535), help="Where to listen; a free one when left out."
)
def serve(environment: str | None, port: int | None) -> None:
    """Serve the application and the site on this machine, and start again when a file changes.

    Each path is answered by whom CloudFront will ask, from the sources: neither the emulator nor a
    build is needed. What `ship settings` holds is not there: DATABASE_URL=... ship serve.
    """
    project = config.project(Path.cwd())
    if not (project.root / "backend").is_dir():
        raise ShipError("there is no folder backend/", "run `ship init --from FOLDER` first")
    python = install_packages(project.root)
    arguments = {
        "--root": str(project.root),
        "--environment": environment or project.environments[0],
        "--port": str(port or 0),
    }
    command = [str(python), "-m", "ship.development_server"]
    for name, value in arguments.items():
        command += [name, value]
    infrastructure = str(Path(toolchain.__file__).parent)
    # Ctrl-C then ends the server itself.
    os.execve(python, command, {**os.environ, "PYTHONPATH": infrastructure})


def install_packages(root: Path) -> Path:
    """Install the locked packages in the application's environment; its interpreter.

    Raises:
        ShipError: they cannot be had.
    """
    try:
        toolchain.setup(root, "serve")
    except toolchain.ToolError as error:
        raise ShipError(str(error), error.hint) from error
    return root / ".ship/venvs/app/bin/python"
