"""What users get at both doors is compared, answer by answer, with what they shall get."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ship.errors import CheckFailedError
from ship.release import smoke
from ship.state.store import Stack

RELEASE = "20261123-42-1a2b3c4"
EXPECTED = smoke.Expected(RELEASE, "7", ("404.html", "index.html"))
PAGE = f'<meta name="release" content="{RELEASE}"><script src="/assets/app.1f.js"></script>'
HTML = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'self'",
    "strict-transport-security": "max-age=63072000",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
VERSION = {"release": RELEASE, "environment": "staging", "function_version": "7"}


@dataclass
class Answer:
    """What one address answers."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Doors:
    """An API and a site that answer as those of a good release do, until a test spoils them."""

    answers: dict[str, Answer]
    asked: list[str] = field(default_factory=list)

    def spoil(self, path: str, **changed: object) -> None:
        self.answers[path] = Answer(**{**vars(self.answers[path]), **changed})


def good() -> dict[str, Answer]:
    api = {"content-type": "application/json"}
    answers = {"/site/": Answer(200, HTML, PAGE), "/site/404.html": Answer(200, HTML, PAGE)}
    for door in ("/api-gateway", "/site"):
        answers[f"{door}/api/version"] = Answer(200, api, json.dumps(VERSION))
        answers[f"{door}/api/health"] = Answer(200, api, '{"status": "ok"}')
        answers[f"{door}/api/config"] = Answer(200, api, '{"title": "A title"}')
        problem = {"content-type": "application/problem+json"}
        answers[f"{door}/api/no-such"] = Answer(404, problem, "{}")
    forever = {"content-type": "text/javascript", "cache-control": "max-age=31536000, immutable"}
    return answers | {
        "/site/index.html": Answer(200, HTML, PAGE),
        "/site/assets/app.1f.js": Answer(200, forever, ""),
        "/site/no-such-page": Answer(404, HTML, PAGE),
    }


@pytest.fixture
def doors() -> Doors:
    return Doors(good())


@pytest.fixture
def stack(doors: Doors) -> Iterator[Stack]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            doors.asked.append(self.path)
            found = doors.answers[self.path]
            self.send_response(found.status)
            for name, value in {**found.headers, "content-length": str(len(found.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.body.encode())

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    urls = (f"{base}/api-gateway", f"{base}/site")
    yield Stack(1, "staging", "f", "live", "g", "a", *urls, "d", "b", "c", ())
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(smoke, "_PAUSE_SECONDS", 0.001)


def never() -> bool:
    return False


def test_a_good_release_passes_at_both_doors(doors: Doors, stack: Stack) -> None:
    passed = smoke.smoke(stack, EXPECTED, never)

    assert len(passed) == 8
    not_asked = {"/api-gateway/api/no-such", "/site/api/health", "/site/api/config"}
    assert set(doors.asked) == good().keys() - not_asked


def _without(name: str) -> dict[str, str]:
    return {key: value for key, value in HTML.items() if key != name}


SPOILED: dict[str, tuple[str, dict[str, object], str]] = {
    "the API's release is another": (
        "/api-gateway/api/version",
        {"body": json.dumps(VERSION | {"release": "20200101-1-0000000"})},
        f"release is 20200101-1-0000000, not {RELEASE}",
    ),
    "the API is another environment's": (
        "/site/api/version",
        {"body": json.dumps(VERSION | {"environment": "dev"})},
        "environment is dev, not staging",
    ),
    "the function is another version": (
        "/site/api/version",
        {"body": json.dumps(VERSION | {"function_version": "6"})},
        "function version is 6, not 7",
    ),
    "the API answers no JSON": ("/api-gateway/api/version", {"body": "<html>"}, "Expecting value"),
    "the API fails": ("/api-gateway/api/health", {"status": 500}, "answers 500"),
    "the API is not well": ("/api-gateway/api/health", {"body": '{"status": "ill"}'}, "is ill"),
    "no settings": ("/api-gateway/api/config", {"body": "{}"}, "has no title"),
    "the site masks the API's errors": (
        "/site/api/no-such",
        {"headers": {"content-type": "text/html"}},
        "content type is text/html",
    ),
    "what is not there is": ("/site/api/no-such", {"status": 200}, "answers 200"),
    "a page of another release": (
        "/site/404.html",
        {"body": PAGE.replace(RELEASE, "development")},
        "release of 404.html is development",
    ),
    "a page without a release": ("/site/", {"body": "<h1>Welcome</h1>"}, "release of index.html"),
    **{
        f"a page without {name}": ("/site/", {"headers": _without(name)}, f"comes without {name}")
        for name in HTML
        if name != "content-type"
    },
    "an asset is missing": ("/site/assets/app.1f.js", {"status": 404}, "answers 404"),
    "an asset may change": (
        "/site/assets/app.1f.js",
        {"headers": {"cache-control": "no-cache"}},
        "may change: no-cache",
    ),
    "an unknown page is found": ("/site/no-such-page", {"status": 200}, "answers 200"),
    "an unknown page is no page": (
        "/site/no-such-page",
        {"headers": {"content-type": "application/xml"}},
        "content type is application/xml",
    ),
}


@pytest.mark.parametrize("what", SPOILED)
def test_what_users_shall_not_get_is_found(doors: Doors, stack: Stack, what: str) -> None:
    path, changed, said = SPOILED[what]
    doors.spoil(path, **changed)

    with pytest.raises(CheckFailedError, match=said):
        smoke.smoke(stack, EXPECTED, never)


def test_a_door_that_is_shut_is_found(doors: Doors, stack: Stack) -> None:
    closed = Stack(**{**vars(stack), "api_url": "http://127.0.0.1:9"})

    with pytest.raises(CheckFailedError, match="API Gateway: the release is live"):
        smoke.smoke(closed, EXPECTED, never)


def test_what_comes_a_moment_later_is_waited_for(doors: Doors, stack: Stack) -> None:
    """An edge that has the old release for a while: as long as there is a reason to wait."""
    doors.spoil("/site/api/version", status=503)
    asked = iter(range(3))

    def waiting() -> bool:
        if next(asked, None) == 2:
            doors.spoil("/site/api/version", status=200)
        return True

    assert len(smoke.smoke(stack, EXPECTED, waiting)) == 8
