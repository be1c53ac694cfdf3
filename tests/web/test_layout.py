"""Nothing shifts, nothing overflows, and it prints."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Visitor, shoot
from tests.web.fakes import Api
from tests.web.scenarios import NOTICE, SCENES, settle, visit

WIDTHS = [320, 412, 820, 1024, 1440]


def shifts(page: Page) -> list[str]:
    page.wait_for_timeout(150)
    found = page.evaluate("window.shifts")
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_shifts_from_the_first_paint_through_every_change(
    visitor: Visitor, api: Api, width: int
) -> None:
    api.hold("health")
    page = visitor.open(viewport={"width": width, "height": 2000})
    expect(page.locator(".word")).to_have_text("Checking…")
    api.set("config", notice=NOTICE * 7)
    api.set("version", release="20261123-42-1a2b3c4-dirty-1a2b3c4d", environment="pr-1234")
    api.release_all()
    expect(page.locator(".word")).to_have_text("Operational")
    settle(page)
    for scene in SCENES.values():
        if scene.at_first and scene.state != "loading":
            api.recover()
            settle(page)
            scene.prepare(api)
            checked = page.locator('[data-time="checked"]')
            before = checked.get_attribute("datetime") or ""
            page.clock.fast_forward(30_000)
            expect(checked).not_to_have_attribute("datetime", before)
            expect(page.locator(".word")).to_have_text(scene.word)
            api.set("config", maintenance=False)
    fail_at_length(page, api)
    assert shifts(page) == []


def fail_at_length(page: Page, api: Api) -> None:
    """Bring about the faults that take the most words."""
    api.recover()
    settle(page)
    api.set("version", function_version=7)
    api.hold("health")
    page.clock.fast_forward(30_000)
    more = page.locator('[data-text="health-more"]')
    page.wait_for_timeout(200)
    page.clock.fast_forward(3000)
    expect(more).to_have_text("no answer yet after 3 seconds")
    page.clock.fast_forward(7000)
    expect(more).to_have_text("no answer within 10 seconds")
    expect(page.locator('[data-text="version-more"]')).to_have_text("“function_version” is wrong")


def test_a_shift_would_be_seen(visitor: Visitor) -> None:
    page = visit(visitor, "operational")
    page.evaluate("document.querySelector('.top').style.setProperty('margin-top', '100px')")
    assert shifts(page) != []


def test_words_of_any_length_stay_inside_the_narrowest_phone(visitor: Visitor, api: Api) -> None:
    long = "x" * 500
    api.set("version", environment=long, release=long, python=long, function_version=long)
    api.set("config", title=long, notice=long)
    page = visit(visitor, "operational", viewport={"width": 320, "height": 800})
    shoot(page, "long-words")
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_the_word_of_the_state_stays_on_one_line(visitor: Visitor) -> None:
    page = visit(visitor, "maintenance")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        lines = page.locator(".word").evaluate(
            "word => word.clientHeight / parseFloat(getComputedStyle(word).lineHeight)"
        )
        assert round(lines, 1) == 1, width
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_paper_gets_the_whole_notice_and_no_buttons(visitor: Visitor, api: Api) -> None:
    api.set("config", notice=NOTICE * 7)
    page = visit(visitor, "operational", viewport={"width": 700, "height": 900})
    page.emulate_media(media="print", color_scheme="dark")
    shoot(page, "print")
    expect(page.get_by_role("button")).to_have_count(0)
    words = page.locator('[data-text="notice"]')
    assert words.evaluate("words => words.scrollHeight <= words.clientHeight")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 35)"
