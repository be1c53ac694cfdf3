"""Other people's repositories: other applications, names and environments; and this one."""

import os
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import PARTS
from tests.e2e.sandbox import Sandbox, clone, free_ports, replace_owner

pytestmark = pytest.mark.nightly

FIVE = ("qa", "acceptance", "load", "canary", "live")


def with_environments(root: Path, names: tuple[str, ...]) -> None:
    """Give the project other environments, none of which is watched."""
    path = root / "pyproject.toml"
    kept = re.sub(r"\[tool\.ship\.environments\.[a-z]+\]\n(.+\n)+\n?", "", path.read_text())
    tables = [f"\n[tool.ship.environments.{one}]\nshift = []\nbake_seconds = 0\n" for one in names]
    path.write_text(kept.rstrip() + "\n" + "".join(tables))


@pytest.mark.parametrize("names", [("live",), FIVE], ids=["one", "five"])
def test_any_list_of_environments_comes_up_and_rolls_back(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    sandbox = Sandbox(clone(tmp_path / "checkout"), free_ports())
    with_environments(sandbox.root, names)
    sandbox.ship("ci", "workflows")
    sandbox.commit("Have other environments")
    try:
        sandbox.ship("up")
        first = sandbox.status(names[0])["release"]
        sandbox.edit("a new idea")
        sandbox.commit("A new idea")
        sandbox.ship("deploy", names[0])
        for origin, target in pairwise(names):
            sandbox.ship("promote", origin, target)
        sandbox.ship("rollback", names[-1], "--reason", "the old idea was better")

        assert sandbox.served(names[-1]) == (first,) * 3
        assert not sandbox.json("plan", names[-1])["changes"]
        sandbox.ship("drift", names[-1])
    finally:
        sandbox.call("down")


def test_forms_and_statuses_of_an_application_work_beside_a_site(
    tmp_path: Path, browser: Browser
) -> None:
    sandbox = Sandbox(clone(tmp_path / "checkout"), free_ports())
    replace_owner(sandbox.root, "forms")
    project = sandbox.root / "pyproject.toml"
    paths = project.read_text().replace('"/api/*"', '"/desk/*"').replace("/api/hello", "/desk/")
    headers = '\n[tool.ship.site.headers]\nimg-src = ["https://images.example"]\n'
    project.write_text(paths + headers)
    with_environments(sandbox.root, ("live",))
    sandbox.commit("Have a desk")
    try:
        sandbox.ship("up")
        site, api = (str(sandbox.status("live")[f"{kind}_url"]) for kind in ("site", "api"))
        page = browser.new_page()
        page.goto(f"{site}/desk/")
        expect(page).to_have_title("Front desk (script)")
        page.fill("[name=user]", "Ann")
        page.click("text=Sign in")
        expect(page.locator("output")).to_have_text("Welcome, Ann")
        assert page.url == f"{site}/desk/"
        content = bytes(range(256))
        page.set_input_files("[name=file]", {"name": "a", "mimeType": "", "buffer": content})
        with page.expect_download() as download:
            page.click("text=Upload")
        assert download.value.path().read_bytes() == content

        lies = {"X-Forwarded-Host": "evil.example", "X-Forwarded-For": "6.6.6.6"}
        with httpx.Client(trust_env=False, headers=lies | {"X-Origin-Verify": "guess"}) as client:
            through, direct = (client.get(f"{base}/desk/where").json() for base in (site, api))
            assert through["url"] == f"{site}/desk/"
            assert ".execute-api." in direct["host"]
            assert through["client"] == direct["client"] == "127.0.0.1"
            for status in (401, 403, 404, 500):
                answer = client.get(f"{site}/desk/status/{status}")
                assert answer.text == f"the application says {status}"
                assert answer.status_code == status
                assert answer.headers["content-security-policy"] == "default-src 'self'"
                assert "x-viewer-status" not in answer.headers
            missing = client.get(f"{site}/no-such-page")
            assert (missing.status_code, "Not found" in missing.text) == (404, True)
            assert "https://images.example" in missing.headers["content-security-policy"]
        assert not sandbox.json("plan", "live")["changes"]
    finally:
        sandbox.call("down")


def test_a_bundled_single_page_application_works_as_its_bundler_made_it(
    tmp_path: Path, browser: Browser
) -> None:
    sandbox = Sandbox(clone(tmp_path / "checkout"), free_ports())
    replace_owner(sandbox.root, site="bundled")
    built = sandbox.root / "frontend/dist"
    shutil.move(sandbox.root / "web", built)
    (built.parent / ".gitignore").write_text("dist/\n")
    project = sandbox.root / "pyproject.toml"
    settings = 'folder = "frontend/dist"\nfallback = "index.html"\n'
    project.write_text(f"{project.read_text()}\n[tool.ship.site]\n{settings}")
    with_environments(sandbox.root, ("live",))
    sandbox.commit("Have a bundler")
    try:
        sandbox.ship("up")
        site = str(sandbox.status("live")["site_url"])
        page = browser.new_page()
        complaints = list[str]()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{site}/")
        expect(page.get_by_role("img", name="Logo")).to_have_js_property("naturalWidth", 32)
        assert page.evaluate("document.fonts.load('16px Corner').then(found => found.length)") == 1
        for route in ("/items", "/items/"):
            page.goto(f"{site}{route}")
            expect(page.locator("#items li").first).to_be_visible()
        page.goto(f"{site}/docs/")
        expect(page.get_by_role("img", name="Map")).to_have_js_property("naturalWidth", 4)
        assert complaints == []

        with httpx.Client(trust_env=False, base_url=site) as client:
            files = [path for path in built.rglob("*") if path.is_file()]
            for path in files:
                answer = client.get(f"/{quote(path.relative_to(built).as_posix())}")
                assert (answer.status_code, answer.content) == (200, path.read_bytes())
                immutable = "immutable" in answer.headers["cache-control"]
                assert immutable == (path.parent.name == "assets"), path
            security = client.get("/.well-known/security.txt")
            assert security.headers["content-type"] == "text/plain; charset=utf-8"
            assert client.get("/users/7").content == (built / "index.html").read_bytes()
            assert client.get("/api/no-such").status_code == 404

            # A chunk that changed has another name; who still has the old page finds the old one.
            chunk, index = (next(built.glob(f"assets/{one}-*.js")) for one in ("items", "index"))
            renamed = chunk.with_name("items-C8do91hT.js")
            chunk.rename(renamed)
            said = sandbox.refused("deploy", "live")
            assert f"refers to ./{chunk.name}, but there is no frontend/dist" in said
            index.write_text(index.read_text().replace(chunk.name, renamed.name))
            sandbox.commit("Change a chunk")
            said = sandbox.refused("deploy", "live")
            assert f"{index.name} is another file in release" in said
            page_file = built / "index.html"
            other = index.rename(index.with_name("index-A1b2C3d4.js"))
            page_file.write_text(page_file.read_text().replace(index.name, other.name))
            sandbox.commit("Change the entry, too")
            sandbox.ship("deploy", "live")
            for name in (chunk.name, renamed.name, index.name, other.name):
                assert client.get(f"/assets/{name}").status_code == 200
        page.goto(f"{site}/items")
        expect(page.locator("#items li").first).to_be_visible()
        assert complaints == []
        assert not sandbox.json("plan", "live")["changes"]
        sandbox.ship("drift", "live")
    finally:
        sandbox.call("down")


@pytest.fixture(scope="module")
def other_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with another project, region and list of environments, as it was cloned."""
    sandbox = Sandbox(clone(tmp_path_factory.mktemp("stranger") / "corner-shop"), 0)
    with_environments(sandbox.root, FIVE)
    sandbox.ship("ci", "workflows")
    sandbox.commit("Make the project another")
    (sandbox.root / ".ship/tools.json").unlink()
    return sandbox.root


@pytest.mark.parametrize(
    "command", ["check", "test-app", *(f"test PART={part}" for part in PARTS), "coverage"]
)
def test_checks_and_tests_pass_in_another_repository(other_repository: Path, command: str) -> None:
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COVERAGE"))}
    done = subprocess.run(
        ["make", *command.split()],
        cwd=other_repository,
        env=variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}{done.stderr[-2000:]}"


def test_the_repositorys_own_project_comes_up_and_shows_its_page(
    tmp_path: Path, browser: Browser
) -> None:
    sandbox = Sandbox(clone(tmp_path / "checkout", foreign=False), free_ports())
    try:
        sandbox.ship("up")
        for name in sandbox.project.environments:
            status = sandbox.status(name)
            assert sandbox.served(name) == (status["release"],) * 3
            page = browser.new_page()
            page.goto(status["site_url"], wait_until="networkidle")
            assert page.console_messages() == []
            page.close()
    finally:
        sandbox.call("down")
