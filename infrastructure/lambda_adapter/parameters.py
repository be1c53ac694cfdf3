"""Environment variables from Parameter Store: every parameter directly below /PROJECT/ENV.

Secrets reach the application this way and no other: a variable in the function's configuration is
shown to everybody who may read the function. Each execution environment reads them once, when it
starts, so a new value counts in those that start after it was set.
"""

from __future__ import annotations

import os
import re
import threading
import time
from typing import TYPE_CHECKING

from lambda_adapter.errors import ConfigurationError, ServiceError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from lambda_adapter.aws import Client
    from lambda_adapter.logs import LogStream

_OPERATION = "GetParametersByPath"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
# The platform's own, and what Lambda, Python or the loader read before the application starts.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
_RESERVED = re.compile(
    r"(AWS_|LAMBDA_|LD_|PYTHON|_X_AMZN_).*|_HANDLER|PATH|"
    "API_BEHIND_CLOUDFRONT|ENVIRONMENT|LOGIN_PATHS|LOG_LEVEL|METRICS_NAMESPACE|ORIGIN_VERIFY|"
    "SETTINGS_PATH|SITE_URL"
)
# Lambda gives INIT 10 seconds; one more attempt may take four.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
_RETRY_SECONDS = 3.0
_FIRST_PAUSE = 0.2


def refusal(name: str) -> str:
    """Why an environment variable cannot have this name; empty when it can."""
    if not _NAME.fullmatch(name):
        return "is not a variable's name: letters, digits and underscores, at most 128"
    return "belongs to the platform or to Lambda" if _RESERVED.fullmatch(name) else ""


class Reading:
    """Reads the parameters in a thread of its own, while the application's packages are imported.

    An import keeps the processor busy, and Parameter Store the network.
    """

    def __init__(self, path: str) -> None:
        """Start to read; without a path there is nothing to read."""
        self._path = path
        self._found: list[tuple[str, str]] = []
        self._error: Exception | None = None
        if path:
            # All that a call needs is imported here and now: while Flask is imported, other threads
            # would get the stand-ins of `cold_start`.
            from lambda_adapter.aws import AwsSettings, Client, Service

            service = Service(
                "Parameter Store", "ssm", "ssm", "AmazonSSM", "application/x-amz-json-1.1"
            )
            aws = AwsSettings.from_environment()
            if aws.endpoint(service).startswith("https://"):
                import ssl  # noqa: F401
            client = Client(service, aws)
            self._thread = threading.Thread(target=self._run, args=[client], daemon=True)
            self._thread.start()

    def apply(self, log: LogStream, environ: MutableMapping[str, str] = os.environ) -> None:
        """Wait for the parameters and make them environment variables.

        A parameter takes the place of a variable of `app.tf`, never of the platform's or Lambda's.

        Raises:
            ConfigurationError: they cannot be read. An application without its secrets is worse
                than one that does not start: Lambda tries again, and a deploy is refused.
        """
        if not self._path:
            return
        self._thread.join()
        if self._error:
            raise ConfigurationError(
                f"the settings below {self._path} cannot be read: {self._error}; when rights are "
                f"missing, `ship apply` gives them to the role (see docs/your-application.md)"
            ) from self._error
        for path, value in self._found:
            name = path.rpartition("/")[2]
            if reason := refusal(name):
                log.write_record("WARNING", f"{path} is not used: its name {reason}", {})
            else:
                environ[name] = value

    def _run(self, client: Client) -> None:
        try:
            self._found = self._read(client)
        except Exception as error:  # It is raised where it is waited for.
            self._error = error

    def _read(self, client: Client) -> list[tuple[str, str]]:
        """Read all names and values; throttled, as when many environments start, try again.

        https://docs.aws.amazon.com/general/latest/gr/ssm.html has the limits: 40 calls a second.
        """
        from lambda_adapter.aws import sleep_about

        # MaxResults is at most 10; what lies deeper, as the sample's /public, is not asked for.
        body = {"Path": self._path, "Recursive": False, "WithDecryption": True, "MaxResults": 10}
        deadline, pause = time.monotonic() + _RETRY_SECONDS, _FIRST_PAUSE
        while True:
            try:
                pages = client.pages(_OPERATION, body)
                break
            except ServiceError as error:
                if not error.transient or time.monotonic() > deadline:
                    raise
            sleep_about(pause)
            pause *= 2
        try:
            return [(str(one["Name"]), str(one["Value"])) for p in pages for one in p["Parameters"]]
        except (KeyError, TypeError) as error:
            raise client.unusable(_OPERATION) from error
