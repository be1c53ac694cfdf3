"""A browser, a page that must not complain, and the site it looks at."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    sync_playwright,
)

from tests.web.doubles import Api, serving

SHOTS = Path(__file__).parents[2] / "test-results" / "web"

type Opener = Callable[..., Page]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(
        executable_path=os.environ.get("SHIP_BROWSER", "/usr/bin/chromium"),
        args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    )
    yield browser
    browser.close()


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def site(api: Api) -> Iterator[str]:
    with serving(api) as address:
        yield address


def _is_the_browsers_own_word(message: ConsoleMessage, api: Api) -> bool:
    """Chromium itself reports a request that failed; no page can keep it from that."""
    is_api = "/api/" in message.location["url"]
    return api.failed and is_api and message.text.startswith("Failed to load resource")


def _listen(page: Page, api: Api, complaints: list[str]) -> None:
    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not _is_the_browsers_own_word(message, api):
            complaints.append(f"{message.text} ({message.location['url']})")

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))


@pytest.fixture
def open_page(browser: Browser, site: str, api: Api) -> Iterator[Opener]:
    """Open a path in a context of its own; at the end, nothing may have been complained about.

    A content security policy's violation is such a complaint: Chromium reports it as an error.
    """
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def opener(path: str = "/", *, clock: bool = False, **options: object) -> Page:
        settings = {"timezone_id": "Europe/Berlin", **options}
        context = browser.new_context(**settings)  # type: ignore[arg-type]  options of Playwright's
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        _listen(page, api, complaints)
        if clock:
            page.clock.install()
        page.goto(site + path)
        return page

    yield opener
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Keep a picture of the whole page, to be looked at."""

    def shooter(page: Page, name: str) -> None:
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True, animations="disabled")

    return shooter
