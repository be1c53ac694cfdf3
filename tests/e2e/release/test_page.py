"""The page, as a browser gets it from CloudFront."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.sandbox import ENVIRONMENTS, ROOT, Sandbox, page_release
from tests.web.conftest import Visitor, shoot
from tests.web.fakes import Api
from tests.web.scenarios import visit
from toolchain import find

pytestmark = pytest.mark.journey

WIDTHS = {"phone": 360, "tablet": 820, "wide": 1440}
# Every state once; what else may go wrong is tried without an emulator, in tests/web.
STATES = (
    *("loading", "operational", "troubled", "failing", "maintenance"),
    *("outage-later", "slow", "odd", "empty"),
)
GRADE = ROOT / "tests/web/observatory/grade.mjs"
ASSET = re.compile(r"/assets/[A-Za-z0-9._/-]*[A-Za-z0-9]")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    found = browser.new_page()
    yield found
    found.close()


@pytest.fixture
def visitor(sandbox: Sandbox, browser: Browser) -> Iterator[Visitor]:
    """Opens dev's page with all that CloudFront sends; only the API's answers are the double's."""
    status = sandbox.status("dev")
    api = Api(files={})
    api.set("version", environment="dev", release=status["release"])
    found = Visitor(browser, status["site_url"], api)

    def through(page: Page) -> None:
        page.route("**/api/*", lambda route: answer(api, route))

    found.through = through
    yield found
    found.leave()
    assert found.complaints == []


def answer(api: Api, route: Route) -> None:
    """Answer as the double would; what is held never gets an answer."""
    name = urlsplit(route.request.url).path.removeprefix("/api/")
    if name in api.held:
        return
    if name in api.dropped:
        api.failed = True
        route.abort("connectionrefused")
        return
    status = api.statuses.get(name, 200)
    api.failed |= status != 200
    body = api.bodies.get(name, json.dumps(api.answers[name]).encode())
    route.fulfill(status=status, content_type="application/json", body=body)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_page_shows_environment_and_release(
    sandbox: Sandbox, page: Page, environment: str
) -> None:
    status, said = sandbox.status(environment), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))

    page.goto(status["site_url"])

    expect(page.locator("body")).to_contain_text(status["release"])
    expect(page.locator("body")).to_contain_text(environment)
    expect(page.locator(".word")).not_to_have_text("Checking…")
    expect(page.locator('[data-text="status-result"]')).to_have_text("Answers")
    page.screenshot(path=ROOT / f"test-results/journeys/{environment}.png", full_page=True)
    assert said == []


@pytest.mark.parametrize("name", STATES)
def test_every_state_is_told_and_fits_whatever_the_theme_and_width(
    visitor: Visitor, name: str
) -> None:
    page = visit(visitor, name)
    for width_name, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            shoot(page, f"{name}-{theme}-{width_name}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_all_of_the_page_can_be_read_with_the_keyboard_alone(visitor: Visitor) -> None:
    page = visit(visitor, "operational")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("slider", name="Day")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator('[data-text="days-pick"]')).to_have_text("25 Nov 2026: 100 %, 288 checks")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("cell", name="88.19 %")).to_be_visible()


def test_an_unknown_page_says_so_and_an_unknown_api_path_is_the_apis(
    sandbox: Sandbox, page: Page
) -> None:
    site = sandbox.status("dev")["site_url"]

    missing = page.goto(f"{site}/no-such-page")
    assert missing is not None
    assert missing.status == 404
    expect(page.locator("h1")).to_be_visible()

    problem = page.request.get(f"{site}/api/no-such")
    assert problem.status == 404
    assert problem.headers["content-type"] == "application/problem+json"


def test_an_open_page_shows_a_new_notice_without_a_deploy(sandbox: Sandbox, page: Page) -> None:
    """Settings change in Parameter Store; the function reads them again within a minute."""
    sandbox.client("ssm", "dev").put_parameter(
        Name="/serverless-flask/dev/public/notice", Value="Back at noon", Overwrite=True
    )
    page.goto(sandbox.status("dev")["site_url"])

    expect(page.locator("body")).to_contain_text("Back at noon", timeout=75_000)


# --- what the answers are worth to browsers ---


def test_mozillas_observatory_would_grade_page_and_api_a_plus(sandbox: Sandbox) -> None:
    for path in ("/", "/api/version", "/api/status"):
        answers = recorded(sandbox, path)
        assert graded(answers)["grade"] == "A+", path
    del answers["answer"]["headers"]["content-security-policy"]
    assert graded(answers)["grade"] != "A+"


@pytest.mark.parametrize("path", ["/api/no-such", "/no-such-page", "/assets/no-such.css"])
def test_errors_come_with_the_same_security_headers(sandbox: Sandbox, path: str) -> None:
    site = sandbox.status("dev")["site_url"]
    good, bad = (httpx.get(site + one, trust_env=False).headers for one in ("/", path))

    for name in SECURITY:
        assert bad[name] == good[name], name


SECURITY = (
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
)


def recorded(sandbox: Sandbox, path: str) -> dict[str, Any]:
    """What the Observatory would ask for: the page, a preflight, and the way from plain HTTP."""
    site = sandbox.status("dev")["site_url"]
    stack = sandbox.context.engine("dev")._stack
    distribution = sandbox.client("cloudfront", "dev").get_distribution(Id=stack.distribution_id)
    host = distribution["Distribution"]["DomainName"]
    origin = {"Origin": "https://observatory.example", "Access-Control-Request-Method": "GET"}
    with httpx.Client(trust_env=False) as client:
        plain = client.get(f"http://127.0.0.1:{sandbox.port}{path}", headers={"Host": host})
        moved = plain.headers["location"]
        return {
            "address": moved,
            "answer": told(client.get(site + path)),
            "preflight": told(client.options(site + path, headers=origin)),
            "route": [
                {"url": f"http://{host}{path}", "status": plain.status_code},
                {"url": moved, "status": 200},
            ],
        }


def told(response: httpx.Response) -> dict[str, Any]:
    return {
        "status": response.status_code,
        "headers": dict(response.headers),
        "body": response.text,
    }


def graded(answers: dict[str, Any]) -> dict[str, Any]:
    tools = find(ROOT)
    done = subprocess.run(
        [str(tools.node), str(GRADE), str(tools.observatory)],
        input=json.dumps(answers),
        capture_output=True,
        text=True,
        check=True,
    )
    grade: dict[str, Any] = json.loads(done.stdout)
    return grade


# --- a page that stays open (the last: it leaves dev rolled back) ---


def test_an_open_page_survives_deploys_and_a_rollback(sandbox: Sandbox, page: Page) -> None:
    site = sandbox.status("dev")["site_url"]
    page.goto(site)
    opened = sandbox.status("dev")["release"]
    expect(page.locator('[data-text="page"]')).to_have_text("Of the same release")
    style = sandbox.root / "web/assets/site.css"
    before = style.read_text()

    for number in range(3):
        style.write_text(f"{before}/* {number} */\n")
        sandbox.ship("deploy", "dev")
    began = datetime.now(UTC).replace(microsecond=0)
    sandbox.ship("rollback", "dev", "--reason", "the page before was better")
    style.write_text(before)

    page.get_by_role("button", name="Check now").click()
    expect(page.locator('[data-text="page"]')).to_have_text("Of another: reload")
    expect(page.locator('[data-text="release"]')).not_to_have_text(opened)
    with httpx.Client(base_url=site, trust_env=False) as client:
        shown = client.get("/")
        assert page_release(shown.text) == sandbox.status("dev")["release"]
        assert parsedate_to_datetime(shown.headers["last-modified"]) >= began
        check_every_asset_of_the_last_five_releases(sandbox, client)
        for name in {*ASSET.findall(page.content())}:
            assert client.get(name).status_code == 200, name


def check_every_asset_of_the_last_five_releases(sandbox: Sandbox, client: httpx.Client) -> None:
    store = sandbox.context.engine("dev")._store
    releases = store.read_state()[0].order[-5:]
    assert len(releases) == 5
    styles = set()
    for release in releases:
        assets = store.manifest(release).assets
        styles |= {name for name in assets if name.endswith(".css")}
        for name in assets:
            answer = client.get(f"/{name}")
            assert answer.status_code == 200, name
            assert "immutable" in answer.headers["cache-control"]
    assert len(styles) >= 4
