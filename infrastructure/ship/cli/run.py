"""The command that runs the application's own commands where the application runs."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from ship.cli.options import TEXT, environment_argument, open_context
from ship.cli.release import check_committed

if TYPE_CHECKING:
    from ship.build.builder import Build
    from ship.environments.context import Context


@click.command()
@environment_argument
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND...")
@click.option(
    "--release", type=TEXT, help="Run it in this release, live or not: a stored one, or dist/'s."
)
@click.option(
    "--alone", is_flag=True, help="Hold the lock, as a deploy does: two never run at once."
)
def run(environment: str, command: tuple[str, ...], release: str | None, *, alone: bool) -> None:
    """Run a COMMAND of the application in ENVIRONMENT, such as `flask db upgrade`.

    `flask`, `python`, or a console script of a package in the zip, with the role, the variables
    and the settings of the function. It has no input, and as long as the function may take. Its
    output comes while it runs, and the exit status is the command's. It runs beside deploys and
    other commands, unless it is what the release runs before traffic. The history has the command,
    and the log its output.
    """
    context = open_context()
    build = _find_build(context, environment, release)

    def show(data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()

    ended = context.engine(environment).run(release, build, command, show, is_alone=alone)
    if ended.missing:
        context.progress.note(
            f"{ended.missing} bytes before the last {len(ended.output)} are not in the log yet; "
            f"see `ship logs {environment}`"
        )
    status = ended.check(shlex.join(command), environment)
    # A process that a signal has ended has its number, negative; a shell adds 128.
    click.get_current_context().exit(status if status >= 0 else 128 - status)


def _find_build(context: Context, environment: str, release: str | None) -> Build | None:
    """The build in dist/, if it is the release's."""
    from ship.build import builder

    folder = context.project.root / "dist"
    if release is None or not (folder / "manifest.json").is_file():
        return None
    build = builder.load(folder)
    if build.manifest.release != release:
        return None
    check_committed(context, environment, build.manifest)
    return build.verified()
