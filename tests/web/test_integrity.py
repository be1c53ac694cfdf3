"""What a browser does with a style sheet or a script that is not what was built."""

import re

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Visitor
from tests.web.fakes import Api, published

FILES = published()
CHECKED = {name.split(".")[0]: name for name in FILES if name.endswith((".css", ".js"))}
ALTERATIONS = {
    "css": b"\n:root { --altered: yes; }",
    "js": b"\nwindow.altered = true;",
}
LATER = ("assets/history", "assets/charts")
IS_ALTERED = """window.altered === true
  || getComputedStyle(document.documentElement).getPropertyValue("--altered") !== \"\""""


@pytest.mark.parametrize("name", sorted(CHECKED))
def test_an_altered_one_is_refused(visitor: Visitor, api: Api, name: str) -> None:
    file = CHECKED[name]
    api.files = {**FILES, file: FILES[file] + ALTERATIONS[file.rpartition(".")[2]]}

    page = visitor.open()
    if name in LATER:
        expect(page.locator(".word")).to_have_text("Operational")
        expect(page.locator('[data-text="status-result"]')).to_have_text("Answers")

    assert page.evaluate(IS_ALTERED) is False
    assert [text for text in visitor.complaints if f"/{file}" in text and "integrity" in text]
    visitor.complaints.clear()


@pytest.mark.parametrize("name", ["assets/site", "assets/app", "assets/history"])
def test_without_integrity_the_alteration_would_be_seen(
    visitor: Visitor, api: Api, name: str
) -> None:
    file = CHECKED[name]
    page_without = re.sub(rb' integrity="[^"]+"', b"", FILES["index.html"])
    altered = FILES[file] + ALTERATIONS[file.rpartition(".")[2]]
    api.files = {**FILES, "index.html": page_without, file: altered}

    page = visitor.open()
    expect(page.locator(".word")).to_have_text("Operational")
    expect(page.locator('[data-time="told"]').first).to_contain_text("Measured")

    assert page.evaluate(IS_ALTERED) is True
