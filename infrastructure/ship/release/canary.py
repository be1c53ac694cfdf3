"""Watch a share of the traffic go to the new version, and say whether it may have all of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ship.aws import aws_call
from ship.errors import CheckFailedError

if TYPE_CHECKING:
    import httpx

    from ship.aws import Client
    from ship.state.store import Stack

_PAUSE_SECONDS = 0.2
_TIMEOUT_SECONDS = 10.0
# Silence is not health: a version that nobody asked has shown nothing.
ENOUGH_ANSWERS = 5
_GRACE_SECONDS = 30.0


def alarming(cloudwatch: Client, stack: Stack) -> frozenset[str]:
    """The names of the environment's alarms that are on now."""
    if not stack.alarms:
        return frozenset()
    found = aws_call(
        lambda: cloudwatch.describe_alarms(AlarmNames=list(stack.alarms)),
        "the alarms cannot be read",
        "check the credentials, then run the command again",
    )
    alarms = [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]
    return frozenset(alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM")


def bake(
    cloudwatch: Client, stack: Stack, version: str, seconds: float, before: frozenset[str]
) -> int:
    """Send requests for some seconds and return how many the new version answered.

    Alarms that were on before the deploy do not count: it may be their cure.

    Raises:
        CheckFailedError: an answer failed, an alarm came on, or the new version answered too few.
    """
    import httpx

    started, answers = time.monotonic(), 0
    with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
        while _going_on(time.monotonic() - started, answers, seconds):
            answers += _ask(client, stack) == version
            time.sleep(_PAUSE_SECONDS)
    fresh = alarming(cloudwatch, stack) - before
    if fresh:
        raise CheckFailedError(f"alarms came on during the bake: {', '.join(sorted(fresh))}")
    if answers < ENOUGH_ANSWERS:
        raise CheckFailedError(
            f"version {version} answered {answers} requests during the bake; "
            f"{ENOUGH_ANSWERS} would have shown something"
        )
    return answers


def _going_on(elapsed: float, answers: int, seconds: float) -> bool:
    if elapsed < seconds:
        return True
    return answers < ENOUGH_ANSWERS and elapsed < seconds + _GRACE_SECONDS


def _ask(client: httpx.Client, stack: Stack) -> str:
    import httpx

    try:
        response = client.get(f"{stack.api_url}/api/version")
        response.raise_for_status()
        return str(response.json()["function_version"])
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise CheckFailedError(f"a request failed during the bake: {error!r}") from error
