"""When the page asks, and how it shows the age of what it was told."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Visitor
from tests.web.fakes import Api
from tests.web.scenarios import check_now, settle, visit

CHECKED = '[data-time="checked"]'


def show_or_hide(page: Page, state: str) -> None:
    page.evaluate(
        """(state) => {
          Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )


def wait_for_checks(page: Page, api: Api, count: int) -> None:
    """Wait until the page has taken in as many rounds of answers."""
    for _ in range(100):
        if api.count("config") >= count:
            break
        page.wait_for_timeout(20)
    assert api.count("config") == count
    settle(page)


@pytest.mark.parametrize(
    ("setting", "pace"), [(60, 60), (0.01, 5), (10_000_000, 3600)], ids=["asked", "least", "most"]
)
def test_the_page_asks_again_at_the_pace_of_the_settings_within_reason(
    visitor: Visitor, api: Api, setting: float, pace: int
) -> None:
    api.set("config", refresh_seconds=setting)
    page = visit(visitor, "operational")
    page.clock.fast_forward((pace - 1) * 1000)
    wait_for_checks(page, api, 1)
    page.clock.fast_forward(1000)
    wait_for_checks(page, api, 2)
    page.clock.fast_forward(pace * 1000)
    wait_for_checks(page, api, 3)


def test_nothing_is_asked_while_the_page_is_hidden_and_at_once_when_it_is_overdue(
    visitor: Visitor, api: Api
) -> None:
    page = visit(visitor, "operational")
    show_or_hide(page, "hidden")
    page.clock.fast_forward(600_000)
    wait_for_checks(page, api, 1)
    show_or_hide(page, "visible")
    page.clock.run_for(1)
    wait_for_checks(page, api, 2)


def test_a_short_look_elsewhere_does_not_make_the_page_ask_early(
    visitor: Visitor, api: Api
) -> None:
    page = visit(visitor, "operational")
    show_or_hide(page, "hidden")
    page.clock.fast_forward(10_000)
    show_or_hide(page, "visible")
    page.clock.fast_forward(19_000)
    wait_for_checks(page, api, 1)
    page.clock.fast_forward(1000)
    wait_for_checks(page, api, 2)


def test_the_age_of_the_answers_is_shown_and_grows(visitor: Visitor, api: Api) -> None:
    api.set("config", refresh_seconds=3600)
    page = visit(visitor, "operational")
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
    visitor: Visitor, zone: str, clock: str, abbreviation: str
) -> None:
    page = visit(visitor, "operational", timezone_id=zone)
    checked = page.locator(CHECKED)
    expect(checked).to_have_text(f"just now, at {clock}")
    exact = rf"Thursday,? 26 November 2026,? at {clock} {re.escape(abbreviation)}"
    expect(checked).to_have_attribute("title", re.compile(exact))
    expect(checked).to_have_attribute("datetime", "2026-11-26T13:04:05.000Z")
    expect(page.locator(".foot")).to_contain_text(f"Times are in {zone}.")


def test_the_button_asks_at_once_and_never_twice_at_a_time(visitor: Visitor, api: Api) -> None:
    page = visit(visitor, "operational")
    api.hold("health")
    check_now(page)
    page.get_by_role("button", name="Check now").click()
    page.wait_for_timeout(100)
    api.release_all()
    wait_for_checks(page, api, 2)
    check_now(page)
    wait_for_checks(page, api, 3)


def test_a_line_that_comes_back_is_used_at_once(visitor: Visitor, api: Api) -> None:
    page = visit(visitor, "offline")
    page.context.set_offline(offline=False)
    expect(page.locator(".word")).to_have_text("Operational")
