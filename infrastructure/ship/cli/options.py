"""Arguments and options that several commands share, and the context they run in."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ship import config
from ship.errors import UsageError
from ship.output import Progress

# A command imports what it works with when it runs: `ship --help` needs none of it.
if TYPE_CHECKING:
    from ship.environments.context import Context


class _Environment(click.ParamType[str]):
    name = "environment"

    def convert(self, value: str, *_: object) -> str:
        return config.project(Path.cwd()).check_environment(value)


class _Text(click.ParamType[str]):
    """A text that is not empty, as a variable of a shell may be by mistake."""

    name = "text"

    def convert(
        self, value: str, parameter: click.Parameter | None, context: click.Context | None
    ) -> str:
        if not value.strip():
            self.fail("it is empty.", parameter, context)
        return value


class Number(click.FloatRange):
    """A number in a range, in which click would take `nan` to be."""

    def convert(
        self, value: float, parameter: click.Parameter | None, context: click.Context | None
    ) -> float:
        """Return the number."""
        found: float = super().convert(value, parameter, context)
        if math.isnan(found):
            self.fail(f"{value} is not a number.", parameter, context)
        return found


ENVIRONMENT = _Environment()
TEXT = _Text()
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

environment_argument = click.argument("environment", type=ENVIRONMENT)
number_option = partial(click.option, show_default=True)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
reason_option = click.option("--reason", default="", help="Why, for the history.")
required_reason_option = click.option(
    "--reason", required=True, type=TEXT, help="Why, for the history."
)
out_option = click.option("--out", type=NEW_FILE, help="Write it to this file, too.")


def read_text(path: Path) -> str:
    """Read a file that a person named.

    Raises:
        UsageError: it is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in UTF-8", "name another file") from error


def open_context(*, quiet: bool = False, aws: bool = False) -> Context:
    """The context of this command; `aws` says that it works on AWS whatever SHIP_TARGET says."""
    from ship.environments.context import Context

    settings = config.settings(aws=aws)
    progress = Progress(plain=settings.plain, quiet=quiet)
    return Context(config.project(settings.start), settings, progress)
