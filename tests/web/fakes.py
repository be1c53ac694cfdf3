"""The site as CloudFront would serve it, with answers that a test chooses."""

import gzip
import json
import logging
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from ship.build.content_types import content_type
from ship.build.pages import publishable

WEB = Path(__file__).parents[2] / "web"
STATUS = Path(__file__).with_name("status.json")
RELEASE = "20261123-42-1a2b3c4"
COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"

HEADERS = {
    # The policy that the distribution sends, and stricter: no string becomes markup.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'none'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "max-age=60",  # Tempts the page to be content with what it has.
    "Last-Modified": "Thu, 26 Nov 2026 09:30:00 GMT",  # When the release went live.
}
PATHS = {
    "/-/health": "health",
    "/-/version": "version",
    "/api/config": "config",
    "/api/status": "status",
    "/-/site.json": "site",
}

type Answers = dict[str, dict[str, Any]]


def good_answers() -> Answers:
    """What a healthy environment answers, by the page's name of the source."""
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
        "site": {"release": RELEASE},
    }


def empty_status() -> dict[str, Any]:
    """What the API says of itself before it could read anything."""
    nothing = dict.fromkeys(("requests", "errors", "cold_starts"))
    latency = dict.fromkeys(("p50", "p95", "p99"))
    return {
        "state": "unknown",
        "as_of": None,
        "age_seconds": None,
        "warnings": ["CloudWatch has not been read yet"],
        "components": [{"id": name, "state": "unknown"} for name in ("api", "site", "settings")],
        "last_24_hours": {**nothing, "latency_ms": latency, "hours": []},
        "availability": [],
        "alarms": [],
    }


@cache
def published() -> dict[str, bytes]:
    """The site as a build publishes it; not to be changed."""
    files = {path: path.read_bytes() for path in WEB.rglob("*") if path.is_file()}
    sources = {path.relative_to(WEB).as_posix(): data for path, data in files.items()}
    return {key: file.data for key, file in publishable(sources, RELEASE).items()}


@dataclass
class FakeSite:
    """Answers with `answers`, JSON bodies by source; what follows them is what goes wrong."""

    answers: Answers = field(default_factory=good_answers)
    statuses: dict[str, int] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    held: dict[str, threading.Event] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=published)
    asked: list[str] = field(default_factory=list)
    failed: bool = False
    """Whether a browser has reason to complain of a request that failed."""

    def set(self, name: str, **values: Any) -> None:
        """Change members of an answer."""
        self.answers[name] = {**self.answers[name], **values}

    def drop_all(self) -> None:
        """Close every connection without an answer."""
        self.dropped = set(self.answers)

    def hold(self, name: str) -> None:
        """Let a source wait with its answer until `recover`."""
        self.held[name] = threading.Event()

    def recover(self) -> None:
        """Let nothing go wrong from now on."""
        self.statuses, self.bodies, self.dropped = {}, {}, set()
        for event in self.held.values():
            event.set()
        self.held = {}

    def respond(self, request: Request) -> Response:
        """Answer one request."""
        name = PATHS.get(request.path)
        if name is None:
            file = "index.html" if request.path == "/" else request.path.lstrip("/")
            status = 200 if file in self.files else 404
            file = file if status == 200 else "404.html"
            return self._compress(request, Response(self.files[file], status), content_type(file))
        self.asked.append(name)
        if name in self.held:
            self.held[name].wait(20)
        if name in self.dropped:
            self.failed = True
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        status = self.statuses.get(name, 200)
        self.failed |= status != 200
        body = self.bodies.get(name, json.dumps(self.answers[name]).encode())
        return self._compress(request, Response(body, status), "application/json")

    def _compress(self, request: Request, response: Response, kind: str) -> Response:
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            response.data = gzip.compress(response.data)
            response.headers["Content-Encoding"] = "gzip"
        response.headers.update(HEADERS)
        response.content_type = kind
        return response


@contextmanager
def serve(site: FakeSite) -> Iterator[str]:
    """Serve the site as long as the block runs; returns its address."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with HTTPServer(threaded=True) as server:
        try:
            yield attach(site, server)
        finally:
            site.recover()


def attach(site: FakeSite, server: HTTPServer) -> str:
    """Let a server that runs answer as the site does; returns the site's address."""
    server.expect_request(re.compile(".*")).respond_with_handler(site.respond)
    return server.url_for("/").rstrip("/")


def source_of(file: str) -> str:
    """The name of an asset without folder, hash and ending."""
    return PurePath(file).name.split(".")[0]
