"""The environment's Lambda function: its versions, and the alias that users reach."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ship.aws import ExpectedError, aws_call
from ship.errors import CheckFailedError, ShipError

if TYPE_CHECKING:
    from ship.aws import Answer, Client

_READY_SECONDS = 60.0
_POLL_SECONDS = 0.05
_STALE = frozenset({"PreconditionFailedException"})
_MISSING = frozenset({"ResourceNotFoundException"})
_HINT = "check the credentials and the function, then run the command again"


@dataclass(frozen=True)
class Alias:
    """Where the alias points: a version, and the shares (0 to 1) that others get beside it."""

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

        Raises:
            ShipError: Lambda got other code than the zip's, or somebody else published meanwhile.
        """
        revision = self._settled()["RevisionId"]
        try:
            made = aws_call(
                lambda: self._client.update_function_code(
                    FunctionName=self._name,
                    S3Bucket=bucket,
                    S3Key=key,
                    Publish=True,
                    RevisionId=revision,
                ),
                "Lambda refuses the code",
                _HINT,
                _STALE,
            )
        except ExpectedError:
            made = self._after_lost_answer(sha256)
        if made["CodeSha256"] != sha256:
            raise ShipError(
                f"Lambda holds other code than the release: {made['CodeSha256']}, not {sha256}",
                "find out who else publishes to this function, then deploy again",
            )
        version = str(made["Version"])
        self._settled(version)
        return version

    def code_sha256(self, version: str) -> str | None:
        """The `CodeSha256` (base64) of a version; none when there is no such version."""
        try:
            found = aws_call(
                lambda: self._configuration(version),
                f"version {version} cannot be read",
                _HINT,
                _MISSING,
            )
        except ExpectedError:
            return None
        return str(found["CodeSha256"])

    def invoke(self, version: str, event: dict[str, Any]) -> dict[str, Any]:
        """Give an event to a version and return its answer.

        Raises:
            CheckFailedError: the function crashed, hung, or answered no object.
        """
        response = aws_call(
            lambda: self._client.invoke(
                FunctionName=self._name, Qualifier=version, Payload=json.dumps(event).encode()
            ),
            f"version {version} cannot be invoked",
            _HINT,
        )
        payload = response["Payload"].read()
        if response.get("FunctionError"):
            raise CheckFailedError(
                f"version {version} failed: {payload[:300].decode(errors='replace')}"
            )
        try:
            answer = json.loads(payload)
        except ValueError as error:
            raise CheckFailedError(
                f"version {version} answered no JSON: {payload[:100]!r}"
            ) from error
        if not isinstance(answer, dict):
            raise CheckFailedError(f"version {version} answered no object: {payload[:100]!r}")
        return answer

    def alias(self) -> Alias:
        """Where the alias points now."""
        found = aws_call(
            lambda: self._client.get_alias(FunctionName=self._name, Name=self._alias),
            f"the alias {self._alias} cannot be read",
            _HINT,
        )
        shares = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return Alias(found["FunctionVersion"], dict(shares), found["RevisionId"])

    def point(self, version: str, shares: dict[str, float] | None = None) -> None:
        """Point the alias at a version, with shares for others; done already is done.

        Raises:
            ShipError: Lambda refuses.
        """
        now = self.alias()
        if (now.version, now.shares) == (version, shares or {}):
            return
        try:
            self._update_alias(version, shares or {}, now.revision)
        except ExpectedError as refused:
            # A retry after a lost answer finds its own change.
            now = self.alias()
            if (now.version, now.shares) != (version, shares or {}):
                raise ShipError(
                    f"somebody else moved the alias {self._alias} to version {now.version}",
                    "find out who, then run the command again",
                ) from refused

    def versions(self) -> list[str]:
        """The numbers of all published versions."""
        pages = self._client.get_paginator("list_versions_by_function")
        found = aws_call(
            lambda: [
                item["Version"]
                for page in pages.paginate(FunctionName=self._name)
                for item in page["Versions"]
            ],
            f"the versions of {self._name} cannot be listed",
            _HINT,
        )
        return [version for version in found if version != "$LATEST"]

    def delete(self, version: str) -> None:
        """Delete a version that nothing points at."""
        aws_call(
            lambda: self._client.delete_function(FunctionName=self._name, Qualifier=version),
            f"version {version} cannot be deleted",
            _HINT,
        )

    def _configuration(self, version: str | None = None) -> Answer:
        qualifier = {"Qualifier": version} if version else {}
        return self._client.get_function_configuration(FunctionName=self._name, **qualifier)

    def _settled(self, version: str | None = None) -> Answer:
        """Wait until the function, or a version of it, takes changes and requests."""
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            found = aws_call(
                lambda: self._configuration(version), f"{self._name} cannot be read", _HINT
            )
            pending = found.get("State") == "Pending"
            if not pending and found.get("LastUpdateStatus") != "InProgress":
                return found
            if time.monotonic() > deadline:
                raise ShipError(
                    f"{self._name} has been changing for {_READY_SECONDS:.0f} s",
                    "look at the function in the console, then run the command again",
                )
            time.sleep(_POLL_SECONDS)

    def _update_alias(self, version: str, shares: dict[str, float], revision: str) -> None:
        aws_call(
            lambda: self._client.update_alias(
                FunctionName=self._name,
                Name=self._alias,
                FunctionVersion=version,
                RoutingConfig={"AdditionalVersionWeights": shares},
                RevisionId=revision,
            ),
            f"the alias {self._alias} cannot be pointed at version {version}",
            _HINT,
            _STALE,
        )

    def _after_lost_answer(self, sha256: str) -> Answer:
        """What a repeated call made the first time, when its answer was lost."""
        return aws_call(
            lambda: self._client.publish_version(FunctionName=self._name, CodeSha256=sha256),
            "somebody else changed the function meanwhile",
            "find out who, then run the command again",
        )
