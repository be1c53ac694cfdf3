"""What the schedule talks to, on loopback: Lambda's Invoke API, and the public address."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ARN = "arn:aws:lambda:eu-central-1:000000000000:function:serverless-flask-dev:live"
WELL = (200, b'{"status":"ok"}\n')


class Context:
    """Lambda's context of an invocation through the alias, with some seconds left."""

    aws_request_id = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"
    invoked_function_arn = ARN

    def __init__(self, seconds: float = 10.0) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


@dataclass
class Neighbours:
    """Answers each invocation as another environment; all of a round at the same time."""

    url: str = ""
    together: int = 0
    """How many invocations have to be here before any is answered."""
    invocation: tuple[int, bytes] | None = None
    """What every invocation is answered with, in the place of an environment's answer."""
    site: tuple[int, bytes] = WELL
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    late: int = 0
    _arrived: int = 0
    _turn: threading.Condition = field(default_factory=threading.Condition)

    def invoked(self) -> tuple[int, bytes]:
        with self._turn:
            self._arrived += 1
            number = self._arrived
            self._turn.notify_all()
            if not self._turn.wait_for(lambda: self._arrived >= self.together, timeout=2):
                self.late += 1
        answer = json.dumps({"status": "warm", "environment": f"environment-{number}"})
        return self.invocation or (200, answer.encode())


class _Server(ThreadingHTTPServer):
    request_queue_size = 32  # With more than these, a connection waits a second.


@contextmanager
def neighbours() -> Iterator[Neighbours]:
    double = Neighbours()

    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self._note(body)
            self._send(*double.invoked())

        def do_GET(self) -> None:
            self._note(b"")
            self._send(*double.site)

        def _note(self, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            double.asked.append((self.command, self.path, headers, body))

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Location", f"{double.url}/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    double.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
