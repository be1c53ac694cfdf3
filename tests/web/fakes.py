"""The site as CloudFront would serve it, with an API that answers what a test tells it to."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ship.build.pages import publishable

WEB = Path(__file__).parents[2] / "web"

# What the distribution's response headers policy sends, and stricter: no string becomes markup.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'none'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "max-age=60",  # Tempts the page to be content with what it has.
    "Last-Modified": "Thu, 26 Nov 2026 09:30:00 GMT",  # When the release went live.
}

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}

RELEASE = "20261123-42-1a2b3c4"
COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"

STATUS = Path(__file__).with_name("status.json")

type Answers = dict[str, dict[str, Any]]


def good_answers() -> Answers:
    """What a healthy API says, by the last part of the path."""
    return {
        "health": {"status": "ok"},
        "version": {
            "environment": "staging",
            "release": RELEASE,
            "commit": COMMIT,
            "function_version": "7",
            "python": "3.13.5",
            "cold_start": False,
        },
        "config": {
            "title": "Serverless Flask",
            "notice": "",
            "refresh_seconds": 30,
            "maintenance": False,
        },
        "status": json.loads(STATUS.read_text()),
    }


def empty_status() -> dict[str, Any]:
    """What the API says of itself before it could read anything."""
    nothing = dict.fromkeys(("requests", "errors", "cold_starts"))
    latency = dict.fromkeys(("p50", "p95", "p99"))
    names = ("api", "site", "settings")
    return {
        "state": "unknown",
        "as_of": None,
        "age_seconds": None,
        "faults": ["CloudWatch has not been read yet"],
        "components": [{"id": name, "state": "unknown"} for name in names],
        "last_24_hours": {**nothing, "latency_ms": latency, "hours": []},
        "availability": [],
        "alarms": [],
    }


def sources() -> dict[str, bytes]:
    """The site as it stands in the repository."""
    return {
        file.relative_to(WEB).as_posix(): file.read_bytes()
        for file in WEB.rglob("*")
        if file.is_file()
    }


def published() -> dict[str, bytes]:
    """The site as a build publishes it."""
    return publishable(sources(), RELEASE)


@dataclass
class Api:
    """The API's double: `answers` are JSON bodies; what follows them is what goes wrong."""

    answers: Answers = field(default_factory=good_answers)
    statuses: dict[str, int] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    held: dict[str, threading.Event] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=published)
    asked: list[str] = field(default_factory=list)
    failed: bool = False

    def set(self, name: str, **values: Any) -> None:
        self.answers[name] = {**self.answers[name], **values}

    def drop_all(self) -> None:
        self.dropped = set(self.answers)

    def hold(self, name: str) -> None:
        self.held[name] = threading.Event()

    def release_all(self) -> None:
        for event in self.held.values():
            event.set()
        self.held = {}

    def recover(self) -> None:
        self.statuses, self.bodies, self.dropped = {}, {}, set()
        self.release_all()

    def count(self, name: str) -> int:
        return self.asked.count(name)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: Api

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/"):
            self._answer(path.removeprefix("/api/"))
        elif path == "/" and "page" in self.api.dropped:
            self._hang_up()
        else:
            self._serve("index.html" if path == "/" else path.lstrip("/"))

    def _answer(self, name: str) -> None:
        self.api.asked.append(name)
        if name in self.api.held:
            self.api.held[name].wait(20)
        if name in self.api.dropped or name not in self.api.answers:
            self._hang_up()
            return
        status = self.api.statuses.get(name, HTTPStatus.OK)
        self.api.failed |= status != HTTPStatus.OK
        body = self.api.bodies.get(name, json.dumps(self.api.answers[name]).encode())
        self._send(status, "application/json", body)

    def _hang_up(self) -> None:
        self.api.failed = True
        self.close_connection = True

    def _serve(self, name: str) -> None:
        files = self.api.files
        status = HTTPStatus.OK if name in files else HTTPStatus.NOT_FOUND
        chosen = name if name in files else "404.html"
        self._send(status, TYPES[Path(chosen).suffix], files[chosen])

    def _send(self, status: int, kind: str, body: bytes) -> None:
        try:
            self.send_response(status)
            if "gzip" in self.headers.get("Accept-Encoding", ""):
                body = gzip.compress(body)
                self.send_header("Content-Encoding", "gzip")
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that hangs up early is no fault of the site's."""


@contextmanager
def serving(api: Api) -> Iterator[str]:
    """The address of the site, as long as the block runs."""
    handler = type("BoundHandler", (Handler,), {"api": api})
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            api.release_all()
            server.shutdown()
            thread.join()
