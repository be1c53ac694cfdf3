"""Runs a command of the application in a version of the function, whether it is live or not."""

from __future__ import annotations

import base64
import json
import secrets
import shlex
import threading
import time
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ship.aws import aws_list
from ship.errors import CheckFailedError, InterruptedCommandError, ShipError
from ship.release.function import Function
from ship.state import CommandRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ship.aws import Clients
    from ship.output import Progress
    from ship.release.environment import Environment, Target
    from ship.state import Stack

_EVENT = "lambda_adapter.command"
# INIT has ten seconds; where it is too slow, the invocation's time is for it, too.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
_START_SECONDS = 30.0
# An account may ask for log records five times a second.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
_FOLLOW_SECONDS = 1.0
_LATE_SECONDS = 30.0
_SHOWN_LINES = 5
_LONGEST = 200
_REPLACED = "\ufffd"


@dataclass(frozen=True)
class Command:
    """A command in a version of a release, and who gets what it prints, part by part."""

    arguments: Sequence[str]
    release: str
    version: str
    show: Callable[[bytes], object]
    identity: str = field(default_factory=partial(secrets.token_hex, 8))
    """The `request_id` of its records in the log."""

    def __str__(self) -> str:
        """As the state and the history keep it."""
        text = shlex.join(self.arguments)
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


class Ended(NamedTuple):
    """How a command ended."""

    status: int | None
    """The exit status; None where there is none, and `problem` says why."""
    output: bytes = b""
    """At most the last 4 MB of it."""
    missing: int = 0
    """How many bytes of a long output were not shown."""
    problem: str = ""

    @property
    def how(self) -> str:
        """The same in a few words."""
        return f"status {self.status}" if self.status is not None else self.problem

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


def run_command(clients: Clients, stack: Stack, command: Command) -> Ended:
    """Run a command once, show its output while it runs, and wait for its end.

    Raises:
        ShipError: it is not known how it ended, or whether it has.
        InterruptedCommandError: it goes on.
    """
    version, found = command.version, clients.client("lambda")
    limit = Function(found, stack.function_name, stack.alias).timeout(version)
    client = clients.patient_client("lambda", limit + _START_SECONDS)
    function = Function(client, stack.function_name, stack.alias)
    event = {_EVENT: {"arguments": list(command.arguments), "id": command.identity}}
    output = _Output(clients, stack.log_group, command)
    answered = Future[dict[str, Any]]()

    def invoke() -> None:
        try:
            answered.set_result(function.invoke(version, event))
        except BaseException as error:
            answered.set_exception(error)

    # Not of a pool, whose threads an interrupted process would wait for.
    threading.Thread(target=invoke, daemon=True).start()
    try:
        while not wait([answered], _FOLLOW_SECONDS).done:
            output.follow()
        answer = answered.result()
    except CheckFailedError as error:
        return Ended(None, problem=f"did not run to its end: {error}")
    except KeyboardInterrupt as error:
        raise InterruptedCommandError(
            f"`{command}` goes on in {stack.environment}, for {limit:g} s at most",
            f"see `ship logs {stack.environment}` for what it prints (request_id "
            f"{command.identity}), and how it ends",
        ) from error
    said = base64.b64decode(answer["output"])
    missing = output.finish(said, answer["left_out"])
    problem = f"was stopped, because the function has {limit:g} s"
    return Ended(answer["status"], said, missing, problem)


class _Output:
    """What a command prints, taken from the function's log until the answer has the rest."""

    def __init__(self, clients: Clients, group: str, command: Command) -> None:
        self._clients = clients
        self._group = group
        self._identity = command.identity
        self._show = command.show
        self._shown = 0
        self._since = int((time.time() - _START_SECONDS) * 1000)  # This clock may be ahead.
        self._is_followed = True

    def follow(self) -> None:
        """Show what the log has by now, as far as it follows on."""
        for offset, text, timestamp in self._read() if self._is_followed else ():
            if offset == self._shown:
                if _REPLACED in text:
                    self._is_followed = False  # No text; the answer has it as it is.
                    return
                self._write(text.encode())
                self._since = timestamp

    def finish(self, said: bytes, left_out: int) -> int:
        """Show the rest: the end is in the answer, and what comes before it only in the log.

        Returns how many bytes could not be shown.
        """
        until = time.monotonic() + _LATE_SECONDS
        while self._shown < left_out and self._is_followed and time.monotonic() < until:
            self.follow()
            time.sleep(_FOLLOW_SECONDS)
        missing = max(0, left_out - self._shown)
        self._write(said[max(0, self._shown - left_out) :])
        return missing

    def _write(self, data: bytes) -> None:
        self._shown += len(data)
        if data:
            self._show(data)

    def _read(self) -> list[tuple[int, str, int]]:
        try:
            events = aws_list(
                *(self._clients.client("logs"), "filter_log_events", "events"),
                f"the log group {self._group} cannot be read",
                logGroupName=self._group,
                startTime=self._since,
                filterPattern=f'{{ $.request_id = "{self._identity}" }}',
            )
        except ShipError:
            self._is_followed = False  # The output comes at the end.
            return []
        found = []
        for event in events:
            # An emulator may know no such pattern, and Lambda's own records are no JSON there.
            with suppress(ValueError, KeyError, TypeError):
                record = json.loads(event["message"])
                if record["request_id"] == self._identity:
                    place, text = int(record["offset"]), str(record["output"])
                    found.append((place, text, int(event["timestamp"])))
        return sorted(found)


def run_alone(
    clients: Clients, environment: Environment, command: Command, progress: Progress
) -> Ended:
    """Run a command as `run_command` does, while no other such one may run.

    The caller holds the lock, which keeps such runs and deploys apart. A process that died has left
    its command running in Lambda, which is waited for.
    """
    transaction = environment.transaction
    for one in transaction.state.commands:
        if one.until and (left := _seconds_until(one.until)) > 0:
            what = f"`{one.command}` of {one.release}"
            progress.note(f"{what} may still be running; waiting {left:.0f} s")
            time.sleep(left)
    seconds = environment.function.timeout(command.version) + _START_SECONDS
    until = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")
    started = CommandRecord(command.release, str(command), until)
    transaction.write(transaction.state.with_command(started))
    ended = run_command(clients, environment.stack, command)
    transaction.write(transaction.state.with_command(replace(started, until="")))
    return ended


def run_by_hand(
    clients: Clients,
    environment: Environment,
    command: Command,
    progress: Progress,
    *,
    is_alone: bool,
) -> Ended:
    """Run a person's command, alone under the caller's lock or beside others; record it."""
    transaction, began, how = environment.transaction, time.monotonic(), "nobody has waited"
    try:
        if is_alone:
            ended = run_alone(clients, environment, command, progress)
        else:
            ended = run_command(clients, environment.stack, command)
        how = ended.how
    except (KeyboardInterrupt, InterruptedCommandError):
        how = "interrupted"
        raise
    finally:
        reason = f"`{command}`: {how} (request_id {command.identity})"
        release, took = command.release, time.monotonic() - began
        transaction.record("ran", release, transaction.state.live, reason, took)
    return ended


def run_before_traffic(
    clients: Clients, environment: Environment, target: Target, progress: Progress
) -> None:
    """Run the command that a release wants to be run before it gets traffic.

    Raises:
        ShipError: it failed, or it is not known how it ended.
    """
    transaction, text = environment.transaction, target.manifest.before_traffic
    began, unfinished = time.monotonic(), b""

    def show(data: bytes) -> None:
        nonlocal unfinished
        *lines, unfinished = (unfinished + data).split(b"\n")
        for line in lines:
            progress.note(line.decode(errors="replace"))

    command = Command(shlex.split(text), target.release, target.version, show)
    ended = run_alone(clients, environment, command, progress)
    if unfinished:
        show(b"\n")
    live, took = transaction.state.live, time.monotonic() - began
    transaction.record("before traffic", target.release, live, f"`{text}`: {ended.how}", took)
    if ended.check(text, environment.name):
        last = ended.output.decode(errors="replace").splitlines()[-_SHOWN_LINES:]
        raise ShipError(
            f"`{text}` ended with {ended.how}: {'; '.join(last)}",
            "correct what it says, then deploy again",
        )


def _seconds_until(moment: str) -> float:
    return (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()
