"""The page for those who use a keyboard, a screen reader, or ask for less motion."""

from importlib.resources import files
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Pages, screenshot
from tests.web.fakes import FakeSite
from tests.web.scenarios import NOTICE, SCENARIOS, check_now, open_in

type Theme = Literal["light", "dark"]

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
FOCUSED = (
    "(({ ariaLabel, textContent }) => ariaLabel ?? textContent.trim())(document.activeElement)"
)
COUNT_ANNOUNCEMENTS = """() => {
  window.announced = 0;
  const count = new MutationObserver(() => { window.announced += 1; });
  count.observe(document.querySelector('[role="status"]'), { childList: true });
}"""
OUTLINES = """(({ activeElement }) => [activeElement, activeElement.parentElement]
  .map((place) => getComputedStyle(place).outlineStyle))(document)"""


THEMES: list[Any] = ["light", pytest.param("dark", marks=pytest.mark.nightly)]


def icons_of(page: Page) -> list[str]:
    """Names of the icons that are drawn; an icon may be a line without any width."""
    icons = page.locator("[data-icon]").evaluate_all(
        "icons => icons.filter(icon => getComputedStyle(icon).display !== 'none')"
        ".map(icon => icon.dataset.icon)"
    )
    return list(icons)


def find_violations(page: Page, theme: Theme) -> list[str]:
    """What axe finds, of any impact, best practices included.

    Axe waits for timers, so the page's clock has to run.
    """
    page.clock.resume()
    page.evaluate(AXE)
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    results = page.evaluate('axe.run({ resultTypes: ["violations"] })')["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in results]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_each_state_has_words_and_an_icon_and_axe_finds_nothing(
    pages: Pages, name: str, theme: Theme
) -> None:
    page = open_in(pages, name)
    assert icons_of(page) == [SCENARIOS[name].state]
    assert page.title().startswith(SCENARIOS[name].word)
    assert find_violations(page, theme) == []


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_on_the_other_pages(pages: Pages, site: FakeSite, theme: Theme) -> None:
    site.set("config", notice=NOTICE * 7)
    assert find_violations(pages.open("/nowhere", exists=False), theme) == []
    phone = open_in(pages, "operational", viewport={"width": 320, "height": 700})
    assert find_violations(phone, theme) == []


def test_the_tab_key_visits_everything_in_reading_order_and_shows_where_it_is(
    pages: Pages, site: FakeSite
) -> None:
    site.set("config", notice=NOTICE * 7)
    page = open_in(pages, "operational", viewport={"width": 360, "height": 800})
    visited = []
    for _ in range(16):
        page.keyboard.press("Tab")
        visited.append(page.evaluate(FOCUSED))
        assert "solid" in page.evaluate(OUTLINES), visited[-1]
    assert visited == [
        "Skip to the status",
        "Read all",
        "Check now",
        "Day",
        "Days as a table",
        "Hour",
        "Hours as a table",
        "Health",
        "Version",
        "Settings",
        "Status",
        "Site",
        "/-/health",
        "/-/version",
        "/api/config",
        "/api/status",
    ]


def test_the_skip_link_appears_on_focus_and_leads_past_the_header(pages: Pages) -> None:
    page = open_in(pages, "operational")
    link = page.get_by_role("link", name="Skip to the status")
    expect(link).not_to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(link).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_page_can_be_asked_to_check_and_to_unfold_by_keyboard(
    pages: Pages, site: FakeSite
) -> None:
    site.set("config", notice=NOTICE * 7)
    page = open_in(pages, "operational", viewport={"width": 360, "height": 800})
    unfold = page.get_by_role("button", name="Read all")
    unfold.press("Enter")
    expect(page.get_by_role("button", name="Read less")).to_have_attribute("aria-expanded", "true")
    site.drop_all()
    page.get_by_role("button", name="Check now").press("Space")
    expect(page.locator(".word")).to_have_text("Outage")


def test_a_screen_reader_announces_each_change_and_each_check_it_asked_for(
    pages: Pages, site: FakeSite
) -> None:
    page = open_in(pages, "operational")
    region = page.get_by_role("status")
    expect(region).to_have_text(
        "Operational. The API answers, and all that this page asks for is in order."
    )
    page.evaluate(COUNT_ANNOUNCEMENTS)
    page.clock.fast_forward(30_000)
    expect(page.locator('[data-time="checked"]')).to_contain_text("14:04:35")
    assert page.evaluate("window.announced") == 0
    check_now(page)
    expect(region).to_contain_text("Operational.")
    assert page.evaluate("window.announced") == 2  # Cleared, then announced.
    site.drop_all()
    page.clock.fast_forward(30_000)
    expect(region).to_have_text("Outage. The API does not answer. Its last answers are below.")


def test_headings_and_landmarks_make_an_outline(pages: Pages) -> None:
    page = open_in(pages, "operational")
    for landmark in ("banner", "main", "contentinfo", "navigation"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    headings = page.get_by_role("heading").all_inner_texts()
    assert headings == [
        "Status",
        "Is it up?",
        "Notice",
        "Components",
        "Alarms",
        "Availability in 90 days",
        "The last 24 hours",
        "What is running",
        "What answers",
    ]


def test_nothing_moves_for_those_who_asked_for_less_motion(pages: Pages) -> None:
    page = open_in(pages, "operational")
    duration = "getComputedStyle(document.querySelector('.state')).transitionDuration"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(duration) == "0.4s, 0.4s"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(duration) == "0s"


def test_the_icon_can_be_seen_where_the_reader_sets_the_colours(pages: Pages) -> None:
    page = open_in(pages, "outage", forced_colors="active")
    screenshot(page, "forced-colours")
    colours = page.evaluate(
        """() => [".disc", '[data-icon="outage"]'].map((selector, index) =>
          getComputedStyle(document.querySelector(selector))[index ? "stroke" : "fill"])"""
    )
    assert colours[0] != colours[1]
