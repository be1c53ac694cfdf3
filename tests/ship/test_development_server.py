"""The development server, in front of an application that knows nothing of it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from wsgiref.util import setup_testing_defaults

import pytest
from playwright.sync_api import Browser, expect

from ship import config
from ship.development_server import DevelopmentServer, local_variables
from ship.site_config import SiteSettings
from tests.ship.conftest import PROJECT

APPLICATION = """
import os

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    where = os.environ.get("ENVIRONMENT", "")
    return [f"{where}: it is clear at {environ['PATH_INFO']}".encode()]
"""
PAGE = "<!doctype html>\n<title>Weather</title>\n<body><h1>Clear</h1></body>\n"
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for name, text in {
        "pyproject.toml": PROJECT,
        "backend/wsgi.py": APPLICATION,
        "web/index.html": PAGE,
        "web/404.html": "<body>Page not found</body>",
        "web/docs/index.html": "<body>Documentation</body>",
        "web/Größe.txt": "42",
        "web/assets/site.css": "body {}",
        "secret.html": "secret",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def get(
    folder: Path, path: str, settings: SiteSettings | None = None
) -> tuple[str, dict[str, str], bytes]:
    names: dict[str, object] = {}
    exec(APPLICATION, names)  # noqa: S102 - the text above
    server = DevelopmentServer(folder, settings or SiteSettings(), names["app"], ("/forecast/*",))  # type: ignore[arg-type]
    environ: dict[str, object] = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    started: list[tuple[str, list[tuple[str, str]]]] = []
    body = b"".join(server(environ, lambda *args: started.append(args)))  # type: ignore[arg-type]
    status, headers = started[0]
    return status, dict(headers), body


def test_pages_and_assets_are_served_from_their_sources(sources: Path) -> None:
    status, headers, body = get(sources, "/")
    assert (status, headers["Content-Type"]) == ("200 OK", "text/html; charset=utf-8")
    assert body.startswith(b"<!doctype html>\n<title>Weather</title>\n<body><h1>Clear</h1><script ")
    assert get(sources, "/docs/")[2].startswith(b"<body>Documentation")
    status, headers, _ = get(sources, "/docs")
    assert (status, headers["Location"]) == ("301 Moved Permanently", "/docs/")
    _, headers, body = get(sources, "/assets/site.css")
    assert body == b"body {}"
    assert headers == {"Content-Type": "text/css; charset=utf-8", "Cache-Control": "no-store"}
    assert get(sources, "/Größe.txt".encode().decode("latin-1"))[2] == b"42"


def test_the_application_and_the_platform_answer_their_own_paths(sources: Path) -> None:
    assert get(sources, "/forecast/today")[2] == b": it is clear at /forecast/today"
    assert json.loads(get(sources, "/-/health")[2]) == {"status": "ok"}
    assert set(json.loads(get(sources, "/-/version")[2])) == {
        *("environment", "release", "commit", "function_version", "python", "cold_start")
    }
    for path in ("/api/today", "/-/no-such"):
        assert get(sources, path)[0] == "404 Not Found"


def test_a_single_page_application_answers_all_other_paths(sources: Path) -> None:
    settings = SiteSettings("web", "index.html", content_types={".css": "text/x-own"})

    status, _, body = get(sources, "/no-such", settings)
    assert (status, b"Clear" in body) == ("200 OK", True)
    assert get(sources, "/assets/site.css", settings)[1]["Content-Type"] == "text/x-own"
    assert b"Documentation" in get(sources, "/", SiteSettings("web/docs"))[2]


@pytest.mark.parametrize("path", ["/no-such", "/../secret.html", "/assets", "/../docs"])
def test_what_is_not_in_the_site_is_not_found(sources: Path, path: str) -> None:
    status, _, body = get(sources, path)

    assert status == "404 Not Found"
    assert b"Page not found" in body


def test_files_of_the_application_come_from_their_own_folder(sources: Path) -> None:
    (sources / "backend/static").mkdir()
    (sources / "backend/static/site.css").write_text("a {}")
    settings = SiteSettings(folders={"/forecast/static/": "backend/static"})

    _, headers, body = get(sources, "/forecast/static/site.css", settings)

    assert (headers["Content-Type"], body) == ("text/css; charset=utf-8", b"a {}")
    assert get(sources, "/forecast/static/../wsgi.py", settings)[0].startswith("404")


def test_variables_are_the_environments_and_a_persons_own_take_their_place(
    sources: Path,
) -> None:
    project_file, app_tf = sources / "pyproject.toml", sources / "infrastructure/stack/app.tf"
    tables = "[tool.ship.environments.live.variables]\nPLACE = 'live'\nUNIT = 'K'\n"
    project_file.write_text(
        PROJECT.replace(
            "[tool.ship.environments.qa]\n",
            "[tool.ship.environments.qa]\n[tool.ship.environments.qa.variables]\nPLACE = 'qa'\n",
        )
        + tables
        + "[tool.ship.previews.variables]\nPLACE = 'preview'\n"
    )
    app_tf.parent.mkdir(parents=True)
    app_tf.write_text('locals {\n  PLACE = "all"\n  GREETING = "hello"\n  AWS_X = "no"\n}\n')
    found = config.project(sources)
    own = {"UNIT": "F", "ENVIRONMENT": "mine", "SITE_URL": "mine", "HOME": "/home/ann"}

    live = local_variables(found, "live", own, "http://localhost:1")

    assert live.items() >= {"PLACE": "live", "UNIT": "F", "GREETING": "hello"}.items()
    assert live.items() >= {"ENVIRONMENT": "live", "SITE_URL": "http://localhost:1"}.items()
    assert live["HOME"] == "/home/ann"
    assert "AWS_X" not in live
    assert local_variables(found, "qa", {}, "x")["PLACE"] == "qa"
    assert local_variables(found, "pr-7", {}, "x")["PLACE"] == "preview"


@pytest.fixture
def served(sources: Path) -> Iterator[tuple[Path, str, subprocess.Popen[str]]]:
    """The sources, served by a process of its own."""
    arguments = ["--root", str(sources), "--environment", "live", "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "ship.development_server", *arguments],
        cwd=sources,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        preexec_fn=restore_ctrl_c,
    ) as process:
        assert process.stderr
        found = next(filter(None, map(ADDRESS.search, process.stderr)))
        yield sources, found.group(), process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def restore_ctrl_c() -> None:
    """A shell has a process in the background ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_change_reloads_the_open_page_and_ctrl_c_ends_the_server(
    served: tuple[Path, str, subprocess.Popen[str]], browser: Browser
) -> None:
    folder, address, process = served
    page = browser.new_page()
    page.goto(f"{address}/forecast/now")
    expect(page.locator("body")).to_have_text("live: it is clear at /forecast/now")
    page.goto(address)
    expect(page.locator("h1")).to_have_text("Clear")

    (folder / "web/index.html").write_text(PAGE.replace("Clear", "Cloudy"))
    expect(page.locator("h1")).to_have_text("Cloudy", timeout=20_000)

    with page.expect_navigation(timeout=20_000):
        (folder / "backend/wsgi.py").write_text("import nothing_of_this_name\n")
    page.goto(f"{address}/forecast/now")
    expect(page.locator("body")).to_contain_text("No module named 'nothing_of_this_name'")
    expect(page.locator("body")).to_contain_text("backend/requirements.in")

    # Not only the site's pages: the error goes away by itself, too.
    (folder / "backend/wsgi.py").write_text(APPLICATION.replace("clear", "dry"))
    expect(page.locator("body")).to_have_text("live: it is dry at /forecast/now", timeout=20_000)

    page.goto(address)
    with page.expect_navigation(timeout=20_000):
        (folder / "pyproject.toml").write_text(PROJECT.replace("wsgi:app", "wsgi:nothing"))
    page.goto(f"{address}/forecast/now")
    expect(page.locator("body")).to_contain_text("the module wsgi has no nothing")
    (folder / "pyproject.toml").write_text("[tool.ship]\n")
    expect(page.locator("body")).to_contain_text("in pyproject.toml has no", timeout=20_000)
    page.close()

    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(10) == 0


def test_a_port_that_is_taken_is_named(
    served: tuple[Path, str, subprocess.Popen[str]], sources: Path
) -> None:
    port = served[1].rpartition(":")[2]
    arguments = ["--root", str(sources), "--environment", "live", "--port", port]
    command = [sys.executable, "-m", "ship.development_server", *arguments]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert f"port {port} cannot be used" in done.stderr
    assert "another --port" in done.stderr
