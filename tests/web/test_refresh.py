"""When the page asks, and how it shows the age of the answers."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Pages
from tests.web.fakes import FakeSite
from tests.web.scenarios import check_now, open_in, wait_for_answers

CHECKED = '[data-time="checked"]'


def show_or_hide(page: Page, state: str) -> None:
    page.evaluate(
        """(state) => {
          Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )


def wait_for_checks(page: Page, site: FakeSite, count: int) -> None:
    """Wait until the page has taken in as many rounds of answers."""
    for _ in range(100):
        if site.asked.count("config") >= count:
            break
        page.wait_for_timeout(20)
    assert site.asked.count("config") == count
    wait_for_answers(page)


@pytest.mark.parametrize(
    ("setting", "pace"), [(60, 60), (0.01, 5), (10_000_000, 3600)], ids=["asked", "least", "most"]
)
def test_the_page_asks_again_at_the_pace_of_the_settings_within_reason(
    pages: Pages, site: FakeSite, setting: float, pace: int
) -> None:
    site.set("config", refresh_seconds=setting)
    page = open_in(pages, "operational")
    page.clock.fast_forward((pace - 1) * 1000)
    wait_for_checks(page, site, 1)
    page.clock.fast_forward(1000)
    wait_for_checks(page, site, 2)
    page.clock.fast_forward(pace * 1000)
    wait_for_checks(page, site, 3)


def test_nothing_is_asked_while_the_page_is_hidden_and_at_once_when_it_is_overdue(
    pages: Pages, site: FakeSite
) -> None:
    page = open_in(pages, "operational")
    show_or_hide(page, "hidden")
    page.clock.fast_forward(600_000)
    wait_for_checks(page, site, 1)
    show_or_hide(page, "visible")
    page.clock.run_for(1)
    wait_for_checks(page, site, 2)


def test_a_short_look_elsewhere_does_not_make_the_page_ask_early(
    pages: Pages, site: FakeSite
) -> None:
    page = open_in(pages, "operational")
    show_or_hide(page, "hidden")
    page.clock.fast_forward(10_000)
    show_or_hide(page, "visible")
    page.clock.fast_forward(19_000)
    wait_for_checks(page, site, 1)
    page.clock.fast_forward(1000)
    wait_for_checks(page, site, 2)


def test_the_age_of_the_answers_is_shown_and_grows(pages: Pages, site: FakeSite) -> None:
    site.set("config", refresh_seconds=3600)
    page = open_in(pages, "operational")
    checked = page.locator(CHECKED)
    expect(checked).to_have_text("just now, at 14:04:05")
    page.clock.run_for(22_000)
    expect(checked).to_have_text("20 seconds ago, at 14:04:05")
    page.clock.fast_forward(60_000)
    expect(checked).to_have_text("1 minute ago, at 14:04:05")
    page.clock.fast_forward(1_800_000)
    expect(checked).to_have_text("31 minutes ago, at 14:04:05")
    asof = page.locator('[data-time="asof"]')
    expect(asof).to_have_text("Answered 31 minutes ago, at 14:04:05")


@pytest.mark.parametrize(
    ("zone", "clock", "abbreviation"),
    [
        ("Europe/Berlin", "14:04:05", "CET"),
        ("Asia/Tokyo", "22:04:05", "GMT+9"),
    ],
)
def test_times_are_in_the_readers_zone_and_exact_on_hover(
    pages: Pages, zone: str, clock: str, abbreviation: str
) -> None:
    page = open_in(pages, "operational", timezone_id=zone)
    checked = page.locator(CHECKED)
    expect(checked).to_have_text(f"just now, at {clock}")
    exact = rf"Thursday,? 26 November 2026,? at {clock} {re.escape(abbreviation)}"
    expect(checked).to_have_attribute("title", re.compile(exact))
    expect(checked).to_have_attribute("datetime", "2026-11-26T13:04:05.000Z")
    expect(page.locator(".foot")).to_contain_text(f"Times are in {zone}.")


def test_the_button_asks_at_once_and_never_twice_at_a_time(pages: Pages, site: FakeSite) -> None:
    page = open_in(pages, "operational")
    site.hold("health")
    check_now(page)
    page.get_by_role("button", name="Check now").click()
    page.wait_for_timeout(100)
    site.recover()
    wait_for_checks(page, site, 2)
    check_now(page)
    wait_for_checks(page, site, 3)


def test_a_line_that_comes_back_is_used_at_once(pages: Pages, site: FakeSite) -> None:
    page = open_in(pages, "offline")
    page.context.set_offline(offline=False)
    expect(page.locator(".word")).to_have_text("Operational")
