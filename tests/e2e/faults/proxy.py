"""A way to AWS on which calls fail, answers get lost, and others are quicker."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.e2e.sandbox import Sandbox

CALLS: dict[str, Callable[[str, str], bool]] = {
    "new code": lambda method, path: method == "PUT" and path.endswith("/code"),
    "alias": lambda method, path: method == "PUT" and path.endswith("/aliases/live"),
    "head": lambda method, path: method == "PUT" and path.endswith("/state.json"),
    "history": lambda method, path: method == "PUT" and "/history/" in path,
    "manifest": lambda method, path: method == "PUT" and path.endswith("/manifest.json"),
    "page": lambda method, path: method == "PUT" and path.endswith("-site-000000000000/index.html"),
}


@dataclass
class Faults:
    """What goes wrong on the way to AWS: which calls, how often, and whether they get there.

    `meanwhile` is done once, right before the first such call: nothing else happens to that.
    """

    matches: Callable[[str, str], bool] = lambda method, path: False
    times: int = 0
    after: int = 0
    forward: bool = False
    meanwhile: Callable[[], object] | None = None
    hit: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def interfere(self, method: str, path: str) -> None:
        """Let somebody else be quicker."""
        with self.guard:
            if self.meanwhile and self.matches(method, path.partition("?")[0]):
                done, self.meanwhile = self.meanwhile, None
                done()
                self.hit += 1

    def strikes(self, method: str, path: str) -> bool:
        with self.guard:
            if self.times <= 0 or not self.matches(method, path.partition("?")[0]):
                return False
            if self.after > 0:
                self.after -= 1
                return False
            self.times -= 1
            self.hit += 1
            return True


@dataclass
class Wire:
    """A way to the emulator on which answers get lost."""

    endpoint: str
    faults: Faults


@contextmanager
def wired(sandbox: Sandbox) -> Iterator[Wire]:
    """A way to a sandbox's emulator on which answers get lost."""
    faults = Faults()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            faults.interfere(self.command, self.path)
            strikes = faults.strikes(self.command, self.path)
            if strikes and not faults.forward:
                self.reply(503, [], b"")
                return
            back = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=60)
            back.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "expect":
                    back.putheader(name, value)
            back.endheaders(body)
            answer = back.getresponse()
            data = answer.read()
            back.close()
            if strikes:
                self.close_connection = True
                return
            self.reply(answer.status, answer.getheaders(), data)

        def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = do_STATE = pass_on  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Wire(f"http://127.0.0.1:{server.server_port}", faults)
    server.shutdown()
    thread.join()
    server.server_close()


def strike(wire: Wire, call: str, times: int, *, forward: bool, after: int = 0) -> None:
    """Have a call fail so many times, or lose so many of its answers, after some good ones."""
    wire.faults.matches, wire.faults.after = CALLS[call], after
    wire.faults.times, wire.faults.forward, wire.faults.hit = times, forward, 0


def interfere(wire: Wire, call: str, meanwhile: Callable[[], object]) -> None:
    """Have somebody else do something right before a call."""
    strike(wire, call, 0, forward=True)
    wire.faults.meanwhile = meanwhile
