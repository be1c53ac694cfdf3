"""Applications of other people run as they are: asked through CloudFront, and at the API itself."""

import base64
import gzip
import os
import re
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.e2e.applications.conftest import Adopt, fixture
from tests.e2e.sandbox import FIXTURES, ROOT, Sandbox
from toolchain import find

Sources = Callable[[str], Path]
VITE = """
[tool.ship.site]
folder = "web/dist"
build = "npm --prefix web install --no-package-lock --silent && npm --prefix web run build"
fallback = "index.html"
immutable = ["assets/*"]
"""
STATIC_FOLDER = '\n[tool.ship.site.folders]\n"/static/" = "backend/club/static"\n'
# Flask's tutorial makes its tables with a command; nobody can run one where a database is a file.
FLASKR = """\
from flaskr import create_app
from flaskr.db import init_db

app = create_app()
with app.app_context():
    init_db()
"""


SWAGGER_UI = "swagger-ui-dist@5.35.0"


@pytest.fixture
def npm() -> Path:
    """It is beside Node, also where that was fetched."""
    node = find(ROOT).node
    assert node
    return node.with_name("npm")


def token(page: str) -> str:
    """The CSRF token of a form."""
    found = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page)
    assert found, page
    return found[1]


def test_the_application_of_flasks_tutorial(adopt: Adopt, sources: Sources, tmp_path: Path) -> None:
    tutorial = copytree(sources("flask") / "examples/tutorial", tmp_path / "flaskr")
    (tutorial / "wsgi.py").write_text(FLASKR)

    for number, visitor in enumerate(adopt(tutorial, "--factory", "wsgi:app")):
        account = {"username": f"ann{number}", "password": "secret"}
        registered = visitor.ask("/auth/register", "POST", data=account)
        assert "Log In" in visitor.follow(registered).text
        again = visitor.ask("/auth/register", "POST", data=account)
        assert f"User ann{number} is already registered." in again.text
        assert visitor.ask("/create").headers["location"].endswith("/auth/login")
        wrong = visitor.ask("/auth/login", "POST", data=account | {"password": "guess"})
        assert "Incorrect password." in wrong.text
        home = visitor.follow(visitor.ask("/auth/login", "POST", data=account)).text
        assert "Log Out" in home
        post = {"title": f"Größe {number}", "body": "first"}
        assert post["title"] in visitor.follow(visitor.ask("/create", "POST", data=post)).text
        assert visitor.ask(f"/{number + 1}/update").status_code == 200
        if number:
            assert visitor.ask("/1/update").status_code == 403
        assert visitor.ask("/7/update").status_code == 404
        assert visitor.ask("/static/style.css").headers["content-type"].startswith("text/css")
        assert "Log In" in visitor.follow(visitor.ask("/auth/logout")).text


def test_pages_with_sessions_logins_csrf_and_files(adopt: Adopt, browser: Browser) -> None:
    visitors = adopt(fixture("club"), settings=STATIC_FOLDER)
    for visitor in visitors:
        assert visitor.ask("/static/none.css").status_code == 404
        style = visitor.ask("/static/club.css")
        assert style.headers["content-type"] == "text/css; charset=utf-8"
        policy = visitor.ask("/").headers["content-security-policy"]
        assert policy.startswith("default-src 'self'; script-src 'nonce-")
        visitor.client.cookies.clear()
        for visits in (1, 2):
            assert f'<p id="visits">{visits}</p>' in visitor.ask("/").text
        guarded = visitor.ask("/files")
        form = visitor.follow(guarded).text
        assert "Please log in to access this page." in form
        refused = visitor.ask("/login", "POST", data={"name": "Ann"})
        assert (refused.status_code, "The CSRF token is missing." in refused.text) == (400, True)
        sent = {"name": "Ann", "csrf_token": token(form)}
        files = visitor.follow(visitor.ask("/login", "POST", data=sent)).text
        assert "Welcome, Ann" in files
        assert '<p id="member">Ann</p>' in files
        assert "Welcome" not in visitor.ask("/").text
        content = bytes(range(256)) * 1000
        download = visitor.ask(
            "/files",
            "POST",
            data={"csrf_token": token(files)},
            files={"file": ("größe 1.bin", content)},
        )
        assert download.content == content
        assert "filename=Ann.bin" in download.headers["content-disposition"]

    # From the bucket, as the site's files are.
    style = visitors[0].ask("/static/club.css")
    assert style.headers["cache-control"] == "public, max-age=0, must-revalidate"
    seen = {"If-None-Match": style.headers["etag"]}
    assert visitors[0].ask("/static/club.css", headers=seen).status_code == 304

    page = browser.new_page()
    page_errors = list[str]()
    page.on("console", lambda message: page_errors.append(message.text))
    page.goto(f"{visitors[0].base}/files")
    page.fill("[name=name]", "Bea")
    page.click("text=Send")
    expect(page.locator("output")).to_have_text("Welcome, Bea")
    assert page.url == f"{visitors[0].base}/files"
    page.set_input_files("[name=file]", {"name": "a", "mimeType": "", "buffer": content})
    with page.expect_download() as saved:
        page.click("text=Send")
    assert saved.value.path().read_bytes() == content
    page.goto(f"{visitors[0].base}/")
    expect(page.locator("#member")).to_have_text("Bea")
    expect(page.locator("html")).to_have_attribute("data-script", "ran")
    assert (
        page.evaluate("document.fonts.load('12px Club').then(([face]) => face.status)") == "loaded"
    )
    assert page_errors == []


@pytest.mark.nightly
def test_a_single_page_site_that_vite_builds(
    adopt: Adopt,
    sandbox: Sandbox,
    browser: Browser,
    tmp_path: Path,
    npm: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    application = copytree(fixture("minimal"), tmp_path / "shop")
    (application / "requirements.txt").write_text("flask\n")
    monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}{os.environ['PATH']}")
    visitor, _ = adopt(application, site=FIXTURES / "sites/vite", settings=VITE)

    page = browser.new_page()
    page_errors = list[str]()
    page.on("console", lambda message: page_errors.append(message.text))
    page.goto(f"{visitor.base}/items/7")
    expect(page.locator("h1")).to_have_text("Item 7")
    # One font is in the style sheet, and one is a file.
    for family in ("Inlined", "Linked"):
        status = f"document.fonts.load('12px {family}').then(([face]) => face.status)"
        assert page.evaluate(status) == "loaded"
    page.goto(f"{visitor.base}/")
    expect(page.locator("li")).to_have_text(['"one"', '"two"'])
    assert page.evaluate("document.querySelector('img').naturalWidth") == 32
    assert page_errors == []
    page.close()
    assets = [one.name for one in (sandbox.root / "web/dist/assets").iterdir()]
    assert len(assets) == 5
    for name in assets:
        asset = visitor.ask(f"/assets/{name}")
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    deep = visitor.ask("/items/7")
    assert (deep.status_code, deep.headers["cache-control"]) == (
        200,
        "public, max-age=0, must-revalidate",
    )


@pytest.mark.nightly
def test_static_files_of_the_application_come_back_with_a_rollback(
    adopt: Adopt, sandbox: Sandbox
) -> None:
    visitor, _ = adopt(fixture("club"), settings=STATIC_FOLDER)
    style = sandbox.root / "backend/club/static/club.css"
    before = style.read_text()

    style.write_text("body { color: teal }\n")
    (style.parent / "new.css").write_text("")
    sandbox.ship("deploy", "dev")
    assert visitor.ask("/static/club.css").text == "body { color: teal }\n"
    assert visitor.ask("/static/new.css").status_code == 200

    sandbox.ship("rollback", "dev", "--reason", "the colour")
    assert visitor.ask("/static/club.css").text == before
    assert visitor.ask("/static/new.css").status_code == 404


@pytest.mark.nightly
def test_httpbin(adopt: Adopt, tmp_path: Path) -> None:
    folder = tmp_path / "httpbin"
    folder.mkdir()
    (folder / "requirements.txt").write_text("httpbin\n")
    (folder / "wsgi.py").write_text("from httpbin import app\n")

    for visitor in adopt(folder, "--factory", "wsgi:app"):
        echo = visitor.ask("/anything/a%20b?k=1&k=2", "PUT", json={"größe": 1}).json()
        assert (echo["args"], echo["json"], echo["method"]) == (
            {"k": ["1", "2"]},
            {"größe": 1},
            "PUT",
        )
        assert echo["url"].endswith("/anything/a%20b?k=1&k=2")
        for status in (201, 401, 403, 404, 418, 500, 503):
            assert visitor.ask(f"/status/{status}").status_code == status
        plain = {"Accept-Encoding": "identity"}
        with visitor.client.stream("GET", f"{visitor.base}/gzip", headers=plain) as answer:
            assert b'"gzipped": true' in gzip.decompress(b"".join(answer.iter_raw()))
        with visitor.client.stream("GET", f"{visitor.base}/deflate", headers=plain) as answer:
            assert b'"deflated": true' in zlib.decompress(b"".join(answer.iter_raw()))
        image = visitor.ask("/image/png")
        assert (image.headers["content-type"], image.content[:4]) == ("image/png", b"\x89PNG")
        assert len(visitor.ask("/bytes/100000?seed=1").content) == 100_000
        assert len(visitor.ask("/stream/3").text.splitlines()) == 3
        assert visitor.ask("/range/100", headers={"Range": "bytes=10-19"}).content == b"klmnopqrst"
        assert visitor.ask("/etag/a", headers={"If-None-Match": '"a"'}).status_code == 304
        made = visitor.ask("/cookies/set?one=1&two=2").headers.get_list("set-cookie")
        cookies = {"Cookie": "; ".join(one.partition(";")[0] for one in made)}
        found = visitor.ask("/cookies", headers=cookies).json()["cookies"]
        assert found == {"one": "1", "two": "2"}
        login = base64.b64encode(b"ann:secret").decode()
        for credentials, expected in ((login, 200), ("YTpi", 401)):
            answer = visitor.ask(
                "/basic-auth/ann/secret", headers={"Authorization": f"Basic {credentials}"}
            )
            assert answer.status_code == expected
        assert visitor.ask("/relative-redirect/1").headers["location"] == "/get"


@pytest.mark.nightly
def test_an_api_with_a_database_logins_and_callers_on_other_sites(
    adopt: Adopt, browser: Browser, tmp_path: Path, npm: Path
) -> None:
    reader = {"Authorization": "Bearer a-token", "Origin": "https://reader.example"}

    visitors = adopt(fixture("library"))
    for number, visitor in enumerate(visitors):
        preflight = visitor.ask(
            "/api/books/",
            "OPTIONS",
            headers=reader
            | {
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization, content-type",
            },
        )
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == reader["Origin"]
        assert preflight.headers["access-control-allow-headers"] == "authorization, content-type"
        book = {"title": f"Größe {number}"}
        assert visitor.ask("/api/books/", "POST", json=book).status_code == 401
        made = visitor.ask("/api/books/", "POST", json=book, headers=reader)
        assert (made.status_code, made.json()["title"]) == (201, book["title"])
        assert made.headers["access-control-allow-credentials"] == "true"
        path = f"/api/books/{made.json()['id']}"
        assert visitor.ask(path).json() == made.json()
        assert made.json() in visitor.ask("/api/books/").json()
        invalid = visitor.ask("/api/books/", "POST", json={"title": ""}, headers=reader)
        assert (invalid.status_code, "title" in invalid.text) == (422, True)
        forbidden = visitor.ask(path, "DELETE", headers=reader)
        assert forbidden.status_code == 403
        assert forbidden.json()["message"] == "only the librarian may"
        assert visitor.ask("/api/books/9999").json()["message"] == "no such book"
        assert "/api/books/{book_id}" in visitor.ask("/api/openapi.json").json()["paths"]
        assert "swagger-ui" in visitor.ask("/api/docs").text
        assert book["title"] in visitor.ask("/api/admin/book/").text
        style = "/api/admin/static/admin/css/bootstrap4/admin.css"
        assert visitor.ask(style).headers["content-type"].startswith("text/css")

    # Swagger UI comes from another host, which is not in reach here: npm has the same files.
    subprocess.run(
        [npm, "install", "--silent", "--ignore-scripts", "--prefix", tmp_path, SWAGGER_UI],
        check=True,
    )

    def serve(route: Route) -> None:
        route.fulfill(path=tmp_path / "node_modules" / route.request.url.partition("/npm/")[2])

    page, page_errors = browser.new_page(), list[str]()
    page.on("console", lambda message: page_errors.append(message.text))
    page.route("https://cdn.jsdelivr.net/npm/**", serve)
    page.goto(f"{visitors[0].base}/api/docs")
    page.click("#operations-books-get_api_books_ .opblock-summary-control")
    page.click("text=Try it out")
    page.click("text=Execute")
    expect(page.locator(".live-responses-table")).to_contain_text("Größe 1")
    assert page_errors == []
    page.close()


@pytest.mark.nightly
def test_packages_that_are_compiled(adopt: Adopt) -> None:
    for visitor in adopt(fixture("numbers")):
        rows = [{"name": "a", "value": 1}, {"name": "a", "value": 2}, {"name": "b", "value": 3}]
        assert visitor.ask("/api/mean", "POST", json=rows).json() == {"a": 1.5, "b": 3.0}
        assert visitor.ask("/api/invert").json() == [[0.5, 0.0], [0.0, 0.25]]
        picture = visitor.ask("/api/picture.png?width=3&height=2")
        assert picture.content[16:24] == (3).to_bytes(4) + (2).to_bytes(4)
        assert visitor.ask("/api/picture.png?width=-3&height=2").status_code == 422
        drivers = visitor.ask("/api/drivers").json()
        assert drivers["psycopg"] == "binary"
        assert drivers["link"].endswith("/k")
        assert visitor.ask("/api/secret", "POST", content=b"\x00\xff").content == b"\x00\xff"


@pytest.mark.nightly
def test_commands_and_an_own_environment_of_templates(adopt: Adopt) -> None:
    for visitor in adopt(fixture("commands"), "--factory", "tools:app"):
        assert visitor.ask("/").text == "<mark>TEA</mark>"
        missing = visitor.ask("/missing")
        assert (missing.status_code, missing.text) == (404, "no none.html")
        raised, count, greeting, usage = visitor.ask("/commands").json()
        assert (raised, count, greeting) == ("raised by 7\n", "4\n", "hello\n")
        assert "Everything about prices." in usage
