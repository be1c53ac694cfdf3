"""What users get at both endpoints is compared, response by response, with what they are to get."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import toolchain
from ship.build.manifest import Manifest, describe
from ship.errors import CheckFailedError, ShipError
from ship.release import browser, smoke
from ship.release.smoke import Expected, ReleaseChecks
from ship.state import Stack
from tests.ship.conftest import ROOT, Response, Server

RELEASE = "20261123-42-1a2b3c4"
FILES = {
    "-/site.json": json.dumps({"release": RELEASE}),
    "404.html": "<h1>Not found</h1>",
    "index.html": "<h1>Weather</h1>",
    "blog/a b.html": "<h1>Blog</h1>",
    "docs/index.html": "<h1>Docs</h1>",
    "assets/app.1f.js": "export default 1;",
}
MANIFEST = Manifest(
    RELEASE,
    "1a2b3c4" + "0" * 33,
    42,
    "3.13",
    (1, 1),
    {
        f"web/{key}": replace(describe(text.encode()), immutable=key.startswith("assets/"))
        for key, text in FILES.items()
    },
)
CHECKS = ReleaseChecks(("/forecast/*", "/login"), ("/forecast/today?days=2", "/blog/"))
SECURITY = {
    "content-security-policy": "default-src 'self'",
    "strict-transport-security": "max-age=63072000",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
VERSION = {"release": RELEASE, "environment": "staging", "function_version": "7"}
NOT_FOUND = Response(FILES["404.html"], 404, SECURITY)


def serve(server: Server) -> Stack:
    """Serve what a good release serves; a test then spoils something."""
    for endpoint in ("/api", "/site"):
        server.respond(f"{endpoint}/-/version", Response(json.dumps(VERSION)))
        server.respond(f"{endpoint}/-/health", Response('{"status": "ok"}'))
        server.respond(f"{endpoint}/forecast/today?days=2", Response("[]"))
    server.respond("/site/-/site.json", Response(FILES["-/site.json"], headers=SECURITY))
    server.respond("/site/", Response(FILES["index.html"], headers=SECURITY))
    server.respond("/site/404.html", Response(FILES["404.html"], headers=SECURITY))
    server.respond("/site/blog/a%20b.html", Response(FILES["blog/a b.html"], headers=SECURITY))
    server.respond("/site/blog/", Response("", 301))
    server.respond("/site/docs", Response("", 301, {"location": "/docs/"}))
    server.respond("/site/docs/", Response(FILES["docs/index.html"], headers=SECURITY))
    immutable = {"cache-control": "max-age=31536000, immutable"}
    server.respond("/site/assets/app.1f.js", Response(FILES["assets/app.1f.js"], 200, immutable))
    server.respond("/site/no-such-page", NOT_FOUND)
    urls = (f"{server.url}/api", f"{server.url}/site")
    return Stack(
        1, "staging", "f", "live", "g", "a", *urls, "d", "b", "c", (), site_headers=SECURITY
    )


def run(stack: Stack, checks: ReleaseChecks = CHECKS, manifest: Manifest = MANIFEST) -> list[str]:
    return [one.name for one in smoke.smoke(stack, Expected(manifest, "7"), checks)]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(smoke, "_PAUSE_SECONDS", 0.001)


def test_a_good_release_passes_at_both_endpoints(server: Server) -> None:
    passed = run(serve(server))

    assert set(server.paths) == server.responses.keys()
    assert {headers["x-request-id"] for _, headers in server.requests} == {"pre-traffic"}
    assert passed == [
        "API Gateway: the release is live",
        "API Gateway: healthy",
        "API Gateway: /forecast/today?days=2",
        "CloudFront: the application's release is live",
        "CloudFront: healthy",
        "CloudFront: the site's release is live",
        "CloudFront: every page is what was built",
        "CloudFront: every asset is what was built",
        "CloudFront: /docs leads to /docs/",
        "CloudFront: unknown pages are not found",
        "CloudFront: /forecast/today?days=2",
        "CloudFront: /blog/",
    ]


def version(**other: str) -> Response:
    return Response(json.dumps(VERSION | other))


def page(name: str, header: str, value: str) -> Response:
    """A page that CloudFront answers with an older value of a header, or without it."""
    headers = {**SECURITY, header: value}
    return Response(FILES[name], headers={key: text for key, text in headers.items() if text})


SPOILED: list[tuple[str, Response, str]] = [
    ("/api/-/version", version(release="2020-1-0"), f"release is 2020-1-0, not {RELEASE}"),
    ("/site/-/version", version(environment="dev"), "environment is dev, not staging"),
    ("/site/-/version", version(function_version="6"), "function version is 6, not 7"),
    ("/api/-/version", Response("<html>"), "Expecting value"),
    ("/api/-/health", Response("{}", 500), "answered with 500"),
    ("/site/-/health", Response('{"status": "ill"}'), "status is ill, not ok"),
    ("/api/forecast/today?days=2", Response("o\n  h", 500), "days=2 is answered with 500: o h"),
    ("/site/forecast/today?days=2", Response("", 404), "days=2 is answered with 404"),
    ("/site/blog/", Response("", 403), "/blog/ is answered with 403"),
    ("/site/-/site.json", Response('{"release": "x"}', headers=SECURITY), "release is x"),
    ("/site/", Response("<h1>Welcome</h1>", headers=SECURITY), "index.html has the SHA-256"),
    ("/site/404.html", Response("", 404), "404.html is answered with 404"),
    ("/site/docs/", Response("", 404), "docs/ is answered with 404"),
    *(
        ("/site/", page("index.html", name, value), f"index.html's {name} is {value or None}, not")
        for name in SECURITY
        for value in ("", "older")
    ),
    ("/site/assets/app.1f.js", Response("", 404), "answered with 404"),
    ("/site/assets/app.1f.js", Response("x", 200), "app.1f.js has the SHA-256"),
    ("/site/assets/app.1f.js", Response(FILES["assets/app.1f.js"]), "is not immutable"),
    ("/site/no-such-page", replace(NOT_FOUND, status=200), "answered with 200"),
    ("/site/no-such-page", replace(NOT_FOUND, status=403), "answered with 403"),
    ("/site/no-such-page", replace(NOT_FOUND, body="<Error>"), "not answered with 404.html"),
]


@pytest.mark.parametrize(("path", "response", "said"), SPOILED)
def test_what_users_are_not_to_get_is_found(
    server: Server, path: str, response: Response, said: str
) -> None:
    stack = serve(server)
    server.respond(path, response)

    with pytest.raises(CheckFailedError, match=said):
        run(stack)


SINGLE_PAGE = replace(CHECKS, fallback="index.html")


def test_unknown_pages_of_a_single_page_application_are_its_page(server: Server) -> None:
    stack = serve(server)
    server.respond("/site/no-such-page", Response(FILES["index.html"]))

    assert "CloudFront: unknown pages are index.html" in run(stack, SINGLE_PAGE)


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (NOT_FOUND, "answered with 404, not with index.html; `ship apply staging`"),
        (Response(FILES["index.html"], 404), "answered with 404"),
        (Response(FILES["404.html"]), "answered with 200, not with index.html"),
    ],
)
def test_a_fallback_that_does_not_answer_is_found(
    server: Server, response: Response, said: str
) -> None:
    stack = serve(server)
    server.respond("/site/no-such-page", response)

    with pytest.raises(CheckFailedError, match=said):
        run(stack, SINGLE_PAGE)


def test_a_release_without_the_fallback_is_an_ordinary_site(server: Server) -> None:
    checks = replace(CHECKS, fallback="app.html")

    assert "CloudFront: unknown pages are not found" in run(serve(server), checks)


def test_a_site_behind_the_application_is_asked_for_its_release_only(server: Server) -> None:
    passed = run(serve(server), ReleaseChecks(("/*",), ()))

    assert "CloudFront: unknown pages are not found" not in passed
    assert set(server.paths) == {
        *("/api/-/version", "/api/-/health"),
        *("/site/-/version", "/site/-/health", "/site/-/site.json"),
    }


def test_files_of_the_application_are_compared_where_it_takes_every_path(server: Server) -> None:
    checks = ReleaseChecks(("/*",), site_folders=("/docs/", "/assets/"))

    run(serve(server), checks)
    assert {"/site/docs/", "/site/assets/app.1f.js"} <= set(server.paths)

    stack = serve(server)
    server.respond("/site/docs/", Response("altered", headers=SECURITY))
    with pytest.raises(CheckFailedError, match=r"docs/index\.html has the SHA-256"):
        run(stack, checks)


def test_a_site_without_a_page_for_it_may_answer_unknown_pages_as_s3_does(server: Server) -> None:
    stack = serve(server)
    server.respond("/site/no-such-page", Response("<Error>", 403))
    files: dict[str, Any] = {k: v for k, v in MANIFEST.files.items() if k != "web/404.html"}

    run(stack, manifest=replace(MANIFEST, files=files))


@pytest.mark.parametrize("path", ["/-/version", "/forecast/today?days=2"])
def test_an_api_behind_cloudfront_has_to_be_closed(server: Server, path: str) -> None:
    stack = serve(server)
    for one in ("/-/version", "/forecast/today?days=2"):
        server.respond(f"/api{one}", Response("", 403))

    found = smoke.smoke(stack, Expected(MANIFEST, "7", is_closed=True), CHECKS)
    assert found[0].name == "API Gateway: closed to all but CloudFront"

    server.respond(f"/api{path}", Response(json.dumps(VERSION)))
    with pytest.raises(CheckFailedError, match=r"closed to all but CloudFront.*answered with 200"):
        smoke.smoke(stack, Expected(MANIFEST, "7", is_closed=True), CHECKS)


def test_an_endpoint_that_cannot_be_reached_says_nothing_about_the_release(server: Server) -> None:
    stack = replace(serve(server), api_url="http://127.0.0.1:9")

    with pytest.raises(ShipError, match="API Gateway: the release is live"):
        run(stack)


PLAIN = "<!doctype html><link rel=icon href=data:,><script>document.title = 'ran'</script>"
BROKEN = "<!doctype html><link rel=icon href=data:,><script>missing()</script>"
NO_SCRIPTS = {"content-security-policy": "script-src 'self'"}
REPORTED = {"content-security-policy-report-only": "script-src 'self'; report-uri /reports"}


def open_page(server: Server, page: str, headers: dict[str, str], kind: str = "text/html") -> None:
    stack = serve(server)
    server.respond("/site/blog/", Response(page, 200, {"content-type": kind} | headers))
    run(stack, replace(CHECKS, in_browser=True))


@pytest.fixture
def chromium(monkeypatch: pytest.MonkeyPatch) -> None:
    """The set-up's browser, wherever it comes from."""
    found = toolchain.find(ROOT).browser
    monkeypatch.setattr(toolchain, "installed_browser", lambda: found)


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize(
    ("page", "headers", "kind"),
    [
        (PLAIN, {}, "text/html; charset=utf-8"),
        (PLAIN, REPORTED, "text/html"),
        (BROKEN, NO_SCRIPTS, "text/plain"),
        ("<script src=http://127.0.0.1:9/x.js></script>", {}, "text/html"),
    ],
)
def test_a_page_that_works_in_a_browser_passes(
    server: Server, page: str, headers: dict[str, str], kind: str
) -> None:
    open_page(server, page, headers, kind)


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize(
    ("page", "headers", "said"),
    [
        (PLAIN, NO_SCRIPTS, r"/blog/ does not work in a browser: .* directive 'script-src 'self''"),
        (BROKEN, {}, "Uncaught ReferenceError: missing is not defined"),
    ],
)
def test_a_page_that_fails_in_a_browser_is_found(
    server: Server, page: str, headers: dict[str, str], said: str
) -> None:
    with pytest.raises(CheckFailedError, match=said):
        open_page(server, page, headers)


@pytest.mark.parametrize("script", [None, "exit 1", "sleep 60"])
def test_a_browser_that_is_missing_or_does_not_work_says_nothing_about_a_page(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    program = tmp_path / "chromium"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(browser, "_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(toolchain, "installed_browser", lambda: program if script else None)

    open_page(server, BROKEN, {})
