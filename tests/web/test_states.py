"""What the page says of what it was answered."""

from playwright.sync_api import Page, expect

from tests.web.conftest import Pages, screenshot
from tests.web.fakes import COMMIT, RELEASE, FakeSite
from tests.web.scenarios import NOTICE, check_now, open_in


def text(page: Page, name: str) -> str:
    return page.locator(f'[data-text="{name}"]').inner_text()


def test_the_page_shows_environment_release_commit_and_what_runs_it(pages: Pages) -> None:
    page = open_in(pages, "operational")
    assert text(page, "environment") == "staging"
    assert text(page, "release") == RELEASE
    assert text(page, "commit") == COMMIT[:12]
    assert page.locator('[data-text="commit"]').get_attribute("title") == COMMIT
    assert page.locator('[data-time="committed"]').inner_text() == "23 Nov 2026, 3 days ago"
    assert text(page, "function_version") == "7"
    assert text(page, "python") == "3.13.5"
    assert text(page, "start") == "Warm"
    assert page.title() == "Operational · staging · Serverless Flask"


def test_a_release_from_a_source_tree_leaves_blanks(pages: Pages, site: FakeSite) -> None:
    site.set("version", release="development", commit=None, cold_start=True)
    page = open_in(pages, "operational")
    assert text(page, "release") == "development"
    assert text(page, "commit") == "—"
    assert page.locator('[data-time="committed"]').inner_text() == "—"
    assert text(page, "start") == "Cold: its first answer"


def test_the_notice_shows_when_there_is_one_and_goes_when_it_is_gone(
    pages: Pages, site: FakeSite
) -> None:
    page = open_in(pages, "notice")
    expect(page.locator("[data-notice]")).to_have_attribute("data-notice", "some")
    assert text(page, "notice") == NOTICE
    site.set("config", notice="")
    check_now(page)
    expect(page.locator("[data-notice]")).to_have_attribute("data-notice", "none")
    assert text(page, "notice") == "Nothing is announced."


def test_a_long_notice_keeps_to_its_room_until_it_is_unfolded(pages: Pages, site: FakeSite) -> None:
    site.set("config", notice=NOTICE * 7)
    page = open_in(pages, "operational", viewport={"width": 360, "height": 800})
    words = page.locator('[data-text="notice"]')
    folded = words.bounding_box()
    page.get_by_role("button", name="Read all").click()
    unfolded = words.bounding_box()
    assert folded
    assert unfolded
    assert folded["height"] < 100 < unfolded["height"]
    page.get_by_role("button", name="Read less").click()
    assert words.bounding_box() == folded
    site.set("config", notice=NOTICE)
    check_now(page)
    expect(page.get_by_role("button", name="Read all")).to_be_hidden()


def test_a_notice_that_fitted_can_be_unfolded_once_the_window_is_narrow(
    pages: Pages, site: FakeSite
) -> None:
    site.set("config", notice=NOTICE * 3)
    page = open_in(pages, "operational", viewport={"width": 1000, "height": 800})
    button = page.get_by_role("button", name="Read all")
    expect(button).to_be_hidden()
    page.set_viewport_size({"width": 360, "height": 800})
    expect(button).to_be_visible()


def test_maintenance_outranks_an_outage_that_it_announced(pages: Pages, site: FakeSite) -> None:
    page = open_in(pages, "maintenance")
    site.drop_all()
    check_now(page)
    expect(page.locator('[data-check="health"]')).to_have_attribute("data-result", "bad")
    expect(page.locator(".word")).to_have_text("Maintenance")


def test_an_api_that_is_only_busy_is_degraded_and_not_out(pages: Pages, site: FakeSite) -> None:
    site.statuses["health"] = 429
    pages.open()
    open_in(pages, "degraded")


def test_settings_are_shown_as_text_and_never_as_markup(pages: Pages, site: FakeSite) -> None:
    markup = "<b>&amp;</b><img src=x onerror=alert(1)>"
    site.set("config", title=markup, notice=markup)
    site.set("version", release=markup, environment=markup)
    page = open_in(pages, "operational")
    for name in ("title", "notice", "release", "environment"):
        assert page.locator(f'[data-text="{name}"]').text_content() == markup


def test_a_page_of_another_release_than_the_api_offers_to_be_reloaded(
    pages: Pages, site: FakeSite
) -> None:
    page = open_in(pages, "operational")
    assert text(page, "page") == "Of the same release"
    site.set("version", release="20261124-43-2b3c4d5")
    check_now(page)
    expect(page.locator('[data-text="page"]')).to_have_text("Of another: reload")


def test_without_script_the_page_says_what_it_is_and_where_the_answers_are(
    pages: Pages,
) -> None:
    page = pages.open(java_script_enabled=False)
    screenshot(page, "without-script")
    words = page.locator("main noscript")
    assert "This is the status page of a serverless Flask application" in words.inner_text()
    links = words.locator("a")
    assert [link.get_attribute("href") for link in links.all()] == [
        "/-/health",
        "/-/version",
        "/api/config",
        "/api/status",
    ]
    expect(links.first).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    for name in ("Notice", "The last 24 hours", "What answers", "What is running"):
        expect(page.get_by_role("heading", name=name)).to_be_hidden()
    expect(page.locator("[data-scripted]:visible")).to_have_count(0)


def test_an_address_without_a_page_says_so_and_leads_back(pages: Pages) -> None:
    page = pages.open("/some/where/else", exists=False)
    screenshot(page, "404")
    expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
    page.get_by_role("link", name="Go to the status page").click()
    expect(page).to_have_url(pages.url + "/")
