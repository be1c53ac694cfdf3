"""The artifact bucket of an environment: its releases, its state and its history.

Keys: `stack.json` (what Terraform made), `state.json`, `history/<10 digits>.json` and
`releases/<id>/…`. Releases and history entries are written once; the bucket's policy refuses
anything else.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from typing import TYPE_CHECKING

from ship.aws import ExpectedError, aws_call, aws_find, aws_list
from ship.build import manifest as manifests
from ship.errors import ShipError
from ship.state.environment_state import EnvironmentState, decode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ship.aws import Answer, Client
    from ship.build.builder import Build
    from ship.build.manifest import Manifest

_STATE = "state.json"
_HISTORY = "history/"
_RELEASES = "releases/"
# 412: the object is there, or is another. 409: another write to the key is under way, and only a
# repetition can tell how that ends.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_UNDER_WAY = "ConditionalRequestConflict"
_CONFLICT = frozenset({"PreconditionFailed", _UNDER_WAY})
_TRIES = 5
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class HistoryEntry:
    """What happened to an environment, when, by whom and why.

    `at` is UTC in ISO 8601, `seconds` how long the operation took, `configuration` what of the
    function's configuration went live with it.
    """

    number: int
    event: str
    release: str | None
    previous: str | None
    commit: str
    function_version: str
    by: str
    run: str
    reason: str
    at: str
    seconds: float
    configuration: str = ""


@dataclass(frozen=True)
class Stack:
    """What Terraform made for an environment, as `stack.json` has it."""

    contract: int
    environment: str
    function_name: str
    alias: str
    log_group: str
    api_id: str
    api_url: str
    site_url: str
    distribution_id: str
    site_bucket: str
    artifact_bucket: str
    alarms: tuple[str, ...]
    settings_key: str = "alias/aws/ssm"
    """The alias of the KMS key of secrets."""
    site_headers: dict[str, str] = field(default_factory=dict)
    """What the site's pages come with, by lower-case name."""
    alert_topic: str | None = None
    """Where alarms go, and what `ship` has to tell."""
    api_behind_cloudfront: bool = False
    """Whether the API's own address answers nobody but CloudFront, once the next deploy is live."""
    origin_secret: int = 1
    """Which value CloudFront shows the API that a request came through it."""


class ConflictError(Exception):
    """Another run replaced the object since it was read."""


class Store:
    """One environment's artifact bucket."""

    def __init__(self, s3: Client, bucket: str, environment: str) -> None:
        self.bucket = bucket
        self._s3 = s3
        self._environment = environment

    def exists(self) -> bool:
        """Whether Terraform has made the environment, to its end."""
        return self._get("stack.json") is not None

    def stack(self) -> Stack:
        """Read what Terraform made."""
        found = self._get("stack.json")
        if found is None:
            raise ShipError(
                f"{self._environment} has not been made",
                f"make it with `ship apply {self._environment}`",
            )
        document = json.loads(found[0])
        # An apply by an older version of this tool has not written what is newer.
        known = {one.name: document[one.name] for one in fields(Stack) if one.name in document}
        return Stack(**known | {"alarms": tuple(document["alarms"])})

    def read_state(self) -> tuple[EnvironmentState, str]:
        """Read the state and its ETag; both are empty where nothing was ever deployed."""
        found = self._get(_STATE)
        if found is None:
            return EnvironmentState(), ""
        return decode(found[0], f"s3://{self.bucket}/{_STATE}"), found[1]

    def replace_state(self, state: EnvironmentState, etag: str) -> str:
        """Replace the state that has this ETag; an empty one means that there is none yet.

        Raises:
            ConflictError: another run replaced it first.
        """
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        data = state.encode()
        try:
            return str(self._put(_STATE, data, **condition)["ETag"])
        except ConflictError:
            # boto3 repeats a call whose response was lost, and then conflicts with its own write.
            found = self._get(_STATE)
            if found is None or found[0] != data:
                raise
            return found[1]

    def append_history(self, entry: HistoryEntry) -> HistoryEntry:
        """Add an entry to the history, under its number or behind the newest one."""
        while True:
            key = f"{_HISTORY}{entry.number:010}.json"
            if self._put_once(key, json.dumps(asdict(entry)).encode()):
                return entry
            # What takes no lock, such as `ship run`, has added some that the state does not count.
            newest = max(self._keys(_HISTORY, StartAfter=key), default=key)
            number = int(newest.removeprefix(_HISTORY).removesuffix(".json"))
            entry = replace(entry, number=number + 1)

    def history(self, newest: int) -> list[HistoryEntry]:
        """The newest entries of the history, newest first."""
        # S3 lists keys in ascending order only; their digits are padded, so this is by number.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
        keys = sorted(self._keys(_HISTORY), reverse=True)[:newest]
        with ThreadPoolExecutor(8) as pool:
            found = pool.map(self._get, keys)
        return [HistoryEntry(**json.loads(item[0])) for item in found if item]

    def store(self, build: Build) -> None:
        """Store a build under its release id, the manifest last: with it the release is complete.

        Raises:
            ShipError: another build is stored under that id, or a file is not what was built.
        """
        release = build.manifest.release

        def store(path: str, data: bytes) -> None:
            if not self._put_once(f"{_RELEASES}{release}/{path}", data):
                raise ShipError(
                    f"another build of {release} is stored in {self._environment}: {path} differs",
                    "a release never changes; commit what changed and deploy that",
                )

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda path: store(path, build.read(path)), build.manifest.files))
        store("manifest.json", build.manifest.encode())

    def manifest(self, release: str) -> Manifest:
        """Read a stored release's manifest."""
        found = self._get(f"{_RELEASES}{release}/manifest.json")
        if found is None:
            raise ShipError(
                f"release {release} is not in {self._environment}'s bucket",
                f"list those that are with `ship history {self._environment}`",
            )
        return manifests.decode(found[0], f"the manifest of {release}")

    def manifests(self, releases: Iterable[str]) -> list[Manifest]:
        """Read the manifests of releases, without those that are missing or of another tool."""

        def find(release: str) -> Manifest | None:
            found = self._get(f"{_RELEASES}{release}/manifest.json")
            with suppress(ShipError):
                return manifests.decode(found[0], release) if found else None
            return None

        with ThreadPoolExecutor(8) as pool:
            return [manifest for manifest in pool.map(find, releases) if manifest]

    def read(self, manifest: Manifest, path: str) -> bytes:
        """Read one file of a stored release and compare it with the manifest.

        Raises:
            ShipError: it is missing or altered.
        """
        found = self._get(f"{_RELEASES}{manifest.release}/{path}")
        if found is None:
            raise ShipError(
                f"{self._environment} does not hold {path} of release {manifest.release}",
                f"use another release: `ship history {self._environment}`",
            )
        return manifest.check(path, found[0])

    def zip_key(self, release: str) -> str:
        """The key of a release's zip, for Lambda to read."""
        return f"{_RELEASES}{release}/{manifests.ZIP}"

    def releases(self) -> frozenset[str]:
        """The ids of all stored releases, complete or not."""
        return frozenset(key.split("/")[1] for key in self._keys(_RELEASES))

    def remove(self, release: str) -> None:
        """Remove a release's files, the manifest first: without it the release is gone."""
        keys = self._keys(f"{_RELEASES}{release}/")
        # One by one: DeleteObjects answers 200 when some keys could not be removed.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        for key in sorted(keys, key=lambda key: not key.endswith("/manifest.json")):
            call = partial(self._s3.delete_object, Bucket=self.bucket, Key=key)
            aws_call(call, f"{self._environment}: {key} cannot be removed")

    def _put_once(self, key: str, data: bytes) -> bool:
        """Write an object unless there is one; whether its bytes are these now."""
        try:
            self._put(key, data, IfNoneMatch="*")
        except ConflictError:
            found = self._get(key)
            return found is not None and found[0] == data
        return True

    def _put(self, key: str, data: bytes, **condition: str) -> Answer:
        call = partial(self._s3.put_object, Bucket=self.bucket, Key=key, Body=data, **condition)
        message = f"{self._environment}: {key} cannot be written"
        for tries_left in reversed(range(_TRIES)):
            try:
                return aws_call(call, message, expected=_CONFLICT)
            except ExpectedError as error:
                if error.code != _UNDER_WAY or not tries_left:
                    raise ConflictError(key) from error
            time.sleep(_PAUSE_SECONDS)
        raise ConflictError(key)

    def _get(self, key: str) -> tuple[bytes, str] | None:
        def get() -> tuple[bytes, str]:
            response = self._s3.get_object(Bucket=self.bucket, Key=key)
            return response["Body"].read(), response["ETag"]

        return aws_find(get, f"{self._environment}: {key} cannot be read")

    def _keys(self, prefix: str, **options: str) -> list[str]:
        message = f"{self._environment}: {prefix} cannot be listed"
        where = {"Bucket": self.bucket, "Prefix": prefix, **options}
        found = aws_list(self._s3, "list_objects_v2", "Contents", message, **where)
        return [one["Key"] for one in found]
