"""Commands that tell numbers: how deliveries go, and what an environment costs."""

from __future__ import annotations

import subprocess
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from ship.cli.options import (
    ENVIRONMENT,
    Number,
    environment_argument,
    json_option,
    number_option,
    open_context,
)
from ship.output import result, table

if TYPE_CHECKING:
    from ship.environments.context import Context

# How much of the history is enough for a year of several deploys a day.
_ENTRIES = 5000


@click.command()
@click.argument("environment", type=ENVIRONMENT, required=False)
@number_option("--days", default=30, type=click.IntRange(1, 365), help="How far back to look.")
@json_option
def metrics(environment: str | None, days: int, as_json: bool) -> None:
    """Show how the deploys of ENVIRONMENT, or of all, went: DORA's metrics, from the history.

    Deploys per week; the median time from a commit to its going live, and from a failed deploy to
    the release before; the share of deploys that failed or were rolled back, and that came right
    after such a failure. Commits that this clone does not have are left out of the lead time.
    """
    context = open_context(quiet=True)
    names = [environment] if environment else list(context.project.environments)
    found = {name: _read_metrics(context, name, days) for name in names}
    columns = ("environment", "deploys", "a week", "lead time", "failed", "restored in", "rework")
    rows = [
        (
            name,
            str(one["deploys"]),
            f"{one['deploys_per_week']:g}",
            _duration(one["lead_time"]),
            _percent(one["change_failure_rate"]),
            _duration(one["time_to_restore"]),
            _percent(one["rework_rate"]),
        )
        for name, one in found.items()
    ]
    result(found, table(columns, rows), as_json=as_json)


def _duration(seconds: float | None) -> str:
    return "-" if seconds is None else str(timedelta(seconds=round(seconds)))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


@click.command()
@environment_argument
@number_option(
    "--requests",
    default=1_000_000,
    type=click.IntRange(0, 10**12),
    help="Requests to the application, a month.",
)
@number_option(
    "--milliseconds",
    default=50.0,
    type=Number(1, 900_000),
    help="How long the function works on one.",
)
@number_option(
    "--kilobytes", default=20.0, type=Number(0, 6_000), help="What an answer sends to the visitor."
)
@json_option
def cost(
    environment: str, requests: int, milliseconds: float, kilobytes: float, as_json: bool
) -> None:
    """Show what ENVIRONMENT costs in a month, at rest and with so many requests.

    By AWS's list prices in us-east-1, before free allowances, for the function as it is live. What
    infrastructure/stack/app.tf makes is not in it.
    """
    from ship.aws import aws_call
    from ship.environments import cost as prices

    context = open_context(quiet=True)
    clients = context.clients(environment)
    stack = context.store(environment, clients).stack()
    function = aws_call(
        lambda: clients.client("lambda").get_function_configuration(
            FunctionName=stack.function_name, Qualifier=stack.alias
        ),
        f"the function {stack.function_name} cannot be read",
    )
    usage = prices.Usage(
        requests,
        milliseconds,
        kilobytes,
        memory=function["MemorySize"],
        architecture=function["Architectures"][0],
        alarms=len(stack.alarms),
        own_key=stack.settings_key != "alias/aws/ssm",
    )
    at_rest = sum(prices.per_month(replace(usage, requests=0)).values())
    found = prices.per_month(usage)
    limit = prices.requests_where_fargate_is_cheaper(usage)
    data = {
        "environment": environment,
        "prices": prices.PRICES_DATE,
        "at_rest": round(at_rest, 2),
        "total": round(sum(found.values()), 2),
        "items": {name: round(dollars, 4) for name, dollars in found.items()},
        "fargate": round(prices.fargate_per_month(), 2),
        "fargate_cheaper_above": limit,
        "not_counted": list(context.project.uses),
    }
    uses = f" ({', '.join(context.project.uses)})" if context.project.uses else ""
    rows = [(name, f"{dollars:10,.2f}") for name, dollars in found.items()]
    rows += [("total", f"{data['total']:10,.2f}"), ("of it at rest", f"{at_rest:10,.2f}")]
    text = (
        f"{table((environment, 'USD a month'), rows)}\n"
        f"List prices of {prices.PRICES_DATE}, {usage.memory} MB, {usage.architecture}. Two small "
        f"containers on Fargate and a load balancer are {data['fargate']:.0f} USD a month: less "
        f"than Lambda and API Gateway from {limit / 1e6:,.0f} million requests.\n"
        f"Not in it: what infrastructure/stack/app.tf makes{uses}."
    )
    result(data, text, as_json=as_json)


def _read_metrics(context: Context, environment: str, days: int) -> dict[str, Any]:
    """An environment's metrics, as of now."""
    from ship.state.metrics import measure

    store = context.store(environment, context.clients(environment))
    store.stack()
    entries = store.history(_ENTRIES)[::-1]
    # A commit that this clone lacks is no error, and neither is a tree without git.
    command = ("git", "rev-list", "--no-walk", "--ignore-missing", "--timestamp", "--stdin")
    done = subprocess.run(
        command,
        cwd=context.settings.start,
        input="\n".join({entry.commit for entry in entries if entry.commit}),
        capture_output=True,
        check=False,
        text=True,
    )
    committed = {
        commit: datetime.fromtimestamp(int(seconds), UTC)
        for seconds, commit in (line.split() for line in done.stdout.splitlines())
    }
    return asdict(measure(entries, committed, days, datetime.now(UTC)))
