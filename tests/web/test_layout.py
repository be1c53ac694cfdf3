"""Nothing shifts, nothing overflows, and it prints."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Pages, screenshot
from tests.web.fakes import FakeSite
from tests.web.scenarios import NOTICE, SCENARIOS, open_in, wait_for_answers

# The narrowest phone, and the first width with two columns.
WIDTHS = [320, 1024]
OTHER_WIDTHS = [412, 820, 1440]


def find_shifts(page: Page) -> list[str]:
    page.wait_for_timeout(150)
    found = page.evaluate("window.shifts")
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    "width", [*WIDTHS, *(pytest.param(width, marks=pytest.mark.nightly) for width in OTHER_WIDTHS)]
)
def test_nothing_shifts_from_the_first_paint_through_every_change(
    pages: Pages, site: FakeSite, width: int
) -> None:
    site.hold("health")
    page = pages.open(viewport={"width": width, "height": 2000})
    expect(page.locator(".word")).to_have_text("Checking…")
    site.set("config", notice=NOTICE * 7)
    site.set("version", release="20261123-42-1a2b3c4-dirty-1a2b3c4d", environment="pr-1234")
    site.recover()
    expect(page.locator(".word")).to_have_text("Operational")
    for scenario in SCENARIOS.values():
        if scenario.at_first and scenario.state != "loading":
            site.recover()
            wait_for_answers(page)
            scenario.prepare(site)
            checked = page.locator('[data-time="checked"]')
            before = checked.get_attribute("datetime") or ""
            page.clock.fast_forward(30_000)
            expect(checked).not_to_have_attribute("datetime", before)
            expect(page.locator(".word")).to_have_text(scenario.word)
            site.set("config", maintenance=False)
    fail_at_length(page, site)
    assert find_shifts(page) == []


def fail_at_length(page: Page, site: FakeSite) -> None:
    """Bring about the errors that take the most words."""
    site.recover()
    wait_for_answers(page)
    site.set("version", function_version=7)
    site.hold("health")
    page.clock.fast_forward(30_000)
    more = page.locator('[data-text="health-more"]')
    page.wait_for_timeout(200)
    page.clock.fast_forward(3000)
    expect(more).to_have_text("no answer yet after 3 seconds")
    page.clock.fast_forward(7000)
    expect(more).to_have_text("no answer within 10 seconds")
    expect(page.locator('[data-text="version-more"]')).to_have_text("“function_version” is wrong")


def test_a_shift_would_be_seen(pages: Pages) -> None:
    page = open_in(pages, "operational")
    page.evaluate("document.querySelector('.top').style.setProperty('margin-top', '100px')")
    assert find_shifts(page) != []


def test_words_of_any_length_stay_inside_the_narrowest_phone(pages: Pages, site: FakeSite) -> None:
    long = "x" * 500
    site.set("version", environment=long, release=long, python=long, function_version=long)
    site.set("config", title=long, notice=long)
    page = open_in(pages, "operational", viewport={"width": 320, "height": 800})
    screenshot(page, "long-words")
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_the_word_of_the_state_stays_on_one_line(pages: Pages) -> None:
    page = open_in(pages, "maintenance")
    for width in WIDTHS + OTHER_WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        lines = page.locator(".word").evaluate(
            "word => word.clientHeight / parseFloat(getComputedStyle(word).lineHeight)"
        )
        assert round(lines, 1) == 1, width
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_paper_gets_the_whole_notice_and_no_buttons(pages: Pages, site: FakeSite) -> None:
    site.set("config", notice=NOTICE * 7)
    page = open_in(pages, "operational", viewport={"width": 700, "height": 900})
    page.emulate_media(media="print", color_scheme="dark")
    screenshot(page, "print")
    expect(page.get_by_role("button")).to_have_count(0)
    words = page.locator('[data-text="notice"]')
    assert words.evaluate("words => words.scrollHeight <= words.clientHeight")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 35)"
