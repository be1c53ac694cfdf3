"""A fault-injecting proxy to the emulator: calls fail, answers get lost, others are quicker."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.e2e.sandbox import ACCOUNT, Sandbox

CALLS: dict[str, Callable[[str, str], bool]] = {
    "new code": lambda method, path: method == "PUT" and path.endswith("/code"),
    "alias": lambda method, path: method == "PUT" and path.endswith("/aliases/live"),
    "state": lambda method, path: method == "PUT" and path.endswith("/state.json"),
    "history": lambda method, path: method == "PUT" and "/history/" in path,
    "manifest": lambda method, path: method == "PUT" and path.endswith("/manifest.json"),
    "page": lambda method, path: method == "PUT" and path.endswith(f"-site-{ACCOUNT}/index.html"),
}


@dataclass
class Proxy:
    """Where it listens, and what goes wrong there."""

    endpoint: str = ""
    hit: int = 0
    """How many calls went wrong."""
    _matches: Callable[[str, str], bool] = lambda method, path: False
    _times: int = 0
    _good: int = 0
    _meanwhile: Callable[[], object] | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)
    forward: bool = False

    def inject(self, call: str, times: int, *, forward: bool = False, good: int = 0) -> None:
        """Have a call fail so many times, or lose so many of its answers, after some good ones."""
        self._matches, self._times, self._good = CALLS[call], times, good
        self.forward, self.hit = forward, 0

    def interfere(self, call: str, meanwhile: Callable[[], object]) -> None:
        """Have somebody else do something once, right before a call."""
        self.inject(call, 0)
        self._meanwhile = meanwhile

    def goes_wrong(self, method: str, path: str) -> bool:
        """Whether this call goes wrong; somebody else does first what was to be done."""
        with self._guard:
            if not self._matches(method, path.partition("?")[0]):
                return False
            if self._meanwhile:
                done, self._meanwhile = self._meanwhile, None
                done()
                self.hit += 1
            self._good -= 1
            if self._good >= 0 or self._times <= 0:
                return False
            self._times -= 1
            self.hit += 1
            return True


@contextmanager
def proxying(sandbox: Sandbox) -> Iterator[Proxy]:
    """Run a proxy to a sandbox's emulator."""
    proxy = Proxy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            is_hit = proxy.goes_wrong(self.command, self.path)
            if is_hit and not proxy.forward:
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
            if is_hit:
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

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    proxy.endpoint = f"http://127.0.0.1:{server.server_port}"
    yield proxy
    server.shutdown()
    thread.join()
    server.server_close()
