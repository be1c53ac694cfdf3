"""Lambda's Runtime API, as far as one function needs it, and the real client that asks it.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import importlib.metadata
import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.lambda_adapter.http_server import Answer, Received, serve

CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")
_PREFIX = "/2018-06-01/runtime"
_ARN = "arn:aws:lambda:eu-central-1:000000000000:function:test:1"


@dataclass
class RuntimeApi:
    """Hands events to a function and keeps its answers; one at a time, as Lambda does."""

    events: queue.Queue[tuple[str, bytes]] = field(default_factory=queue.Queue)
    answers: queue.Queue[tuple[str, bytes]] = field(default_factory=queue.Queue)
    ready: threading.Event = field(default_factory=threading.Event)
    ready_at: float = 0.0
    address: str = ""

    def invoke(self, event: Any, seconds: float = 15) -> Any:
        """Give the function an event and return what it answers.

        Raises:
            AssertionError: it reported an error instead.
        """
        data = event if isinstance(event, bytes) else json.dumps(event).encode()
        self.events.put((uuid.uuid4().hex, data))
        kind, body = self.answers.get(timeout=seconds)
        assert kind == "response", f"{kind}: {body[:2000].decode()}"
        return json.loads(body)


@contextmanager
def serving() -> Iterator[RuntimeApi]:
    """Serve a Runtime API on loopback."""
    api = RuntimeApi()
    stopped = threading.Event()

    def respond(request: Received) -> Answer:
        if request.method == "POST":
            kind = request.path.rpartition("/")[2]
            if request.path.startswith(f"{_PREFIX}/init/"):
                kind = "init error"
                api.ready.set()
            api.answers.put((kind, request.body))
            return Answer(202)
        if not api.ready.is_set():
            api.ready_at = time.perf_counter()
            api.ready.set()
        while not stopped.is_set():
            try:
                request_id, event = api.events.get(timeout=0.2)
            except queue.Empty:
                continue
            headers = {
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Invoked-Function-Arn": _ARN,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + 10) * 1000)),
                "Content-Type": "application/json",
            }
            return Answer(200, event, headers)
        return Answer(0)

    with serve(respond) as url:
        api.address = url.removeprefix("http://")
        try:
            yield api
        finally:
            stopped.set()


@dataclass
class Started:
    """A function under the real runtime interface client; `init_seconds` as Lambda counts it."""

    api: RuntimeApi
    process: subprocess.Popen[bytes]
    init_seconds: float

    def invoke(self, event: Any) -> Any:
        """Give it an event."""
        return self.api.invoke(event)


@contextmanager
def function(
    task: Path, client: Path, handler: str, out: IO[bytes] | None, **variables: str
) -> Iterator[Started]:
    """Run an unzipped function, with nothing of this environment's packages but the client.

    What it writes, Lambda's log, goes to `out`.
    """
    with serving() as api:
        environment = {
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "test",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_REGION": "eu-central-1",
            "LAMBDA_TASK_ROOT": str(task),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{task}{os.pathsep}{client}",
            "PYTHONDONTWRITEBYTECODE": "1",
            **variables,
        }
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-S", "-m", "awslambdaric", handler],
            cwd=task,
            env=environment,
            stdout=out,
            stderr=out,
        )
        try:
            assert api.ready.wait(30), "the function did not start"
            yield Started(api, process, api.ready_at - began)
        finally:
            process.kill()
            process.wait()


def link_packages(folder: Path, *names: str) -> Path:
    """Fill a folder with installed packages and nothing else, by default the runtime client's."""
    folder.mkdir(exist_ok=True)
    for name in names or CLIENT:
        found = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in found.files or ()} - {".."}:
            (folder / top).symlink_to(Path(str(found.locate_file(top))))
    return folder
