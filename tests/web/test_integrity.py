"""What a browser does with a style sheet or a script that is not what was built."""

import re

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Pages
from tests.web.fakes import FakeSite, published, source_of

FILES = published()
CHECKED = {source_of(name): name for name in FILES if name.endswith((".css", ".js"))}
ALTERATIONS = {"css": b"\n:root { --altered: yes; }", "js": b"\nwindow.altered = true;"}
IS_ALTERED = """window.altered === true
  || getComputedStyle(document.documentElement).getPropertyValue("--altered") !== \"\""""
# A style sheet, the page's own script, and one that it imports later.
KINDS = ["site", "app", "history"]


def alter(name: str) -> dict[str, bytes]:
    file = CHECKED[name]
    return FILES | {file: FILES[file] + ALTERATIONS[file.rpartition(".")[2]]}


def test_every_style_sheet_and_script_is_checked() -> None:
    """A module that another one imports is checked where the page preloads it, and nowhere else.

    https://html.spec.whatwg.org/multipage/links.html#link-type-modulepreload
    """
    checked = re.findall(rb'="/([^"]+)"[^>]* integrity="sha384-', FILES["index.html"])
    assert {name.decode() for name in checked} == set(CHECKED.values())


@pytest.mark.parametrize("name", KINDS)
def test_an_altered_one_is_refused(pages: Pages, site: FakeSite, name: str) -> None:
    site.files = alter(name)

    page = pages.open()
    if name == "history":
        expect(page.locator(".word")).to_have_text("Operational")
        expect(page.locator('[data-text="status-result"]')).to_have_text("Answers")

    assert page.evaluate(IS_ALTERED) is False
    file = CHECKED[name]
    assert [text for text in pages.complaints if f"/{file}" in text and "integrity" in text]
    pages.complaints.clear()
