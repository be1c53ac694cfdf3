"""As much of Lambda and API Gateway as it takes to run a function in several environments.

An execution environment is a process under the real runtime client, which takes one event at a
time. An invocation gets one that is idle, or else a new one, as on AWS.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fixtures.events import http_api
from tests.lambda_adapter.http_server import Answer, Received, serve
from tests.lambda_adapter.runtime_api import Started, function

_INVOKE = "/2015-03-31/functions/test/invocations?Qualifier=1"


@dataclass
class Function:
    """One function's execution environments; `url` is Lambda's, its API's and its site's."""

    task: Path
    client: Path
    handler: str
    stack: ExitStack
    url: str = ""
    invocations: int = 0
    environments: list[Started] = field(default_factory=list)
    _idle: list[Started] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def invoke(self, event: Any) -> Any:
        """Give an event to an execution environment, and return what it answers."""
        with self._lock:
            self.invocations += 1
            environment = self._idle.pop() if self._idle else None
        environment = environment or self._start()
        try:
            return environment.invoke(event)
        finally:
            with self._lock:
                self._idle.append(environment)

    def respond(self, request: Received) -> Answer:
        """Answer as Lambda's Invoke API, and as the site."""
        if request.method == "POST":
            assert request.path == _INVOKE, request.path
            return Answer(body=json.dumps(self.invoke(json.loads(request.body))).encode())
        response = self.invoke(http_api(request.path))
        return Answer(response["statusCode"], response["body"].encode())

    def _start(self) -> Started:
        starting = function(
            self.task,
            self.client,
            self.handler,
            None,
            ENVIRONMENT="dev",
            AWS_ENDPOINT_URL=self.url,
            AWS_ACCESS_KEY_ID="x",
            AWS_SECRET_ACCESS_KEY="x",
        )
        started = self.stack.enter_context(starting)
        self.environments.append(started)
        return started


@contextmanager
def running_function(task: Path, client: Path, handler: str) -> Iterator[Function]:
    """Serve a function on loopback; it starts with no execution environment."""
    with ExitStack() as stack:
        found = Function(task, client, handler, stack)
        found.url = stack.enter_context(serve(found.respond))
        yield found
