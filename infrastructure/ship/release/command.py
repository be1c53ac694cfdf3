"""Runs a command of the application in a version of the function, whether it is live or not."""

from __future__ import annotations

import base64
import shlex
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ship.errors import CheckFailedError, ShipError
from ship.release.function import Function
from ship.state import CommandRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ship.aws import Clients
    from ship.output import Progress
    from ship.release.environment import Environment, Target
    from ship.state import Stack

_EVENT = "lambda_adapter.command"
# INIT has ten seconds; where it is too slow, the invocation's time is for it, too.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
_START_SECONDS = 30.0
_SHOWN_LINES = 5


class Ended(NamedTuple):
    """How a command ended."""

    status: int | None
    """The exit status; None where there is none, and `problem` says why."""
    output: bytes = b""
    left_out: int = 0
    """How many bytes at the beginning of a long output are missing here."""
    problem: str = ""

    def check(self, command: str, environment: str) -> int:
        """Return the exit status.

        Raises:
            ShipError: there is none.
        """
        if self.status is None:
            raise ShipError(
                f"`{command}` {self.problem}",
                f"see `ship logs {environment}`; more time is function_timeout_seconds, at most "
                "900, in infrastructure/stack/settings.auto.tfvars",
            )
        return self.status


def run_command(clients: Clients, stack: Stack, version: str, command: Sequence[str]) -> Ended:
    """Run a command once, and wait for its end.

    Raises:
        ShipError: it is not known how it ended, or whether it has.
    """
    found = Function(clients.client("lambda"), stack.function_name, stack.alias)
    limit = found.timeout(version)
    client = clients.patient_client("lambda", limit + _START_SECONDS)
    function = Function(client, stack.function_name, stack.alias)
    try:
        answer = function.invoke(version, {_EVENT: list(command)})
    except CheckFailedError as error:
        return Ended(None, problem=f"did not run to its end: {error}")
    problem = f"was stopped, because the function has {limit:g} s"
    return Ended(answer["status"], base64.b64decode(answer["output"]), answer["left_out"], problem)


def run_before_traffic(
    clients: Clients, environment: Environment, target: Target, progress: Progress
) -> None:
    """Run the command that a release wants to be run before it gets traffic.

    The lock keeps two deploys apart. A deploy that died has left its command running in Lambda,
    which is waited for.

    Raises:
        ShipError: it failed, or it is not known how it ended.
    """
    transaction, text = environment.transaction, target.manifest.before_traffic
    _wait(transaction.state.commands, progress)
    seconds = environment.function.timeout(target.version) + _START_SECONDS
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    started = CommandRecord(target.release, text, until.isoformat(timespec="seconds"))
    transaction.write(transaction.state.with_command(started))
    began = time.monotonic()
    ended = run_command(clients, environment.stack, target.version, shlex.split(text))
    transaction.write(transaction.state.with_command(replace(started, until="")))
    lines = ended.output.decode(errors="replace").splitlines()
    for line in lines:
        progress.note(line)
    how = f"status {ended.status}" if ended.status is not None else ended.problem
    live, took = transaction.state.live, time.monotonic() - began
    transaction.record("before traffic", target.release, live, f"`{text}`: {how}", took)
    if ended.check(text, environment.name):
        raise ShipError(
            f"`{text}` ended with {how}: {'; '.join(lines[-_SHOWN_LINES:])}",
            "correct what it says, then deploy again",
        )


def _wait(commands: Iterable[CommandRecord], progress: Progress) -> None:
    """Wait until what may still be running has ended."""
    for one in commands:
        if one.until and (left := _seconds_until(one.until)) > 0:
            progress.note(
                f"`{one.command}` of {one.release} may still be running, as its deploy has died; "
                f"waiting {left:.0f} s"
            )
            time.sleep(left)


def _seconds_until(moment: str) -> float:
    return (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()
