"""The canary: a share of the traffic goes to the new version and is watched, then all of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ship.aws import aws_call
from ship.errors import CheckFailedError, ShipError
from ship.release import pre_traffic, traffic

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

    from ship.aws import Clients
    from ship.release.function import Function
    from ship.state import Stack

_PAUSE_SECONDS = 0.2
# FilterLogEvents takes few calls per second.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
_LOOK_SECONDS = 2.0
_ALARM_SECONDS = 5.0
_TIMEOUT_SECONDS = 10.0
# A version that got no request has shown nothing, so a canary without traffic sends its own.
ENOUGH_RESPONSES = 5
_GRACE_SECONDS = 30.0


class Canary:
    """Watches a new version beside the live one.

    Alarms that fire when it begins do not count: the new release may be what ends them.

    Args:
        clients: of the environment.
        stack: the environment.
        function: its function.
        paths: of the application, what must answer with less than 400.
        old: the live version.
        new: the version to watch.
    """

    def __init__(
        self,
        clients: Clients,
        stack: Stack,
        function: Function,
        paths: Iterable[str],
        old: str,
        new: str,
    ) -> None:
        self._cloudwatch = clients.client("cloudwatch")
        self._stack = stack
        self._function = function
        self._paths = tuple(paths)
        self._old, self._new = old, new
        is_closed = any(map(function.is_behind_cloudfront, (old, new)))
        self._url = stack.site_url if is_closed else stack.api_url
        self._firing = self._firing_alarms()
        self._traffic = traffic.TrafficLog(clients.client("logs"), stack.log_group)

    def watch_share(self, seconds: float) -> str:
        """Watch the new version for some seconds while it has a share of the traffic.

        It answers the owner's smoke paths and is compared with the old one all the time, so that
        a failure ends it within seconds. Returns what it saw.

        Raises:
            CheckFailedError: a request failed, the new version does worse with real requests, an
                alarm fired, or it answered too few.
            ShipError: log or alarms cannot be read, or API Gateway cannot be reached.
        """
        import httpx

        started, answered, next_look = time.monotonic(), 0, 0.0
        # No proxy of the machine's may stand between the check and what it checks.
        with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            while (elapsed := time.monotonic() - started) < seconds or (
                answered < ENOUGH_RESPONSES and elapsed < seconds + _GRACE_SECONDS
            ):
                answered += self._ask_version(client) == self._new
                if elapsed >= next_look:
                    self._check_version()
                    next_look = elapsed + _LOOK_SECONDS
                time.sleep(_PAUSE_SECONDS)
        self._check_version()
        if answered < ENOUGH_RESPONSES:
            raise CheckFailedError(
                f"version {self._new} answered {answered} requests during the canary; "
                f"{ENOUGH_RESPONSES} are needed to judge it"
            )
        both = ((one, self._traffic.samples[one]) for one in (self._new, self._old))
        real = ", ".join(f"{s.requests} to version {v} ({s.errors} failed)" for v, s in both)
        return f"version {self._new} answered {answered} probes; real requests: {real}"

    def watch_alarms(self, seconds: float) -> None:
        """Watch alarms and log for some seconds while the new version has all the traffic.

        Its requests are compared with those of the old version during the shares.

        Raises:
            CheckFailedError: an alarm fired, the new version does worse, or a smoke path failed.
            ShipError: log or alarms cannot be read, or API Gateway cannot be reached.
        """
        import httpx

        deadline, headers = time.monotonic() + seconds, pre_traffic.OWN_HEADERS
        with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False, headers=headers) as client:
            while time.monotonic() < deadline:
                # Without requests an alarm has nothing to fire for.
                for path in self._paths:
                    self._ask(client, path)
                self._look()
                time.sleep(min(_ALARM_SECONDS, max(deadline - time.monotonic(), 0)))
        self._look()

    def _check_version(self) -> None:
        pre_traffic.check_paths(self._function, self._new, self._stack, self._paths)
        self._look()

    def _look(self) -> None:
        self._traffic.read()
        samples = self._traffic.samples
        if found := traffic.find_fault(samples[self._new], samples[self._old]):
            raise CheckFailedError(f"version {self._new} is worse than {self._old}: {found}")
        if fired := self._firing_alarms() - self._firing:
            raise CheckFailedError(f"alarms fired during the canary: {', '.join(sorted(fired))}")

    def _ask_version(self, client: httpx.Client) -> object:
        try:
            return self._ask(client, "/-/version").json()["function_version"]
        except (ValueError, KeyError, TypeError) as error:
            raise CheckFailedError(f"a request failed during the canary: {error!r}") from error

    def _ask(self, client: httpx.Client, path: str) -> httpx.Response:
        import httpx

        try:
            response = client.get(f"{self._url}{path}")
            if response.is_error:
                response.raise_for_status()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            # It cannot be reached, whatever the release does.
            raise ShipError(
                f"the canary cannot reach {self._url}: {error!r}",
                "check the network, then run the command again",
            ) from error
        except httpx.HTTPError as error:
            raise CheckFailedError(f"a request failed during the canary: {error!r}") from error
        return response

    def _firing_alarms(self) -> frozenset[str]:
        # Without names, DescribeAlarms returns every alarm of the account.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
        if not self._stack.alarms:
            return frozenset()
        found = aws_call(
            lambda: self._cloudwatch.describe_alarms(AlarmNames=list(self._stack.alarms)),
            "the alarms cannot be read",
        )
        alarms = [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]
        return frozenset(alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM")
