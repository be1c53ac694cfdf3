"""The canary: a share of the traffic goes to the new version and is watched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ship.aws import aws_call
from ship.errors import CheckFailedError, ShipError

if TYPE_CHECKING:
    from ship.aws import Client
    from ship.state import Stack

_PAUSE_SECONDS = 0.2
_TIMEOUT_SECONDS = 10.0
# A version that got no request has shown nothing, so a canary without traffic sends its own.
ENOUGH_RESPONSES = 5
_GRACE_SECONDS = 30.0


def firing_alarms(cloudwatch: Client, stack: Stack) -> frozenset[str]:
    """The names of the environment's alarms that are in the state ALARM."""
    # Without names, DescribeAlarms returns every alarm of the account.
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    if not stack.alarms:
        return frozenset()
    found = aws_call(
        lambda: cloudwatch.describe_alarms(AlarmNames=list(stack.alarms)),
        "the alarms cannot be read",
    )
    alarms = [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]
    return frozenset(alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM")


def watch(
    cloudwatch: Client, stack: Stack, version: str, bake_seconds: float, before: frozenset[str]
) -> int:
    """Send requests for some seconds and return how many the new version answered.

    Alarms that fired before the deploy do not count: the new release may be what ends them.

    Raises:
        CheckFailedError: a request failed, an alarm fired, or the new version answered too few.
        ShipError: the alarms cannot be read, or API Gateway cannot be reached.
    """
    import httpx

    started, responses = time.monotonic(), 0
    # No proxy of the machine's may stand between the check and what it checks.
    with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
        while (elapsed := time.monotonic() - started) < bake_seconds or (
            responses < ENOUGH_RESPONSES and elapsed < bake_seconds + _GRACE_SECONDS
        ):
            try:
                response = client.get(f"{stack.api_url}/-/version").raise_for_status()
                responses += response.json()["function_version"] == version
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                # API Gateway cannot be reached, whatever the release does.
                raise ShipError(
                    f"the canary cannot reach {stack.api_url}: {error!r}",
                    "check the network, then run the command again",
                ) from error
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                raise CheckFailedError(f"a request failed during the canary: {error!r}") from error
            time.sleep(_PAUSE_SECONDS)
    fired = firing_alarms(cloudwatch, stack) - before
    if fired:
        raise CheckFailedError(f"alarms fired during the canary: {', '.join(sorted(fired))}")
    if responses < ENOUGH_RESPONSES:
        raise CheckFailedError(
            f"version {version} answered {responses} requests during the canary; "
            f"{ENOUGH_RESPONSES} are needed to judge it"
        )
    return responses
