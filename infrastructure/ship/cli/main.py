"""The command `ship`; its help says what each exit status means."""

import re
import signal
import sys
from functools import partial

import click

from ship import config, output
from ship.cli import (
    ci,
    environments,
    init,
    inspect,
    local,
    numbers,
    release,
    run,
    serve,
    settings,
    update,
)
from ship.errors import ShipError, UsageError

# What a shell gives a command that Ctrl-C has ended: 128 and the signal's number.
# https://www.gnu.org/software/bash/manual/bash.html#Exit-Status
_INTERRUPTED = 130
_GROUPS: dict[str, tuple[click.Command, ...]] = {
    "Release": (release.deploy, release.promote, release.rollback, run.run),
    "Inspect": (
        inspect.status,
        inspect.history,
        numbers.metrics,
        numbers.cost,
        inspect.logs,
        inspect.request,
        inspect.smoke,
        inspect.drift,
        inspect.doctor,
    ),
    "Repair": (
        release.repair,
        release.unlock,
        release.freeze,
        release.unfreeze,
        release.mark,
        release.pin,
    ),
    "Environments": (
        environments.bootstrap,
        environments.github,
        environments.plan,
        environments.apply,
        environments.destroy,
        environments.clean_up,
    ),
    "Settings": (settings.settings, settings.restart),
    "Local": (init.init, serve.serve, local.build, local.up, local.down, update.update),
    "CI": (ci.ci,),
}


class _Group(click.Group):
    """A group whose help lists its commands by purpose, each with its whole first sentence."""

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; click's own cuts each text to one line."""
        for title, commands in _GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([row for command in commands for row in _rows(command)])


def _rows(command: click.Command, prefix: str = "") -> list[tuple[str, str]]:
    """A command, or each command of a group, with the first sentence of its help."""
    name = f"{prefix}{command.name}"
    if isinstance(command, click.Group):
        arguments = [f"{one.human_readable_name} " for one in command.params if one.nargs > 0]
        prefix = f"{name} {''.join(arguments)}"
        return [row for one in command.commands.values() for row in _rows(one, prefix)]
    paragraph = " ".join((command.help or "").strip().split("\n\n")[0].split())
    return [(name, re.split(r"\.(?:\s|$)", paragraph, maxsplit=1)[0] + ".")]


@click.group(
    cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="serverless-flask", prog_name="ship")
def cli() -> None:
    """Build once, make it live in one environment after another, and go back in seconds.

    An ENVIRONMENT is one of those that pyproject.toml lists, or a preview such as pr-12. On a
    laptop the commands work on the emulator that `ship up` starts; on GitHub, or with
    SHIP_TARGET=aws, on AWS. SHIP_PORT is the port of the emulator (4566 when unset).

    Exit status: 0 done; 1 refused, or failed before anything changed; 2 wrong usage; 3 failed,
    and what was live before is live again; 4 failed, and `ship repair` is due; 5 `ship drift`
    found something.
    """


for _commands in _GROUPS.values():
    for _command in _commands:
        cli.add_command(_command)


def main() -> None:
    """Run the command and end the process with its exit status."""
    # GitHub sends SIGINT, then SIGTERM, to a cancelled job; a shell may have set either to ignore.
    # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    print_error = partial(output.print_error, on_github=config.on_github())
    try:
        # Without standalone mode click returns a status for --help, and raises its errors.
        status = cli.main(prog_name="ship", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        status = UsageError.status
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "ship"
        print_error(UsageError(error.format_message(), f"see `{command} --help`"))
        status = UsageError.status
    except (click.exceptions.Abort, KeyboardInterrupt):
        print_error(ShipError("interrupted", "run the command again: it finishes or reverts"))
        status = _INTERRUPTED
    except ShipError as error:
        print_error(error)
        status = error.status
    except BrokenPipeError:
        status = 0
    except Exception as error:
        from emulator import EmulatorError
        from toolchain import ToolError

        if not isinstance(error, EmulatorError | ToolError):
            raise
        print_error(ShipError(str(error), error.hint))
        status = ShipError.status
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
