"""A browser, pages that must not complain, and the site they look at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.web.fakes import Api, serving

SHOTS = Path(__file__).parents[2] / "test-results" / "web"

# Three days after the commit that the double's release is made of.
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
class Visitor:
    """Opens the site's pages, each in a context of its own, and keeps what they complain of.

    A breach of the content security policy is a complaint too: Chromium reports it as an error.
    """

    browser: Browser
    site: str
    api: Api
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)
    through: Callable[[Page], None] = lambda page: None
    """What stands between a page and the site."""
    _missing: str | None = None

    def open(
        self,
        path: str = "/",
        *,
        ticking: bool = False,
        is_there: bool = True,
        **options: Any,
    ) -> Page:
        """Open a page; its clock stands still unless it is `ticking`."""
        settings = {"timezone_id": "Europe/Berlin", "viewport": {"width": 1280, "height": 900}}
        context = self.browser.new_context(**(settings | options))
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        self._listen(page)
        page.add_init_script(NOTE_SHIFTS)
        if not ticking:
            page.clock.install(time=NOW - timedelta(seconds=1))
            page.clock.pause_at(NOW)
        self._missing = None if is_there else self.site + path
        self.through(page)
        page.goto(self.site + path)
        return page

    def leave(self) -> None:
        """Close what was opened."""
        for context in self.contexts:
            context.close()

    def _listen(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", lambda request: self._see(request.url))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not self._is_the_browsers_own(message):
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def _is_the_browsers_own(self, message: ConsoleMessage) -> bool:
        """Chromium reports a request that failed; no page can keep it from that."""
        url = message.location["url"]
        asked = "/api/" in url or url == f"{self.site}/"
        was_meant = url == self._missing or (self.api.failed and asked)
        return was_meant and message.text.startswith("Failed to load resource")

    def _see(self, url: str) -> None:
        if not url.startswith((self.site + "/", "data:")):
            self.complaints.append(f"asked a third party: {url}")


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def visitor(browser: Browser, api: Api) -> Iterator[Visitor]:
    with serving(api) as site:
        visitor = Visitor(browser, site, api)
        yield visitor
        visitor.leave()
    assert visitor.complaints == []


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the whole page, to be looked at."""
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True, animations="disabled")
