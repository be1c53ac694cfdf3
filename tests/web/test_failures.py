"""An API that is down, slow or malformed, and one that comes back."""

from playwright.sync_api import Page, expect

from tests.web.conftest import Pages
from tests.web.fakes import RELEASE, FakeSite
from tests.web.scenarios import check_now, open_in

MALFORMED_VERSIONS = {
    b"<!doctype html><title>Oops</title>": "the answer is not JSON",
    b"\xff\xfe": "the answer is not JSON",
    b"null": "the answer is not an object",
    b"[]": "the answer is not an object",
    b'{"environment": "dev", "release": 7}': "“release” is wrong",
    b'{"environment": " ", "release": "x"}': "“environment” is wrong",
}

MALFORMED_SETTINGS = [
    ("refresh_seconds", 0),
    ("refresh_seconds", "30"),
    ("maintenance", "false"),
    ("notice", ["x"]),
    ("title", ""),
]


def expect_check(page: Page, name: str, result: str, more: str) -> None:
    expect(page.locator(f'[data-text="{name}-result"]')).to_have_text(result)
    expect(page.locator(f'[data-text="{name}-more"]')).to_have_text(more)


def test_when_the_api_goes_down_the_last_good_data_stay_and_are_marked_as_old(
    pages: Pages,
) -> None:
    page = open_in(pages, "outage-later")
    running = page.locator('[data-source="version"]')
    expect(running).to_have_attribute("data-age", "old")
    expect(running.locator(".when")).to_have_text("Old: answered 4 minutes ago, at 14:04:05")
    expect(page.locator('[data-text="release"]')).to_have_text(RELEASE)
    for name in ("health", "version", "config"):
        expect_check(page, name, "Failed", "no connection")


def test_when_the_api_is_down_from_the_start_no_data_are_made_up(pages: Pages) -> None:
    page = open_in(pages, "outage")
    expect(page.locator('[data-source="version"] .when')).to_have_text("No answer yet")
    expect(page.locator('[data-text="release"]')).to_have_text("—")
    expect(page.locator('[data-text="environment"]')).to_have_text("—")


def test_when_the_api_comes_back_the_marks_go(pages: Pages, site: FakeSite) -> None:
    page = open_in(pages, "outage-later")
    site.recover()
    page.clock.fast_forward(30_000)
    expect(page.locator(".word")).to_have_text("Operational")
    expect(page.locator('[data-source="version"]')).to_have_attribute("data-age", "new")
    expect(page.locator('[data-source="version"] .when')).to_have_text(
        "Answered just now, at 14:09:34"
    )
    expect_check(page, "health", "Answers", "in 0 ms")


def test_a_slow_api_is_called_slow_after_three_seconds_and_out_after_ten(
    pages: Pages, site: FakeSite
) -> None:
    page = open_in(pages, "loading")
    page.clock.fast_forward(3000)
    expect(page.locator(".word")).to_have_text("Degraded")
    expect_check(page, "health", "Slow", "no answer yet after 3 seconds")
    expect_check(page, "version", "Answers", "in 0 ms")
    page.clock.fast_forward(7000)
    expect(page.locator(".word")).to_have_text("Outage")
    expect_check(page, "health", "Failed", "no answer within 10 seconds")


def test_an_answer_that_took_long_counts_but_is_called_slow(pages: Pages, site: FakeSite) -> None:
    page = open_in(pages, "loading")
    page.clock.fast_forward(4000)
    site.recover()
    expect_check(page, "health", "Slow", "in 4000 ms")
    expect(page.locator(".word")).to_have_text("Degraded")
    check_now(page)
    expect(page.locator(".word")).to_have_text("Operational")


def test_a_version_that_makes_no_sense_is_refused_and_the_old_one_kept(
    pages: Pages, site: FakeSite
) -> None:
    page = open_in(pages, "operational")
    for body, why in MALFORMED_VERSIONS.items():
        site.bodies["version"] = body
        check_now(page)
        expect_check(page, "version", "Failed", why)
        expect(page.locator(".word")).to_have_text("Degraded")
        expect(page.locator('[data-text="release"]')).to_have_text(RELEASE)
        expect(page.locator('[data-source="version"]')).to_have_attribute("data-age", "old")
    site.recover()
    check_now(page)
    expect(page.locator(".word")).to_have_text("Operational")


def test_settings_that_make_no_sense_are_refused_and_the_old_ones_kept(
    pages: Pages, site: FakeSite
) -> None:
    page = open_in(pages, "operational")
    good = site.answers["config"]
    for name, value in MALFORMED_SETTINGS:
        site.answers["config"] = {**good, "title": "Another", name: value}
        check_now(page)
        expect_check(page, "config", "Failed", f"“{name}” is wrong")
        expect(page.locator('[data-text="title"]')).to_have_text("Serverless Flask")
    site.answers["config"] = good
    check_now(page)
    expect_check(page, "config", "Answers", "in 0 ms")


def test_a_health_other_than_ok_is_not_taken_for_health(pages: Pages, site: FakeSite) -> None:
    site.set("health", status="not so well")
    page = pages.open()
    expect(page.locator(".word")).to_have_text("Unknown")
    expect_check(page, "health", "Failed", "“status” is wrong")
