"""The few calls of S3 and Lambda that a release makes, as strict as AWS, in memory."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from ship.errors import CheckFailedError

ALIAS = "live"


class KilledError(BaseException):
    """The process has ended: nothing it calls happens any more, not even what cleans up."""


@dataclass
class Aws:
    """An account; it counts the calls, lets one fail, and may be the last thing a run sees."""

    calls: list[str] = field(default_factory=list)
    killed_after: int | None = None
    failing: dict[str, str] = field(default_factory=dict)
    """Error codes by call, for example {"put_object site/index.html": "InternalError"}."""

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.s3 = S3(self)
        self.function = Lambda(self)
        self.logs = Logs(self)

    def client(self, service: str) -> Any:
        known = {"s3": self.s3, "lambda": self.function, "logs": self.logs, "cloudfront": self}
        return known[service]

    def get_distribution(self, **request: str) -> dict[str, Any]:
        self.note("get_distribution")
        return {"Distribution": {"Status": "Deployed"}}

    def patient_client(self, service: str, seconds: float) -> Any:
        assert seconds > self.function.timeout, "the client gives up before the function does"
        return self.client(service)

    def note(self, call: str) -> None:
        if self.killed_after is not None and len(self.calls) >= self.killed_after:
            raise KilledError(call)
        self.calls.append(call)
        if call in self.failing:
            raise error(self.failing[call])


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Operation")


class S3:
    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self.objects: dict[str, bytes] = {}

    def put_object(self, **request: Any) -> dict[str, Any]:
        with self._call("put_object", request) as key:
            found, match = self.objects.get(key), request.get("IfMatch")
            if match and (found is None or etag(found) != match):
                raise error("PreconditionFailed")
            if request.get("IfNoneMatch") == "*" and found is not None:
                raise error("PreconditionFailed")
            self.objects[key] = request["Body"]
            return {"ETag": etag(request["Body"])}

    def get_object(self, **request: Any) -> dict[str, Any]:
        with self._call("get_object", request) as key:
            if key not in self.objects:
                raise error("NoSuchKey")
            data = self.objects[key]
            return {"Body": io.BytesIO(data), "ETag": etag(data)}

    def delete_object(self, **request: Any) -> dict[str, Any]:
        with self._call("delete_object", request) as key:
            if "IfMatch" in request and etag(self.objects.get(key, b"")) != request["IfMatch"]:
                raise error("PreconditionFailed")
            self.objects.pop(key, None)
            return {}

    @contextmanager
    def _call(self, name: str, request: dict[str, Any]) -> Iterator[str]:
        with self._aws.lock:
            key = f"{request['Bucket']}/{request['Key']}"
            self._aws.note(f"{name} {key}")
            yield key

    def get_paginator(self, operation: str) -> S3:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        bucket, prefix = f"{request['Bucket']}/", request.get("Prefix", "")
        with self._aws.lock:
            self._aws.note(f"list_objects {bucket}{prefix}")
            after = bucket + request.get("StartAfter", "")
            keys = sorted(k for k in self.objects if k.startswith(bucket + prefix) and k > after)
        for start in range(0, len(keys), 2):
            yield {"Contents": [{"Key": k.removeprefix(bucket)} for k in keys[start : start + 2]]}
        if not keys:
            yield {}

    def keys(self, bucket: str) -> set[str]:
        prefix = f"{bucket}/"
        return {key.removeprefix(prefix) for key in self.objects if key.startswith(prefix)}


class Lambda:
    """One function, whose zip holds JSON: which release it says it is, and how it fails."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self.latest = pack({})
        self.versions: dict[str, bytes] = {"1": self.latest}
        self.memory = 512
        """What Terraform has applied, in megabytes; each version keeps its own."""
        self.memories: dict[str, int] = {"1": self.memory}
        self.timeout = 10
        self.alias = {"FunctionVersion": "1", "RevisionId": "0"}
        self.revision = 0
        self.is_described = False
        self.output = b"column added\nindex made\n"
        """What every command prints."""

    def update_function_configuration(self, **request: Any) -> dict[str, Any]:
        self._aws.note("update_function_configuration")
        assert set(request) == {"FunctionName", "Description"}, "another change would be drift"
        self.revision += 1
        self.is_described = True
        return self._configuration("$LATEST")

    def update_function_code(self, **request: Any) -> dict[str, Any]:
        self._aws.note("update_function_code")
        if request["RevisionId"] != str(self.revision):
            raise error("PreconditionFailedException")
        self.revision += 1
        self.latest = self._aws.s3.objects[f"{request['S3Bucket']}/{request['S3Key']}"]
        newest = self.versions[max(self.versions, key=int)]
        number = max(self.versions, key=int)
        if self.is_described or newest != self.latest or self.memories[number] != self.memory:
            self.is_described = False
            number = str(int(number) + 1)
            self.versions[number], self.memories[number] = self.latest, self.memory
        return self._configuration(max(self.versions, key=int))

    def get_function_configuration(self, **request: Any) -> dict[str, Any]:
        self._aws.note("get_function_configuration")
        return self._configuration(request.get("Qualifier", "$LATEST"))

    def get_alias(self, **request: Any) -> dict[str, Any]:
        self._aws.note("get_alias")
        return dict(self.alias)

    def update_alias(self, **request: Any) -> dict[str, Any]:
        self._aws.note("update_alias")
        if request["RevisionId"] != self.alias["RevisionId"]:
            raise error("PreconditionFailedException")
        assert request["FunctionVersion"] in self.versions
        revision = str(int(self.alias["RevisionId"]) + 1)
        self.alias = {"FunctionVersion": request["FunctionVersion"], "RevisionId": revision}
        return self.alias

    def invoke(self, **request: Any) -> dict[str, Any]:
        document = unpack(self.versions[request["Qualifier"]])
        if command := json.loads(request["Payload"]).get("lambda_adapter.command"):
            return self._run(command, document["command"])
        self._aws.note("invoke")
        if "crash" in document:
            payload = {
                "errorType": "ModuleNotFoundError",
                "errorMessage": document["crash"],
                "stackTrace": ['  File "/var/task/wsgi.py", line 1, in <module>\n    import x\n'],
            }
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(dump(payload))}
        body = json.dumps({"release": document["release"]})
        return {"Payload": io.BytesIO(dump({"statusCode": 200, "body": body}))}

    def _run(self, command: dict[str, Any], behaviour: str) -> dict[str, Any]:
        """End a command with a status; or the client dies, or the function, or its time is over."""
        self._aws.note(f"run {' '.join(command['arguments'])}")
        self._aws.logs.command = command["id"]
        if behaviour == "client dies":
            self._aws.killed_after = len(self._aws.calls)
            raise KilledError
        if behaviour == "interrupted":
            raise KeyboardInterrupt
        if behaviour == "crash":
            payload = {"errorType": "Runtime.ExitError", "errorMessage": "signal: killed"}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(dump(payload))}
        self._aws.logs.wait_until_all_are_read()
        left_out = self._aws.logs.left_out
        output = base64.b64encode(self.output[left_out:]).decode()
        status = None if behaviour == "time is over" else int(behaviour)
        answer = {"status": status, "output": output, "left_out": left_out}
        return {"Payload": io.BytesIO(dump(answer))}

    def delete_function(self, **request: Any) -> dict[str, Any]:
        self._aws.note("delete_function")
        version = request["Qualifier"]
        assert version != self.alias["FunctionVersion"], "Lambda refuses this"
        del self.versions[version]
        return {}

    def get_paginator(self, operation: str) -> Lambda:
        assert operation == "list_versions_by_function"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        self._aws.note("list_versions")
        yield {"Versions": [self._configuration(one) for one in ("$LATEST", *self.versions)]}

    def _configuration(self, version: str) -> dict[str, Any]:
        if version != "$LATEST" and version not in self.versions:
            raise error("ResourceNotFoundException")
        code = self.latest if version == "$LATEST" else self.versions[version]
        sha256 = base64.b64encode(hashlib.sha256(code).digest()).decode()
        revision = str(self.revision)
        memory = self.memories.get(version, self.memory)
        found = {"Version": version, "CodeSha256": sha256, "RevisionId": revision}
        return found | {"MemorySize": memory, "Timeout": self.timeout}


class Logs:
    """The log of a command: a round of records for each time that somebody asks."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self.command = ""
        self.rounds: list[list[dict[str, Any]]] = []
        """What of the output (`offset`, `output`) comes into the log before the command ends."""
        self.late: list[list[dict[str, Any]]] = []
        """What comes after that."""
        self.left_out = 0
        """How many bytes at the beginning the answer leaves out."""
        self._said: list[dict[str, Any]] = []
        self._is_read = threading.Event()

    def wait_until_all_are_read(self) -> None:
        """Let a command go on until all rounds were asked for."""
        if self.rounds:
            assert self._is_read.wait(30), "nobody follows the log"

    def get_paginator(self, operation: str) -> Logs:
        assert operation == "filter_log_events"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        self._aws.note("filter_log_events")
        assert request["filterPattern"] == f'{{ $.request_id = "{self.command}" }}'
        rounds = self.rounds or self.late
        self._said += rounds.pop(0) if rounds else []
        if not self.rounds:
            self._is_read.set()
        for number, record in enumerate(self._said):
            text = json.dumps({"request_id": self.command, **record})
            yield {"events": [{"message": text, "timestamp": number}]}
        yield {"events": [{"message": "START RequestId: 1", "timestamp": 0}]}


def smoke(aws: Aws, release: str) -> None:
    """What users get must be one release, code and pages.

    Raises:
        CheckFailedError: it is not, or the release or the account says that it fails here.
    """
    document = unpack(aws.function.versions[aws.function.alias["FunctionVersion"]])
    site = json.loads(aws.s3.objects["site/-/site.json"])["release"]
    page = aws.s3.objects["site/index.html"].decode()
    found = (document["release"], site, page)
    fails = "smoke" in document or aws.failing.get("smoke") == release
    if fails or found != (release, release, f"page of {release}"):
        raise CheckFailedError(document.get("smoke") or str(found))


def pack(document: dict[str, str]) -> bytes:
    """The zip of a function."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("function.json"), json.dumps(document))
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        document: dict[str, str] = json.loads(archive.read("function.json"))
    return document


def etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def dump(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()
