from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from werkzeug.test import Client

from app import application
from lambda_adapter import config
from ship.cli.web import Site

ROOT = Path(__file__).parents[3]


@pytest.fixture
def site(tmp_path: Path) -> Client:
    """The page of this repository, beside a file that is nobody's business."""
    shutil.copytree(ROOT / "web", tmp_path / "web")
    (tmp_path / "secret.html").write_text("secret")
    return Client(Site(tmp_path / "web", application.build(config.Settings())))


def test_pages_and_assets_are_served_as_they_stand(site: Client) -> None:
    assert "<title>Status of Serverless Flask</title>" in site.get("/").text
    style = site.get("/assets/site.css")
    assert style.data == (ROOT / "web/assets/site.css").read_bytes()
    assert style.headers["Content-Type"] == "text/css; charset=utf-8"
    assert style.headers["Cache-Control"] == "no-store"


def test_the_api_is_the_applications_own(site: Client) -> None:
    assert json.loads(site.get("/api/version").text)["environment"] == "local"
    assert site.get("/api/no-such").content_type == "application/problem+json"
    assert json.loads(site.get("/api/status").text)["as_of"] is None


@pytest.mark.parametrize("path", ["/no-such", "/../secret.html", "/%2e%2e/secret.html", "/assets"])
def test_what_is_not_in_the_site_is_not_found(site: Client, path: str) -> None:
    answer = site.get(path)
    assert answer.status_code == 404
    assert "Page not found" in answer.text
    assert "secret" not in answer.text


def test_the_status_can_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "status.json"
    file.write_text('{"state": "outage"}')
    site = Client(Site(ROOT / "web", application.build(config.Settings()), file))

    assert site.get("/api/status").json == {"state": "outage"}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str, subprocess.Popen[str]]]:
    """A copy of the page and the backend, served by a process of its own."""
    for name in ("web", "backend"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    command = [sys.executable, "-m", "ship.web", "--status", str(ROOT / "tests/web/status.json")]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        preexec_fn=heed_ctrl_c,
    ) as process:
        assert process.stderr
        found = next(filter(None, map(ADDRESS.search, process.stderr)))
        yield tmp_path, found.group(), process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def heed_ctrl_c() -> None:
    """Heed it also where the tests run in the background of a shell, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


def test_a_change_reloads_the_open_page_and_ctrl_c_ends_it_all(
    served: tuple[Path, str, subprocess.Popen[str]], browser: Browser
) -> None:
    folder, address, process = served
    page = browser.new_page()
    page.goto(address)
    expect(page.locator(".word")).to_have_text("Operational")

    texts = folder / "web/assets/texts.js"
    texts.write_text(texts.read_text().replace('"Operational"', '"In order"'))
    expect(page.locator(".word")).to_have_text("In order", timeout=20_000)
    api = folder / "backend/api.py"
    api.write_text(api.read_text().replace('jsonify(status="ok")', 'jsonify(status="gone")'))
    expect(page.locator(".word")).to_have_text("Unknown", timeout=20_000)
    page.close()

    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(10) == 0


def test_the_example_of_a_status_is_one() -> None:
    found = json.loads((ROOT / "tests/web/status.json").read_text())
    assert len(found["availability"]) == 90
    assert len(found["last_24_hours"]["hours"]) == 24
