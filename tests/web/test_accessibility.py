"""The page for those who use a keyboard, a screen reader, or ask for less motion."""

from importlib.resources import files

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Visitor, shoot
from tests.web.fakes import Api
from tests.web.scenarios import NOTICE, SCENES, check_now, visit

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
FOCUSED = (
    "(({ ariaLabel, textContent }) => ariaLabel ?? textContent.trim())(document.activeElement)"
)
COUNT_TELLINGS = """() => {
  window.told = 0;
  const count = new MutationObserver(() => { window.told += 1; });
  count.observe(document.querySelector('[role="status"]'), { childList: true });
}"""
OUTLINES = """(({ activeElement }) => [activeElement, activeElement.parentElement]
  .map((place) => getComputedStyle(place).outlineStyle))(document)"""


def violations(page: Page) -> list[str]:
    """What axe finds in either theme, of any impact, best practices included.

    Axe waits for timers, so the page's clock has to go.
    """
    page.clock.resume()
    page.evaluate(AXE)
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        results = page.evaluate('axe.run({ resultTypes: ["violations"] })')["violations"]
        found += [f"{theme}: {rule['id']}: {rule['nodes'][0]['html']}" for rule in results]
    return found


@pytest.mark.parametrize("name", SCENES)
def test_axe_finds_nothing_in_any_state_and_theme(visitor: Visitor, name: str) -> None:
    assert violations(visit(visitor, name)) == []


def test_axe_finds_nothing_on_the_other_pages(visitor: Visitor, api: Api) -> None:
    api.set("config", notice=NOTICE * 7)
    assert violations(visitor.open("/nowhere", is_there=False)) == []
    assert violations(visit(visitor, "operational", viewport={"width": 320, "height": 700})) == []


def test_the_tab_key_visits_everything_in_reading_order_and_shows_where_it_is(
    visitor: Visitor, api: Api
) -> None:
    api.set("config", notice=NOTICE * 7)
    page = visit(visitor, "operational", viewport={"width": 360, "height": 800})
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
        "Page",
        "/api/health",
        "/api/version",
        "/api/config",
        "/api/status",
    ]


def test_the_skip_link_appears_on_focus_and_leads_past_the_header(visitor: Visitor) -> None:
    page = visit(visitor, "operational")
    link = page.get_by_role("link", name="Skip to the status")
    expect(link).not_to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(link).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_page_can_be_asked_to_check_and_to_unfold_by_keyboard(
    visitor: Visitor, api: Api
) -> None:
    api.set("config", notice=NOTICE * 7)
    page = visit(visitor, "operational", viewport={"width": 360, "height": 800})
    unfold = page.get_by_role("button", name="Read all")
    unfold.press("Enter")
    expect(page.get_by_role("button", name="Read less")).to_have_attribute("aria-expanded", "true")
    api.drop_all()
    page.get_by_role("button", name="Check now").press("Space")
    expect(page.locator(".word")).to_have_text("Outage")


def test_a_screen_reader_is_told_of_each_change_and_of_each_check_it_asked_for(
    visitor: Visitor, api: Api
) -> None:
    page = visit(visitor, "operational")
    told = page.get_by_role("status")
    expect(told).to_have_text(
        "Operational. The API answers, and all that this page asks for is in order."
    )
    page.evaluate(COUNT_TELLINGS)
    page.clock.fast_forward(30_000)
    expect(page.locator('[data-time="checked"]')).to_contain_text("14:04:35")
    assert page.evaluate("window.told") == 0
    check_now(page)
    expect(told).to_contain_text("Operational.")
    assert page.evaluate("window.told") == 2  # Hushed, then told.
    api.drop_all()
    page.clock.fast_forward(30_000)
    expect(told).to_have_text("Outage. The API does not answer. What it said last stands below.")


def test_headings_and_landmarks_make_an_outline(visitor: Visitor) -> None:
    page = visit(visitor, "operational")
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


def test_nothing_moves_for_those_who_asked_for_less_motion(visitor: Visitor) -> None:
    page = visit(visitor, "operational")
    duration = "getComputedStyle(document.querySelector('.state')).transitionDuration"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(duration) == "0.4s, 0.4s"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(duration) == "0s"


def test_the_sign_can_be_seen_where_the_reader_sets_the_colours(visitor: Visitor) -> None:
    page = visit(visitor, "outage", forced_colors="active")
    shoot(page, "forced-colours")
    colours = page.evaluate(
        """() => [".disc", '[data-sign="outage"]'].map((selector, index) =>
          getComputedStyle(document.querySelector(selector))[index ? "stroke" : "fill"])"""
    )
    assert colours[0] != colours[1]
