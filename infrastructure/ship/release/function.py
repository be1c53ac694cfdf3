"""The environment's Lambda function: its versions, and the alias that users reach."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ship.aws import ExpectedError, aws_call, aws_find, aws_list
from ship.errors import CheckFailedError, ShipError
from ship.release import configuration

if TYPE_CHECKING:
    from collections.abc import Callable

    from ship.aws import Answer, Client

_READY_SECONDS = 60.0
# The pauses between two looks grow: other tools share the account's few calls per second.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_FIRST_PAUSE_SECONDS = 0.05
_LAST_PAUSE_SECONDS = 0.5
_TRACE_LINES = 4
_DESCRIPTION_LENGTH = 256
_STALE = frozenset({"PreconditionFailedException"})


@dataclass(frozen=True)
class Alias:
    """Where the alias points: a version, and the shares (0 to 1) of other versions beside it."""

    version: str
    shares: dict[str, float]
    revision: str


class Function:
    """One function and its alias."""

    def __init__(self, client: Client, name: str, alias: str) -> None:
        self._client = client
        self._name = name
        self._alias = alias

    def publish(self, bucket: str, key: str, sha256: str) -> str:
        """Publish a version from a stored zip and return its number.

        Lambda publishes nothing new, and returns the last version, when neither code nor
        configuration has changed since.
        https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html

        Raises:
            ShipError: Lambda has other code than the zip's, or somebody else published meanwhile.
        """
        code = {"S3Bucket": bucket, "S3Key": key, "Publish": True}
        revision = self._wait_until_ready()["RevisionId"]
        try:
            published = self._call(
                self._client.update_function_code,
                "Lambda refuses the code",
                _STALE,
                RevisionId=revision,
                **code,
            )
        except ExpectedError:
            # boto3 repeats a call whose response was lost, and by then the revision is another.
            # With the code's digest this works only where the first call uploaded the same zip.
            published = self._call(
                self._client.publish_version,
                "somebody else changed the function meanwhile",
                CodeSha256=sha256,
            )
        if published["CodeSha256"] != sha256:
            raise ShipError(
                f"Lambda has other code than the release: {published['CodeSha256']}, not {sha256}",
                "find out who else publishes to this function, then deploy again",
            )
        version = str(published["Version"])
        self._wait_until_ready(version)
        return version

    def describe(self, text: str) -> None:
        """Describe the function: a change of its configuration, so that `publish` publishes."""
        self._wait_until_ready()
        self._call(
            self._client.update_function_configuration,
            f"{self._name} cannot be changed",
            Description=text[:_DESCRIPTION_LENGTH],
        )

    def code_sha256(self, version: str) -> str | None:
        """The `CodeSha256` (base64) of a version; none when there is no such version."""
        found = self._find(version)
        return str(found["CodeSha256"]) if found else None

    def differences(self, version: str, other: str = "$LATEST") -> tuple[str, ...]:
        """What another version's configuration has in another way; none where one is gone.

        `$LATEST` is what Terraform has applied, and the next version gets.
        """
        before, after = self._find(version), self._find(other)
        return configuration.differences(before, after) if before and after else ()

    def is_behind_cloudfront(self, version: str) -> bool:
        """Whether a version answers only what came through CloudFront."""
        variables = (self._configuration(version).get("Environment") or {}).get("Variables") or {}
        return bool(variables.get("API_BEHIND_CLOUDFRONT") == "true")

    def invoke(self, version: str, event: dict[str, Any]) -> dict[str, Any]:
        """Send an event to a version and return its response.

        Raises:
            CheckFailedError: the function failed, timed out, or did not answer with an object.
        """
        response = self._call(
            self._client.invoke,
            f"version {version} cannot be invoked",
            Qualifier=version,
            Payload=json.dumps(event).encode(),
        )
        # A function that failed is a successful call, too: FunctionError says so.
        # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
        payload = response["Payload"].read()
        try:
            document = json.loads(payload)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise CheckFailedError(f"version {version} answered with {payload[:300]!r}")
        if response.get("FunctionError"):
            raise CheckFailedError(f"version {version} failed: {_describe(document)}")
        return document

    def timeout(self, version: str) -> float:
        """How long one invocation of a version may take, in seconds."""
        return float(self._configuration(version)["Timeout"])

    def alias(self) -> Alias:
        """Where the alias points now."""
        message = f"the alias {self._alias} cannot be read"
        found = self._call(self._client.get_alias, message, Name=self._alias)
        # Absent, or without the map, when one version gets all the traffic.
        shares = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return Alias(found["FunctionVersion"], dict(shares), found["RevisionId"])

    def point(self, version: str, shares: dict[str, float] | None = None) -> None:
        """Point the alias at a version, with shares for others, unless it does so already."""
        wanted = (version, shares or {})
        alias = self.alias()
        if (alias.version, alias.shares) == wanted:
            return
        try:
            self._call(
                self._client.update_alias,
                f"the alias {self._alias} cannot be pointed at version {version}",
                _STALE,
                Name=self._alias,
                FunctionVersion=version,
                # An empty map takes all shares away; a missing one would leave them.
                # https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
                RoutingConfig={"AdditionalVersionWeights": shares or {}},
                RevisionId=alias.revision,
            )
        except ExpectedError as error:
            # boto3 repeats a call whose response was lost: its own change does not conflict.
            alias = self.alias()
            if (alias.version, alias.shares) != wanted:
                raise ShipError(
                    f"somebody else moved the alias {self._alias} to version {alias.version}",
                    "find out who, then run the command again",
                ) from error

    def versions(self) -> dict[str, str]:
        """The numbers of all published versions, with their `CodeSha256` (base64)."""
        found = aws_list(
            *(self._client, "list_versions_by_function", "Versions"),
            f"the versions of {self._name} cannot be listed",
            FunctionName=self._name,
        )
        return {one["Version"]: one["CodeSha256"] for one in found if one["Version"] != "$LATEST"}

    def delete(self, version: str) -> None:
        """Delete a version; Lambda refuses one that an alias points at."""
        message = f"version {version} cannot be deleted"
        self._call(self._client.delete_function, message, Qualifier=version)

    def _call(
        self,
        method: Callable[..., Answer],
        message: str,
        expected: frozenset[str] = frozenset(),
        **request: Any,
    ) -> Answer:
        call = partial(method, FunctionName=self._name, **request)
        return aws_call(call, message, expected=expected)

    def _find(self, version: str) -> Answer | None:
        """The configuration of a version; none when there is no such version."""
        get = self._client.get_function_configuration
        call = partial(get, FunctionName=self._name, Qualifier=version)
        return aws_find(call, f"version {version} of {self._name} cannot be read")

    def _configuration(self, version: str = "$LATEST") -> Answer:
        return self._call(
            self._client.get_function_configuration,
            f"version {version} of {self._name} cannot be read",
            Qualifier=version,
        )

    def _wait_until_ready(self, version: str = "$LATEST") -> Answer:
        """Wait until the function, or a version of it, takes changes and requests."""
        deadline, pause = time.monotonic() + _READY_SECONDS, _FIRST_PAUSE_SECONDS
        while True:
            found = self._configuration(version)
            # A new version is Pending until its zip is unpacked; it refuses requests until then.
            # https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
            pending = found.get("State") == "Pending"
            if not pending and found.get("LastUpdateStatus") != "InProgress":
                return found
            if time.monotonic() > deadline:
                raise ShipError(
                    f"{self._name} has been changing for {_READY_SECONDS:.0f} s",
                    "look at the function in the console, then run the command again",
                )
            time.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE_SECONDS)


def _describe(error: dict[str, Any]) -> str:
    """What Lambda says about a failed invocation, with the last lines of the trace, in one line.

    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    """
    kind, message = error.get("errorType"), str(error.get("errorMessage") or "no message")
    first, *trace = [line.strip() for line in message.splitlines() if line.strip()]
    for entry in error.get("stackTrace") or []:
        trace += [line.strip() for line in str(entry).splitlines() if line.strip()]
    last = "; ".join(trace[-_TRACE_LINES:])
    return (f"{kind}: {first}" if kind else first) + (f" ({last})" if last else "")
