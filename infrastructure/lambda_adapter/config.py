"""The only place that reads environment variables and the release's identity."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_adapter.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ZIP_ROOT = Path(__file__).resolve().parent.parent
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True)
class Release:
    """What is running: `release.json` as the build wrote it, or a source tree."""

    id: str = "development"
    commit: str = ""


@dataclass(frozen=True)
class Credentials:
    """Keys of the function's own role; never shown, not even in a trace."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Settings:
    """What the process was started with, all of it typed and checked."""

    environment: str = "local"
    release: Release = Release()
    function_version: str = "$LATEST"
    log_level: str = "INFO"
    parameter_prefix: str = ""
    """Absolute path of the public parameters; empty means that there are none to read."""
    parameter_ttl: float = 60.0
    """Seconds for which values of Parameter Store count as fresh."""
    region: str = "eu-central-1"
    ssm_endpoint: str = "https://ssm.eu-central-1.amazonaws.com"
    cloudwatch_endpoint: str = "https://monitoring.eu-central-1.amazonaws.com"
    lambda_endpoint: str = "https://lambda.eu-central-1.amazonaws.com"
    credentials: Credentials | None = None
    base_path: str = ""
    """Path of a custom domain's mapping, cut off before the application sees the path."""
    trusted_hosts: tuple[str, ...] = ()
    """Public host names besides the API's own; `.example.org` stands for all below it."""
    cors_origin: str = ""
    """The one other origin whose scripts may read answers; empty for none."""
    metrics_namespace: str = "serverless-flask"
    """Where CloudWatch files the metrics of requests; empty for no metrics."""
    alarm_prefix: str = ""
    """What the names of the environment's alarms begin with; empty means no status to read."""
    status_ttl: float = 60.0
    """Seconds for which what CloudWatch said counts as fresh."""

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] | None = None, root: Path = _ZIP_ROOT
    ) -> Settings:
        """Read environment variables and `release.json` in the folder that holds the package.

        Raises ConfigurationError where a value makes no sense: better no new version than one
        that ignores what it was told.
        """
        env = os.environ if environ is None else environ
        region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or cls.region
        return cls(
            environment=env.get("ENVIRONMENT") or cls.environment,
            release=_read_release(root / "release.json"),
            function_version=env.get("AWS_LAMBDA_FUNCTION_VERSION") or cls.function_version,
            log_level=_level(env.get("LOG_LEVEL") or cls.log_level),
            parameter_prefix=_prefix(env.get("PARAMETER_PREFIX", "")),
            parameter_ttl=_seconds(env, "PARAMETER_TTL_SECONDS", cls.parameter_ttl),
            region=region,
            ssm_endpoint=_endpoint(env, region, "SSM", "ssm"),
            cloudwatch_endpoint=_endpoint(env, region, "CLOUDWATCH", "monitoring"),
            lambda_endpoint=_endpoint(env, region, "LAMBDA", "lambda"),
            credentials=_credentials(env),
            base_path=_base_path(env.get("BASE_PATH", "")),
            cors_origin=_origin(env.get("CORS_ORIGIN", "")),
            metrics_namespace=env.get("METRICS_NAMESPACE", cls.metrics_namespace),
            alarm_prefix=_alarm_prefix(env.get("ALARM_PREFIX", "")),
            status_ttl=_seconds(env, "STATUS_TTL_SECONDS", cls.status_ttl),
            trusted_hosts=tuple(env.get("TRUSTED_HOSTS", "").lower().replace(",", " ").split()),
        )


def _read_release(path: Path) -> Release:
    try:
        known = json.loads(path.read_text("utf-8"))
        return Release(id=str(known["release"]), commit=str(known["commit"]))
    except FileNotFoundError:
        return Release()
    except (ValueError, KeyError, TypeError) as fault:
        raise ConfigurationError(
            "release.json in the zip has no release and commit; build it again with `ship build`"
        ) from fault


def _level(value: str) -> str:
    if value.upper() in _LEVELS:
        return value.upper()
    raise ConfigurationError(f"LOG_LEVEL is {value!r}; set one of {', '.join(_LEVELS)}")


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    value = env.get(name) or str(default)
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if 1 <= seconds <= 86400:
        return seconds
    raise ConfigurationError(f"{name} is {value!r}; set a number of seconds from 1 to 86400")


def _prefix(value: str) -> str:
    """Refuse any path but a public one, so that no slip can make a secret readable."""
    if not value or (value.startswith("/") and value.endswith("/public")):
        return value
    raise ConfigurationError(
        f"PARAMETER_PREFIX is {value!r}; set an absolute path that ends in /public"
    )


def _alarm_prefix(value: str) -> str:
    """Refuse what would also begin the names of another environment's alarms."""
    if not value or re.fullmatch(r"[A-Za-z0-9_-]+-", value):
        return value
    raise ConfigurationError(
        f"ALARM_PREFIX is {value!r}; set what the alarms' names begin with, up to a hyphen"
    )


def _origin(value: str) -> str:
    if not value or re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]+)?", value):
        return value
    raise ConfigurationError(
        f"CORS_ORIGIN is {value!r}; set one origin like https://www.example.org, or nothing"
    )


def _base_path(value: str) -> str:
    path = value.strip("/")
    return f"/{path}" if path else ""


def _endpoint(env: Mapping[str, str], region: str, service: str, host: str) -> str:
    """Follow the SDKs' rule for endpoints.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    given = env.get(f"AWS_ENDPOINT_URL_{service}") or env.get("AWS_ENDPOINT_URL")
    if not given:
        domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return f"https://{host}.{region}.{domain}"
    if given.startswith(("http://", "https://")):
        return given.rstrip("/")
    raise ConfigurationError(
        f"the endpoint is {given!r}; set AWS_ENDPOINT_URL to an http:// or https:// address"
    )


def _credentials(env: Mapping[str, str]) -> Credentials | None:
    access_key, secret_key = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key:
        return None
    return Credentials(access_key, secret_key, env.get("AWS_SESSION_TOKEN", ""))
