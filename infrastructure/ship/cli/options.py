"""Arguments and options that several commands share, and the context they run in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ship import config
from ship.output import Progress

# A command imports what it works with when it runs: `ship --help` needs none of it.
if TYPE_CHECKING:
    from ship.environments.context import Context


class _Environment(click.ParamType[str]):
    name = "environment"

    def convert(self, value: str, *_: object) -> str:
        return config.project(Path.cwd()).check_environment(value)


ENVIRONMENT = _Environment()
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

environment_argument = click.argument("environment", type=ENVIRONMENT)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
reason_option = click.option("--reason", default="", help="Why, for the history.")
required_reason_option = click.option("--reason", required=True, help="Why, for the history.")
out_option = click.option(
    "--out", type=click.Path(path_type=Path), help="Write it to this file, too."
)


def open_context(*, quiet: bool = False, aws: bool = False) -> Context:
    """The context of this command; `aws` says that it works on AWS whatever SHIP_TARGET says."""
    from ship.environments.context import Context

    settings = config.settings(aws=aws)
    progress = Progress(plain=settings.plain, quiet=quiet)
    return Context(config.project(settings.start), settings, progress)
