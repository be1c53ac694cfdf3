"""Commands for settings and secrets, and the one that makes them count."""

import sys
from dataclasses import asdict

import click

from lambda_adapter import parameters as adapter
from ship.cli.options import TEXT, environment_argument, json_option, open_context, reason_option
from ship.cli.release import print_outcome
from ship.environments.alerts import telling
from ship.environments.parameters import Parameters, Setting
from ship.errors import ShipError, UsageError
from ship.output import result, table

_HIDDEN = "(secret)"

name_argument = click.argument("name", type=TEXT)


@click.group()
@environment_argument
@click.pass_context
def settings(context: click.Context, environment: str) -> None:
    """Read and change the settings of ENVIRONMENT: environment variables of the application.

    They are parameters in AWS Parameter Store, secret ones encrypted. They count in execution
    environments that start after the change; `ship restart` makes them count in all.
    """
    context.obj = environment


@settings.command(name="list")
@json_option
@click.pass_obj
def list_settings(environment: str, *, as_json: bool) -> None:
    """List all settings, who changed them and when; secrets without their values."""
    found = _parameters(environment).read_all()
    rows = [(one.name, _show(one), one.at, one.by) for one in found]
    text = table(("name", "value", "changed", "by"), rows) if rows else "there are none"
    result([asdict(one) for one in found], text, as_json=as_json)


@settings.command
@name_argument
@click.pass_obj
def get(environment: str, name: str) -> None:
    """Print the value of NAME, also a secret's."""
    value, secret = _parameters(environment).get(name)
    if secret and open_context().settings.run.on_github:
        raise ShipError(
            f"{name} is a secret, and a workflow's log is kept", "read it at a terminal"
        )
    print(value)


@settings.command(name="set")
@click.argument("assignment", type=TEXT, metavar="NAME|NAME=VALUE")
@click.option("--plain", is_flag=True, help="Not secret: NAME=VALUE, shown by `list`.")
@click.pass_obj
def set_setting(environment: str, assignment: str, *, plain: bool) -> None:
    """Set NAME to what is typed or piped in; with --plain to the VALUE of NAME=VALUE.

    A secret is never an argument: other users see those, and shells keep them.
    """
    name, has_value, value = assignment.partition("=")
    if has_value and not plain:
        raise UsageError(
            f"a secret is not given as an argument, where others can see it: {name}=…",
            f"pipe it into `ship settings {environment} set {name}`, or add --plain",
        )
    if plain and not has_value:
        raise UsageError(f"{name} has no value", f"write --plain {name}=VALUE")
    parameters = _parameters(environment)
    parameters.set(name, value if plain else _read_secret(name), secret=not plain)
    _print_done(environment, f"{name} is set")


@settings.command
@name_argument
@click.pass_obj
def unset(environment: str, name: str) -> None:
    """Remove NAME."""
    _parameters(environment).unset(name)
    _print_done(environment, f"{name} is removed")


@settings.command
@name_argument
@click.pass_obj
def rotate(environment: str, name: str) -> None:
    """Draw a new SECRET_KEY and keep the old one in SECRET_KEY_FALLBACKS, a JSON list.

    Sessions stay valid where the application uses the fallbacks. If the old key is known to
    somebody who must not have it, unset SECRET_KEY_FALLBACKS, too.
    """
    _parameters(environment).rotate(name)
    _print_done(environment, f"{name} is new, the old one is in {name}_FALLBACKS")


@settings.command
@name_argument
@json_option
@click.pass_obj
def history(environment: str, name: str, *, as_json: bool) -> None:
    """Show when NAME was changed and by whom, newest first; secrets without their values."""
    found = _parameters(environment).history(name)
    rows = [(str(one.version), one.at, one.by, _show(one)) for one in found]
    text = table(("version", "changed", "by", "value"), rows)
    result([asdict(one) for one in found], text, as_json=as_json)


@click.command()
@environment_argument
@reason_option
@json_option
def restart(environment: str, reason: str, *, as_json: bool) -> None:
    """Make changed settings count now: the live release of ENVIRONMENT starts again.

    A new version of the same code, checked before it gets traffic and shifted like a deploy. A
    freeze stays. If the application does not start, the running one stays (status 3).
    """
    context = open_context()
    shift = context.shift(environment)
    with telling(context, environment, "restart"):
        outcome = context.engine(environment).restart(shift, reason or "settings")
    print_outcome(outcome, as_json=as_json)


def _parameters(environment: str) -> Parameters:
    context = open_context(quiet=True)
    clients = context.clients(environment)
    stack = context.store(environment, clients).stack()
    path = f"/{context.project.name}/{environment}"
    return Parameters(clients.client("ssm"), path, stack.settings_key)


def _read_secret(name: str) -> str:
    if sys.stdin.isatty():
        value: str = click.prompt(
            name, hide_input=True, confirmation_prompt=True, err=True, show_default=False
        )
        return value
    try:
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise UsageError(f"the value of {name} is not text", "encode it, as in Base64") from error


def _show(setting: Setting) -> str:
    if reason := adapter.refusal(setting.name):
        return f"(not used: the name {reason})"
    first, *more = setting.value.splitlines() or [""]
    shown = f"{first[:60]}…" if more or len(first) > 60 else first
    return _HIDDEN if setting.secret else shown


def _print_done(environment: str, text: str) -> None:
    when = f"it counts in what starts from now on; `ship restart {environment}` starts all"
    result({}, f"{text} in {environment}; {when}", as_json=False)
