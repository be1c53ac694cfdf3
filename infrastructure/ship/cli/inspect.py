"""Commands that look and change nothing: status, history, logs, request, smoke, drift, doctor."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ship.cli.options import (
    ENVIRONMENT,
    TEXT,
    Number,
    environment_argument,
    json_option,
    number_option,
    open_context,
    out_option,
)
from ship.environments.alerts import Message, send, telling
from ship.errors import CheckFailedError, DriftError, ShipError, UsageError
from ship.github.job import publish
from ship.output import Report, result, table

if TYPE_CHECKING:
    from pathlib import Path

    from ship.environments.context import Context

_BAD = 400


@click.command()
@click.argument("environment", type=ENVIRONMENT, required=False)
@json_option
def status(environment: str | None, as_json: bool) -> None:
    """Show what is live in ENVIRONMENT, or in all, and where a rollback would go."""
    from ship.state import Freeze

    context = open_context(quiet=True)
    if environment is None:
        all_found = [read_status(context, name) for name in context.project.environments]
        result(all_found, status_table(all_found), as_json=as_json)
        return
    found = read_status(context, environment)
    frozen, operation = found["frozen"], found["operation"]
    lines = {
        "environment": environment,
        "release": found["release"] or "none yet",
        "previous": found["previous"] or "none",
        "commit": found["commit"],
        "function version": found["function_version"],
        "next deploy": found["pending_configuration"],
        "site": found["site_url"],
        "API": found["api_url"] + (" (closed)" if found["api_behind_cloudfront"] else ""),
        "frozen": frozen and str(Freeze(**frozen)).removeprefix("frozen "),
        "bad": found["bad"] and json.dumps(found["bad"]),
        "under way": operation
        and f"{operation['kind']} of {operation['release']} by {operation['owner']['actor']}, "
        f"{operation['owner']['run']}",
    }
    text = "\n".join(f"{name:<17}{value}" for name, value in lines.items() if value)
    result(found, text, as_json=as_json)


@click.command()
@environment_argument
@number_option(
    "--newest", default=20, type=click.IntRange(1, 1000), help="How many entries to show."
)
@json_option
def history(environment: str, newest: int, as_json: bool) -> None:
    """Show the history of ENVIRONMENT: what went live when, by whom and why."""
    entries = read_history(open_context(quiet=True), environment, newest)
    columns = ("at", "event", "release", "by", "reason", "configuration")
    rows = [tuple(str(entry[column] or "") for column in columns) for entry in entries]
    result(entries, table(columns, rows), as_json=as_json)


@click.command()
@environment_argument
@number_option("--minutes", default=10.0, type=Number(0, 5_256_000), help="How far back to begin.")
@click.option("--follow", is_flag=True, help="Keep printing new records until interrupted.")
def logs(environment: str, minutes: float, follow: bool) -> None:
    """Print the function's log records of ENVIRONMENT, oldest first."""
    from ship.aws import aws_list

    context = open_context(quiet=True)
    clients = context.clients(environment)
    group = context.store(environment, clients).stack().log_group
    # A record may arrive late, so each round asks for the whole time again.
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    start, seen = int((time.time() - minutes * 60) * 1000), set[tuple[object, ...]]()
    while True:
        events = aws_list(
            *(clients.client("logs"), "filter_log_events", "events"),
            f"the log group {group} cannot be read",
            logGroupName=group,
            startTime=start,
        )
        # Records of one millisecond have no other identity than their text.
        for event in events:
            identity = (event["logStreamName"], event["timestamp"], event["message"])
            if identity not in seen:
                seen.add(identity)
                print(str(event["message"]).rstrip(), flush=follow)
        if not follow:
            return
        time.sleep(1)


@click.command()
@environment_argument
@click.argument("path", type=TEXT)
@click.option("--version", type=TEXT, help="The function version to ask; by default the newest.")
@click.option("--release", type=TEXT, help="The release whose version to ask.")
def request(environment: str, path: str, version: str | None, release: str | None) -> None:
    """Show what a version answers to a GET of PATH, whether users get it or not.

    The newest version is a new release's as soon as its deploy has published it. Status and headers
    go to standard error, the body to standard output. Exit status 1: it answers with 400 or more.
    """
    from ship.release.function import Function
    from ship.release.pre_traffic import get

    if not path.startswith("/"):
        raise UsageError(f"{path!r} is not a path", "begin it with a slash")
    if version and release:
        raise UsageError("--version and --release cannot go together", "give one of them")
    context = open_context(quiet=True)
    clients = context.clients(environment)
    store = context.store(environment, clients)
    stack = store.stack()
    function = Function(clients.client("lambda"), stack.function_name, stack.alias)
    found = function.versions()
    if release:
        sha256 = store.manifest(release).code_sha256
        found = {number: code for number, code in found.items() if code == sha256}
    version = version or max(found, key=int, default="")
    if version not in found:
        what = f"version {version}" if version else f"version of {release or 'any release'}"
        hint = f"deploy, or name one of {', '.join(found)}" if found else "deploy it first"
        raise ShipError(f"{environment} has no {what}", hint)
    hint = f"see `ship logs {environment}`"
    try:
        status, headers, body = get(function, version, path, stack)
    except CheckFailedError as error:
        raise ShipError(str(error), hint) from error
    lines = [f"{status} from version {version}", *(f"{name}: {value}" for name, value in headers)]
    print("\n".join(lines), file=sys.stderr, flush=True)
    sys.stdout.buffer.write(body)
    sys.stdout.flush()
    if status >= _BAD:
        raise ShipError(f"version {version} answers {path} with {status}", hint)


@click.command()
@environment_argument
@json_option
def smoke(environment: str, as_json: bool) -> None:
    """Test what is live in ENVIRONMENT through API Gateway and CloudFront."""
    context = open_context()
    engine = context.engine(environment)
    try:
        with context.progress.step("smoke"):
            seconds = engine.check()
    except CheckFailedError as error:
        raise ShipError(str(error), f"see `ship logs {environment}`, or `ship rollback`") from error
    data = {"environment": environment, "release": engine.state.live, "seconds": round(seconds, 3)}
    text = f"{engine.state.live} answers through API Gateway and CloudFront"
    result(data, text, as_json=as_json)


@click.command()
@environment_argument
@out_option
def drift(environment: str, out: Path | None) -> None:
    """Compare ENVIRONMENT with what Terraform and `ship` made of it, and change nothing.

    It reads as the role that plans, and compares everything that Terraform has made, the alias,
    the live version's code, the pages, and what a dead run left behind. Exit status 5: something
    differs. While a command changes the environment nothing is compared, and the status is 0.
    """
    from ship.environments.drift import detect, render

    context = open_context()
    with telling(context, environment, "comparison for drift", as_reader=True):
        found = detect(context, environment)
    publish(Report(render(found), {"drift": found.outcome}), context.settings, out)
    if found.differences:
        what = f"{len(found.differences)} differences"
        hint = "undo them as the report says, or write what should stay into the code"
        # At a terminal somebody has seen them.
        if context.settings.run.on_github:
            message = Message(f"drift: {what}", "", f"{hint}; the run and its issue list them")
            send(context, environment, message, as_reader=True)
        raise DriftError(f"{environment} is not as it was made: {what}", hint)


@click.command()
@click.argument("environment", type=ENVIRONMENT, required=False)
@json_option
def doctor(environment: str | None, as_json: bool) -> None:
    """Find what keeps the project from working, and say what fixes it; change nothing.

    Tools, account and credentials, on AWS the repository and its roles, then ENVIRONMENT or all:
    what is not made, locked, or left unfinished. Exit status 1: there are problems.
    """
    from ship.environments.doctor import examine
    from ship.github.api import gh

    context = open_context(quiet=True)
    names = [environment] if environment else context.project.environments
    found = list(examine(context, names, gh))
    lines = [f"problem: {what}\n  to fix it: {fix}" for what, fix in found]
    text = "\n".join(lines) or "nothing is wrong"
    result([one._asdict() for one in found], text, as_json=as_json)
    if found:
        raise ShipError(
            f"problems: {len(found)}", "fix them in this order, then run `ship doctor` again"
        )


def read_status(context: Context, environment: str) -> dict[str, Any]:
    """What is live in an environment, and where a rollback would go."""
    from ship.environments.infrastructure import pending_configuration

    clients = context.clients(environment)
    store = context.store(environment, clients)
    stack = store.stack()
    state, _ = store.read_state()
    live = state.releases.get(state.live or "")
    return {
        "environment": environment,
        "release": state.live,
        "previous": state.previous,
        "rollback_candidates": list(state.rollback_candidates),
        "commit": live.commit if live else None,
        "function_version": live.version if live else None,
        "pending_configuration": pending_configuration(clients, stack, state),
        "api_url": stack.api_url,
        "api_behind_cloudfront": stack.api_behind_cloudfront,
        "site_url": stack.site_url,
        "frozen": asdict(state.frozen) if state.frozen else None,
        "bad": state.bad,
        "pinned": list(state.pinned),
        "operation": asdict(state.operation) if state.operation else None,
    }


def read_history(context: Context, environment: str, newest: int) -> list[dict[str, Any]]:
    """The newest entries of an environment's history, newest first."""
    store = context.store(environment, context.clients(environment))
    # It raises where the environment does not exist; an empty history would say nothing.
    store.stack()
    return [asdict(entry) for entry in store.history(newest)]


def status_table(found: list[dict[str, Any]]) -> str:
    """Several environments' status, a row each."""
    columns = ("environment", "release", "site", "API")
    rows = [
        (one["environment"], one["release"] or "none yet", one["site_url"], one["api_url"])
        for one in found
    ]
    return table(columns, rows)
