"""A browser, pages that must not complain, and the site they look at."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
from pytest_httpserver import HTTPServer

from tests.browser import launched
from tests.web.fakes import PATHS, FakeSite, attach

SCREENSHOTS = Path(__file__).parents[2] / "test-results" / "web"

# Three days after the commit that the fake site's release is made of.
NOW = datetime(2026, 11, 26, 13, 4, 5, tzinfo=UTC)

# Notes what moved without anybody touching the page.
NOTE_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const { hadRecentInput, sources } of list.getEntries()) {
    if (hadRecentInput) continue;
    window.shifts.push(...sources.map(({ node, previousRect, currentRect }) =>
      `${node?.textContent.trim()}: y ${previousRect.y} to ${currentRect.y},`
      + ` x ${previousRect.x} to ${currentRect.x}`));
  }
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Pages:
    """Opens the site's pages, each in a context of its own, and collects what they complain of.

    A breach of the content security policy is a complaint too: Chromium reports it as an error.
    """

    browser: Browser
    url: str
    site: FakeSite
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)
    _missing: str | None = None

    def open(
        self, path: str = "/", *, ticking: bool = False, exists: bool = True, **options: Any
    ) -> Page:
        """Open a page; its clock stands still unless it is `ticking`."""
        settings = {"timezone_id": "Europe/Berlin", "viewport": {"width": 1280, "height": 900}}
        context = self.browser.new_context(**(settings | options))
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", lambda request: self._on_request(request.url))
        page.add_init_script(NOTE_SHIFTS)
        if not ticking:
            page.clock.install(time=NOW - timedelta(seconds=1))
            page.clock.pause_at(NOW)
        self._missing = None if exists else self.url + path
        page.goto(self.url + path)
        return page

    def close(self) -> None:
        """Close what was opened."""
        for context in self.contexts:
            context.close()

    def _on_console(self, message: ConsoleMessage) -> None:
        """Complain, except of a failed request that was meant: no page can hide those."""
        if message.type not in {"error", "warning"}:
            return
        url = message.location["url"]
        meant = url == self._missing or (
            self.site.failed and url.removeprefix(self.url) in {*PATHS, "/"}
        )
        if not (meant and message.text.startswith("Failed to load resource")):
            self.complaints.append(f"{message.text} ({url})")

    def _on_request(self, url: str) -> None:
        if not url.startswith((self.url + "/", "data:")):
            self.complaints.append(f"asked a third party: {url}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of all tests of the page."""
    with launched() as found:
        yield found


@pytest.fixture(scope="session")
def make_httpserver() -> Iterator[HTTPServer]:
    """A server that answers several requests at a time: one of them may be held."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def site() -> FakeSite:
    return FakeSite()


@pytest.fixture
def pages(browser: Browser, site: FakeSite, httpserver: HTTPServer) -> Iterator[Pages]:
    pages = Pages(browser, attach(site, httpserver), site)
    yield pages
    site.recover()
    pages.close()
    assert pages.complaints == []


def screenshot(page: Page, name: str) -> None:
    """Save a picture of the whole page, to be looked at."""
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True, animations="disabled")
