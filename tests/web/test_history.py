"""Components, alarms, 90 days and 24 hours: as pictures, in words, by keyboard, in tables."""

from copy import deepcopy
from typing import Any

from playwright.sync_api import Page, expect

from tests.web.conftest import Pages
from tests.web.fakes import FakeSite, empty_status
from tests.web.scenarios import check_now, open_in, wait_for_answers


def text(page: Page, name: str) -> str:
    return page.locator(f'[data-text="{name}"]').inner_text()


def when_measured(page: Page) -> str:
    return page.locator('[data-time="measured"]').first.inner_text()


def bars(page: Page, name: str) -> list[dict[str, Any]]:
    found = page.locator(f'[data-plot="{name}"] rect').evaluate_all(
        """bars => bars.map(bar => ({
          level: bar.dataset.level, failed: "failed" in bar.dataset, ...Object.fromEntries(
            ["x", "y", "height"].map(name => [name, Number(bar.getAttribute(name))])) }))"""
    )
    return list(found)


def test_components_have_words_and_a_shape(pages: Pages) -> None:
    page = open_in(pages, "reports-problem")
    for name, word in {"api": "Operational", "site": "Degraded", "settings": "Operational"}.items():
        assert text(page, f"component-{name}") == word
    shapes = page.locator("[data-component]").evaluate_all(
        """parts => parts.map(part => {
          const { borderRadius, rotate } = getComputedStyle(
            part.querySelector(".result"), "::before");
          return `${borderRadius} ${rotate}`; })"""
    )
    assert shapes == ["50% none", "0px 45deg", "50% none"]


def test_active_alarms_say_what_is_wrong_and_since_when(pages: Pages, site: FakeSite) -> None:
    page = open_in(pages, "reports-outage")
    assert text(page, "alarms") == "2 alarms are active."
    first = page.locator('[data-list="alarms"] li').first
    assert first.inner_text().split("\n\n") == [
        "errors since 6 minutes ago",
        "The API answered with a server error. See the access log.",
    ]
    site.set("status", alarms=[])
    check_now(page)
    expect(page.locator('[data-text="no-alarms"]')).to_have_text("No alarm is active.")
    expect(page.locator('[data-list="alarms"] li')).to_have_count(0)


def test_alarms_that_do_not_fit_can_be_scrolled_to_by_keyboard(
    pages: Pages, site: FakeSite
) -> None:
    page = open_in(pages, "reports-outage", viewport={"width": 1440, "height": 900})
    room = page.get_by_role("group", name="Alarms")
    assert room.get_attribute("tabindex") is None
    site.set("status", alarms=site.answers["status"]["alarms"] * 4)
    check_now(page)
    expect(room).to_have_attribute("tabindex", "0")


def test_a_day_is_a_bar_whose_height_and_colour_say_how_it_was(pages: Pages) -> None:
    page = open_in(pages, "operational")
    drawn = bars(page, "days")
    assert len(drawn) == 90
    heights = {bar["level"]: bar["height"] for bar in drawn}
    assert heights["up"] > heights["part"] > heights["down"] > heights["none"] > 0
    assert [bar["level"] for bar in drawn[30:34]] == ["up", "down", "part", "up"]
    assert text(page, "days-sum") == "99.79 % of checks passed, in 86 days"


def test_a_pointer_reads_a_day_and_an_hour(pages: Pages) -> None:
    page = open_in(pages, "operational")
    hint = text(page, "days-pick")
    for name, place, said in (
        ("days", 31.5 / 90, "29 Sept 2026: 88.19 %, 288 checks"),
        ("hours", 23.5 / 24, "14:00 to 15:00: "),
    ):
        picker = page.locator(f'[data-pick="{name}"]')
        box = picker.bounding_box()
        assert box
        picker.hover(position={"x": box["width"] * place, "y": 10})
        expect(page.locator(f'[data-text="{name}-pick"]')).to_contain_text(said)
    expect(page.locator('[data-text="days-pick"]')).to_have_text(hint)


def test_the_arrow_keys_read_day_by_day_and_say_so_to_screen_readers(pages: Pages) -> None:
    page = open_in(pages, "operational")
    day = page.get_by_role("slider", name="Day")
    day.focus()
    for key, said in {
        "ArrowLeft": "25 Nov 2026: 100 %, 288 checks",
        "Home": "29 Aug 2026: not checked",
        "End": "26 Nov 2026: 100 %, 156 checks",
    }.items():
        page.keyboard.press(key)
        assert text(page, "days-pick") == said
        assert day.get_attribute("aria-valuetext") == said
    page.keyboard.press("Tab")
    expect(page.locator('[data-text="days-pick"]')).to_contain_text("Point at a bar")


def test_an_hour_says_requests_errors_and_latency_in_the_readers_zone(pages: Pages) -> None:
    page = open_in(pages, "operational", timezone_id="Asia/Tokyo")
    hour = page.get_by_role("slider", name="Hour")
    hour.focus()
    page.keyboard.press("Home")
    assert text(page, "hours-pick").startswith("23:00 to 00:00: 1,471 requests, 0 errors; p50 ")


def test_tables_hold_all_that_the_drawings_show(pages: Pages, site: FakeSite) -> None:
    page = open_in(pages, "operational")
    page.get_by_text("Days as a table").click()
    page.get_by_text("Hours as a table").click()
    days = page.locator('[data-rows="days"] tr')
    expect(days).to_have_count(90)
    assert days.nth(31).inner_text().split("\t") == ["29 Sept 2026", "88.19 %", "288"]
    hours = page.locator('[data-rows="hours"] tr')
    expect(hours).to_have_count(24)
    assert hours.nth(13).inner_text().split("\t")[1:] == ["0", "0", "—", "—", "—"]
    site.set("status", availability=site.answers["status"]["availability"][:2])
    check_now(page)
    expect(days).to_have_count(2)


def test_the_last_24_hours_are_summed_up(pages: Pages) -> None:
    page = open_in(pages, "operational")
    said = [text(page, name) for name in ("requests", "errors", "cold_starts", "p50", "p95", "p99")]
    assert said == ["17,244", "7 (0.041 %)", "41", "7.4 ms", "26.8 ms", "312 ms"]
    assert text(page, "most") == "2,000"


def test_failed_requests_stand_below_the_line_and_an_hour_without_any_is_a_gap(
    pages: Pages,
) -> None:
    page = open_in(pages, "operational")
    drawn = bars(page, "requests")
    line = {bar["y"] + bar["height"] for bar in drawn if not bar["failed"]}
    assert line == {4}
    failed = [bar for bar in drawn if bar["failed"]]
    assert len(failed) == 2
    assert all(bar["y"] > 4 for bar in failed)
    lines = page.locator('[data-plot="latency"] path').evaluate_all(
        "lines => lines.map(line => [line.dataset.line, line.getAttribute('d')])"
    )
    assert [name for name, _ in lines] == ["p99", "p95", "p50"]
    assert all(d.count("M") == 2 for _, d in lines)


def test_history_that_is_empty_says_so(pages: Pages, site: FakeSite) -> None:
    page = open_in(pages, "empty")
    for name in ("days-empty", "hours-empty"):
        assert text(page, name) == "No history is known yet"
    assert when_measured(page) == "Nothing has been measured yet"
    assert text(page, "component-api") == "Not known"
    assert text(page, "no-alarms") == "Not known."
    assert text(page, "status-more") == "in 0 ms; CloudWatch has not been read yet"
    expect(page.get_by_role("slider", name="Day")).to_be_disabled()
    site.set("status", availability=[{"date": "2026-11-26", "checks": 0, "percent": None}])
    check_now(page)
    expect(page.get_by_role("slider", name="Day")).to_be_enabled()
    assert text(page, "days-empty") == "No history is known yet"


def test_history_that_cannot_be_read_says_so_and_the_rest_goes_on(
    pages: Pages, site: FakeSite
) -> None:
    site.statuses["status"] = 500
    page = pages.open()
    expect(page.locator(".word")).to_have_text("Degraded")
    wait_for_answers(page)
    assert text(page, "days-empty") == "The history could not be read"
    assert text(page, "status-more") == "refused with status 500"
    assert text(page, "version-result") == "Answers"


def test_the_last_history_stays_marked_as_old_when_no_newer_comes(
    pages: Pages, site: FakeSite
) -> None:
    page = open_in(pages, "operational")
    assert when_measured(page) == "Measured 10 seconds ago, at 14:03:53"
    site.dropped.add("status")
    page.clock.fast_forward(299_000)
    expect(page.locator('[data-source="status"]').last).to_have_attribute("data-age", "old")
    assert when_measured(page) == "Old: answered 4 minutes ago, at 14:04:05"
    assert text(page, "requests") == "17,244"
    expect(page.locator(".word")).to_have_text("Degraded")


def test_measurements_that_are_too_old_are_marked_though_the_api_answers(
    pages: Pages, site: FakeSite
) -> None:
    site.set("status", age_seconds=1200)
    page = open_in(pages, "operational")
    assert when_measured(page) == "Old: measured 20 minutes ago, at 13:44:05"
    expect(page.locator('[data-source="status"]').first).to_have_attribute("data-age", "old")


def test_a_status_that_makes_no_sense_is_refused_and_the_old_one_kept(
    pages: Pages, site: FakeSite
) -> None:
    page = open_in(pages, "operational")
    good = site.answers["status"]
    for name, value in (
        ("state", "fine"),
        ("components", [{"id": "api"}]),
        ("availability", [{"date": "2026-11-26", "checks": 1, "percent": 101}]),
        ("last_24_hours", {**deepcopy(good["last_24_hours"]), "requests": -1}),
        ("alarms", {}),
        ("as_of", "today"),
    ):
        site.answers["status"] = {**good, name: value}
        check_now(page)
        expect(page.locator('[data-text="status-more"]')).to_have_text(f"“{name}” is wrong")
        assert text(page, "requests") == "17,244"
    site.answers["status"] = good
    check_now(page)
    expect(page.locator('[data-text="status-more"]')).to_have_text("in 0 ms")


def test_the_overall_status_does_not_wait_for_the_history(pages: Pages, site: FakeSite) -> None:
    page = open_in(pages, "slow")
    assert text(page, "status-result") == "Asking…"
    page.clock.fast_forward(3000)
    expect(page.locator('[data-text="status-more"]')).to_have_text("no answer yet after 3 seconds")
    expect(page.locator(".word")).to_have_text("Degraded")
    page.clock.fast_forward(1000)
    site.recover()
    expect(page.locator('[data-text="status-more"]')).to_have_text("in 4000 ms")
    assert text(page, "status-result") == "Slow"


def test_what_the_api_says_of_itself_outranks_what_the_browser_sees(
    pages: Pages, site: FakeSite
) -> None:
    site.set("status", **{**empty_status(), "state": "outage"})
    page = pages.open()
    expect(page.locator(".word")).to_have_text("Outage")
    sentence = page.locator('[data-text="sentence"]')
    expect(sentence).to_have_text("The API answers here, but reports that many requests fail.")


def test_a_release_is_live_since_its_site_was_written(pages: Pages, site: FakeSite) -> None:
    page = open_in(pages, "operational")
    since = page.locator('[data-time="since"]')
    assert since.inner_text() == "26 Nov 2026, 10:30, 3 hours ago"
    expect(since).to_have_attribute("datetime", "2026-11-26T09:30:00.000Z")
    expect(since).to_have_attribute("title", "Thursday, 26 November 2026 at 10:30:00 CET")
    site.set("version", release="20261124-43-2b3c4d5")
    check_now(page)
    expect(since).to_have_text("Changing now")
    assert since.get_attribute("datetime") is None
