"""The only place that reads the application's environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What the process was started with, typed and checked."""

    environment: str = "local"
    parameter_prefix: str = ""
    """Absolute path of the public parameters; empty: the defaults hold."""
    parameter_ttl: float = 60.0
    """Seconds for which values of Parameter Store count as fresh."""
    metrics_namespace: str = ""
    """Where CloudWatch files the metrics of requests; empty: there is no history."""
    alarm_prefix: str = ""
    """What the names of the environment's alarms begin with; empty: there is no history."""
    status_ttl: float = 60.0
    """Seconds for which what CloudWatch said counts as fresh."""
    aws_timeout: float = 1.0
    """Seconds to connect to a service of AWS, and as many for its answer."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment variables; an empty one counts as missing.

        Raises:
            ValueError: a value makes no sense. The function then does not start, and the deploy
                is reverted before anybody gets it.
        """
        env = os.environ if environ is None else environ
        prefix, alarms = env.get("PARAMETER_PREFIX", ""), env.get("ALARM_PREFIX", "")
        # What a typo names here could be readable: secrets lie below /PROJECT/ENV.
        if not re.fullmatch(r"(/.+/public)?", prefix):
            raise ValueError(
                f"PARAMETER_PREFIX is {prefix!r}; set an absolute path that ends in /public"
            )
        # Without the hyphen, `app-dev` would also begin the names of the alarms of `app-dev2`.
        if not re.fullmatch(r"([A-Za-z0-9_-]+-)?", alarms):
            raise ValueError(
                f"ALARM_PREFIX is {alarms!r}; set what the alarms' names begin with, with a hyphen"
            )
        return cls(
            environment=env.get("ENVIRONMENT") or cls.environment,
            parameter_prefix=prefix,
            parameter_ttl=_seconds(env, "PARAMETER_TTL_SECONDS", cls.parameter_ttl),
            metrics_namespace=env.get("METRICS_NAMESPACE", ""),
            alarm_prefix=alarms,
            status_ttl=_seconds(env, "STATUS_TTL_SECONDS", cls.status_ttl),
        )


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    value = env.get(name) or str(default)
    if re.fullmatch(r"[0-9]{1,5}(\.[0-9]+)?", value) and 1 <= float(value) <= 86400:
        return float(value)
    raise ValueError(f"{name} is {value!r}; set a number of seconds from 1 to 86400")
