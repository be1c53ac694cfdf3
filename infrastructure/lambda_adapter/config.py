"""What the function was started with: environment variables and the release's identity.

Named tuples, because a frozen dataclass takes a millisecond of the cold start to make.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lambda_adapter.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SITE_URL = re.compile(r"(https?)://([A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?)")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Release(NamedTuple):
    """What is running: `release.json` as the build wrote it, or a source tree."""

    id: str = "development"
    commit: str = ""
    factory: str = ""
    """`module:name` of what returns the WSGI application, or of the application itself."""
    events: Mapping[str, str] = {}
    """`module:name` of the function that gets the messages of a queue, by the queue's name."""


class CloudFront(NamedTuple):
    """The distribution in front of the API, and how to tell that a request came through it."""

    scheme: str
    host: str
    """As it stands in the site's URL: with a port on the emulator."""
    origin_verify: str
    """What the distribution sends its origin in a header, and no visitor knows.

    Two values with a comma between them, the newer one first; either will do.
    """

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> CloudFront | None:
        """Read the variables that the stack sets; None where they are missing.

        Raises:
            ConfigurationError: the site's URL is not one.
        """
        url, origin_verify = environ.get("SITE_URL"), environ.get("ORIGIN_VERIFY")
        if not url or not origin_verify:
            return None
        found = _SITE_URL.fullmatch(url)
        if not found:
            raise ConfigurationError(f"SITE_URL is {url!r}; set it to https:// and a host")
        return cls(found[1], found[2], origin_verify)


class Settings(NamedTuple):
    """What the function was started with, typed and checked."""

    environment: str = "local"
    release: Release = Release()
    function_version: str = "$LATEST"
    log_level: str = "INFO"
    metrics_namespace: str = ""
    """Where CloudWatch files the metrics of requests; empty for no metrics."""
    cloudfront: CloudFront | None = None
    behind_cloudfront: bool = False
    """Whether only what came through the distribution gets an answer."""
    login_paths: tuple[str, ...] = ()
    """What paths begin with that the API lets nobody reach without a token."""
    settings_path: str = ""
    """Where in Parameter Store the application's variables are; empty for none."""
    temporary_folder: str = "/tmp"  # noqa: S108 - it is this execution environment's alone.

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> Settings:
        """Read environment variables, and `release.json` in the package's folder.

        Raises:
            ConfigurationError: a value makes no sense. A version that fails to start is better
                than one that ignores its settings.
        """
        env, defaults = os.environ if environ is None else environ, cls()
        level = (env.get("LOG_LEVEL") or defaults.log_level).upper()
        if level not in _LEVELS:
            raise ConfigurationError(f"LOG_LEVEL is {level!r}; set one of {', '.join(_LEVELS)}")
        return cls(
            environment=env.get("ENVIRONMENT") or defaults.environment,
            release=_read_release((folder or Path(__file__).parent) / "release.json"),
            function_version=env.get("AWS_LAMBDA_FUNCTION_VERSION") or defaults.function_version,
            log_level=level,
            metrics_namespace=env.get("METRICS_NAMESPACE", ""),
            cloudfront=CloudFront.from_environment(env),
            behind_cloudfront=env.get("API_BEHIND_CLOUDFRONT") == "true",
            login_paths=tuple(env.get("LOGIN_PATHS", "").split()),
            settings_path=env.get("SETTINGS_PATH", ""),
            temporary_folder=env.get("TMPDIR") or defaults.temporary_folder,
        )


def _read_release(path: Path) -> Release:
    try:
        known = json.loads(path.read_text("utf-8"))
        identity = (str(known["release"]), str(known["commit"]), str(known["factory"]))
        return Release(*identity, known.get("events", {}))
    except FileNotFoundError:
        return Release()
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            "release.json in the zip lacks release, commit or factory; "
            "build it again with `ship build`"
        ) from error
