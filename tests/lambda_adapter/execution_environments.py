"""As much of Lambda and API Gateway as it takes to see a function in several environments.

An environment is a process under the real runtime client, which takes one event at a time. An
invocation gets one that is idle, or else a new one, as on AWS.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.fixtures.events import http_api
from tests.lambda_adapter.runtime_api import Started, function

_INVOKE = "/2015-03-31/functions/test/invocations?Qualifier=1"


@dataclass
class Fleet:
    """The environments of one function, and the address of Lambda, of its API and of its site."""

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
        """Give an event to an environment, and return what it answers."""
        environment = self._take()
        try:
            return environment.invoke(event)
        finally:
            with self._lock:
                self._idle.append(environment)

    def _take(self) -> Started:
        with self._lock:
            self.invocations += 1
            if self._idle:
                return self._idle.pop()
        return self._start()

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
def fleet(task: Path, client: Path, handler: str) -> Iterator[Fleet]:
    """Serve a function on loopback; it starts with no environment."""
    with ExitStack() as stack:
        found = Fleet(task, client, handler, stack)

        class Handler(BaseHTTPRequestHandler):
            wbufsize = -1

            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["content-length"])))
                assert self.path == _INVOKE, self.path
                self.send(200, json.dumps(found.invoke(event)))

            def do_GET(self) -> None:
                answer = found.invoke(http_api(self.path))
                self.send(answer["statusCode"], answer["body"])

            def send(self, status: int, body: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        stack.callback(server.server_close)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        found.url = f"http://127.0.0.1:{server.server_port}"
        yield found
