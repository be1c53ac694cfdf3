"""The artifact bucket of an environment: its releases, its head and its history.

Keys: `stack.json` (what Terraform made), `state.json`, `history/<10 digits>.json` and
`releases/<id>/…`. Releases and history entries are written once and never again.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ship.aws import ExpectedError, aws_call
from ship.build import manifest as manifests
from ship.errors import ShipError
from ship.state import environment_state as heads

if TYPE_CHECKING:
    from ship.aws import Answer, Client
    from ship.build.builder import Build
    from ship.build.manifest import Manifest
    from ship.state.environment_state import EnvironmentState

_STATE = "state.json"
_HISTORY = "history/"
_RELEASES = "releases/"
_MISSING = frozenset({"NoSuchKey", "NoSuchBucket"})
_RACED = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_HINT = "check the credentials and the network, then run the command again"


@dataclass(frozen=True)
class HistoryEntry:
    """One line of the history: what happened to an environment, when, by whom and why.

    `at` is UTC in ISO 8601, `seconds` how long the operation took.
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


@dataclass(frozen=True)
class Stack:
    """What Terraform made for an environment, as `stack.json` tells it."""

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


class ConflictError(Exception):
    """Somebody else replaced the object since it was read."""


class Store:
    """One environment's artifact bucket."""

    def __init__(self, s3: Client, bucket: str, environment: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._environment = environment

    def stack(self) -> Stack:
        """Read what Terraform made.

        Raises:
            ShipError: the environment has not been made.
        """
        found = self._get("stack.json")
        if found is None:
            raise ShipError(
                f"{self._environment} has not been made",
                f"make it with `ship apply {self._environment}`",
            )
        document = json.loads(found[0])
        fields = {name: document[name] for name in Stack.__dataclass_fields__}
        return Stack(**{**fields, "alarms": tuple(fields["alarms"])})

    def read_state(self) -> tuple[EnvironmentState, str]:
        """Read the head and its ETag; an environment that never had a release has an empty one."""
        found = self._get(_STATE)
        if found is None:
            return heads.EnvironmentState(), ""
        return heads.decode(found[0], f"s3://{self._bucket}/{_STATE}"), found[1]

    def replace_state(self, head: EnvironmentState, etag: str) -> str:
        """Replace the head that had this ETag; an empty one means that there was none.

        Raises:
            ConflictError: somebody else replaced it first.
        """
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        data = head.encode()
        try:
            return str(self._put(_STATE, data, **condition)["ETag"])
        except ConflictError:
            # A retry after a lost answer finds its own write.
            found = self._get(_STATE)
            if found is None or found[0] != data:
                raise
            return found[1]

    def append(self, entry: HistoryEntry) -> HistoryEntry:
        """Add an entry to the history, under its number or the next one that is free."""
        while True:
            key = f"{_HISTORY}{entry.number:010}.json"
            if self._put_once(key, json.dumps(asdict(entry)).encode()):
                return entry
            entry = HistoryEntry(**{**asdict(entry), "number": entry.number + 1})

    def history(self, newest: int) -> list[HistoryEntry]:
        """The newest entries of the history, newest first."""
        keys = sorted(self._keys(_HISTORY), reverse=True)[:newest]
        with ThreadPoolExecutor(8) as pool:
            found = pool.map(self._get, keys)
        return [HistoryEntry(**json.loads(item[0])) for item in found if item]

    def store(self, build: Build) -> None:
        """Store a build under its release id, the manifest last: with it the release is there.

        Raises:
            ShipError: another build is stored under that id, or a file is not what was built.
        """
        manifest = build.manifest
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda path: self._store_file(build, path), manifest.files))
        self._store_once(manifest, "manifest.json", manifest.encode())

    def manifest(self, release: str) -> Manifest:
        """Read a stored release's manifest.

        Raises:
            ShipError: there is no such release in this environment.
        """
        found = self._get(f"{_RELEASES}{release}/manifest.json")
        if found is None:
            raise ShipError(
                f"release {release} is not in {self._environment}'s bucket",
                f"list those that are with `ship history {self._environment}`",
            )
        return manifests.decode(found[0], f"the manifest of {release}")

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

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self._bucket

    def releases(self) -> frozenset[str]:
        """The ids of all stored releases, whole or not."""
        return frozenset(key.split("/")[1] for key in self._keys(_RELEASES))

    def remove(self, release: str) -> None:
        """Remove a release's files, the manifest first: without it the release is gone."""
        keys = sorted(
            self._keys(f"{_RELEASES}{release}/"), key=lambda k: not k.endswith("/manifest.json")
        )
        for key in keys:
            self._delete(key)

    def _store_file(self, build: Build, path: str) -> None:
        self._store_once(build.manifest, path, build.read(path))

    def _store_once(self, manifest: Manifest, path: str, data: bytes) -> None:
        key = f"{_RELEASES}{manifest.release}/{path}"
        if self._put_once(key, data):
            return
        raise ShipError(
            f"another build of release {manifest.release} is stored in {self._environment}: "
            f"{path} differs",
            "a release never changes; commit what changed and deploy that",
        )

    def _put_once(self, key: str, data: bytes) -> bool:
        """Write an object that is not there; whether the bytes there are now these."""
        try:
            self._put(key, data, IfNoneMatch="*")
        except ConflictError:
            found = self._get(key)
            return found is not None and found[0] == data
        return True

    def _put(self, key: str, data: bytes, **condition: str) -> Answer:
        try:
            return aws_call(
                lambda: self._s3.put_object(Bucket=self._bucket, Key=key, Body=data, **condition),
                f"{self._environment}: {key} cannot be written",
                _HINT,
                _RACED,
            )
        except ExpectedError as refused:
            raise ConflictError(key) from refused

    def _get(self, key: str) -> tuple[bytes, str] | None:
        def get() -> tuple[bytes, str]:
            response = self._s3.get_object(Bucket=self._bucket, Key=key)
            return response["Body"].read(), response["ETag"]

        try:
            return aws_call(get, f"{self._environment}: {key} cannot be read", _HINT, _MISSING)
        except ExpectedError:
            return None

    def _delete(self, key: str) -> None:
        aws_call(
            lambda: self._s3.delete_object(Bucket=self._bucket, Key=key),
            f"{self._environment}: {key} cannot be removed",
            _HINT,
        )

    def _keys(self, prefix: str) -> list[str]:
        def keys() -> list[str]:
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix
            )
            return [item["Key"] for page in pages for item in page.get("Contents", [])]

        return aws_call(keys, f"{self._environment}: {prefix} cannot be listed", _HINT)
