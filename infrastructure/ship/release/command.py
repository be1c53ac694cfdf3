"""Runs a command of the application in a version of the function, whether it is live or not."""

from __future__ import annotations

import base64
import shlex
from typing import TYPE_CHECKING, NamedTuple

from ship.errors import CheckFailedError, ShipError
from ship.release.function import Function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ship.aws import Clients
    from ship.state import Stack

_EVENT = "lambda_adapter.command"
# Where INIT is too slow, the function's whole time is begun once more.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
_START_SECONDS = 30.0


class Ended(NamedTuple):
    """How a command ended."""

    status: int | None
    """The exit status; None where the function's time was over."""
    output: bytes
    left_out: int
    """How many bytes at the beginning of a long output are missing here."""
    seconds: float
    """How long the function may take."""

    def check_time(self, command: Sequence[str], environment: str) -> int:
        """Return the exit status.

        Raises:
            ShipError: the command was stopped.
        """
        if self.status is not None:
            return self.status
        raise ShipError(
            f"`{shlex.join(command)}` was stopped, because the function has {self.seconds:g} s",
            "make it shorter, or raise function_timeout_seconds (at most 900) in "
            f"infrastructure/stack/settings.auto.tfvars and run `ship apply {environment}`",
        )


def run_command(clients: Clients, stack: Stack, version: str, command: Sequence[str]) -> Ended:
    """Run a command once, and wait for its end.

    Raises:
        ShipError: the function did not run it, or it is not known how it ended.
    """
    found = Function(clients.client("lambda"), stack.function_name, stack.alias)
    seconds = found.timeout(version)
    client = clients.patient_client("lambda", 2 * seconds + _START_SECONDS)
    function = Function(client, stack.function_name, stack.alias)
    try:
        answer = function.invoke(version, {_EVENT: list(command)})
        output = base64.b64decode(answer["output"])
        return Ended(answer["status"], output, answer["left_out"], seconds)
    except (CheckFailedError, KeyError) as error:
        raise ShipError(
            f"`{shlex.join(command)}` has not run to its end: {error}",
            f"see `ship logs {stack.environment}`",
        ) from error
