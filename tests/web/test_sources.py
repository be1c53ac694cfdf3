"""What the sources of the site must hold to, read without a browser."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import override

import pytest

from tests.web.fakes import WEB, sources

PAGES = sorted(path.name for path in WEB.glob("*.html"))
ASSET = re.compile(r"/assets/[a-z0-9]+\.[a-z0-9]+")


@dataclass(frozen=True)
class Element:
    name: str
    attributes: dict[str, str]


@dataclass
class Document(HTMLParser):
    """A page's elements in order, and the text inside each kind of element."""

    elements: list[Element] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    _inside: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))
        self._inside = tag

    @override
    def handle_data(self, data: str) -> None:
        self.texts[self._inside] = self.texts.get(self._inside, "") + data.strip()

    def all(self, name: str) -> list[Element]:
        return [element for element in self.elements if element.name == name]

    def meta(self, name: str) -> list[str]:
        return [
            element.attributes["content"]
            for element in self.all("meta")
            if element.attributes.get("name") == name
        ]


def read(page: str) -> Document:
    document = Document()
    document.feed((WEB / page).read_text())
    document.close()
    return document


def texts() -> dict[str, str]:
    return {name: data.decode() for name, data in sources().items() if not name.endswith(".png")}


def test_the_pages_are_the_start_and_the_one_for_what_is_not_there() -> None:
    assert PAGES == ["404.html", "index.html"]


@pytest.mark.parametrize("page", PAGES)
def test_each_page_has_a_language_a_title_a_description_and_a_viewport(page: str) -> None:
    document = read(page)
    assert document.all("html")[0].attributes["lang"] == "en"
    assert "Serverless Flask" in document.texts["title"]
    assert len(document.meta("description")) == 1
    assert document.meta("viewport") == ["width=device-width, initial-scale=1"]
    assert document.meta("color-scheme") == ["light dark"]


@pytest.mark.parametrize("page", PAGES)
def test_each_page_carries_its_release_once_in_the_form_that_the_builder_replaces(
    page: str,
) -> None:
    assert read(page).meta("release") == ["development"]
    assert (WEB / page).read_text().count('<meta name="release" content="development">') == 1


@pytest.mark.parametrize("page", PAGES)
def test_each_page_has_its_landmarks_one_first_heading_and_a_skip_link_before_all(
    page: str,
) -> None:
    document = read(page)
    for name in ("header", "main", "footer", "h1"):
        assert len(document.all(name)) == 1, name
    body = document.elements[document.elements.index(document.all("body")[0]) + 1]
    assert body.name == "a"
    assert body.attributes["href"] == "#main"
    assert document.all("main")[0].attributes["id"] == "main"


@pytest.mark.parametrize("page", PAGES)
def test_no_page_holds_a_script_or_a_style_of_its_own(page: str) -> None:
    document = read(page)
    assert document.all("style") == []
    for script in document.all("script"):
        assert script.attributes["type"] == "module"
        assert script.attributes["src"].startswith("/assets/")
    assert document.texts.get("script", "") == ""
    for element in document.elements:
        assert "style" not in element.attributes, element
        assert not [name for name in element.attributes if name.startswith("on")], element


@pytest.mark.parametrize("page", PAGES)
def test_pages_refer_only_to_the_site_itself_by_absolute_paths(page: str) -> None:
    for element in read(page).elements:
        for name in ("href", "src", "srcset", "action", "poster"):
            reference = element.attributes.get(name, "/")
            assert re.match(r"/(?!/)|#", reference), element


def test_no_source_names_another_host() -> None:
    for name, text in texts().items():
        hosts = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text))
        assert hosts <= {"http://www.w3.org"}, name


def test_each_asset_that_is_named_exists_and_each_that_exists_is_named() -> None:
    named = {name for text in texts().values() for name in ASSET.findall(text)}
    assert named == {f"/assets/{file.name}" for file in (WEB / "assets").iterdir()}


def test_modules_import_each_other_by_absolute_paths_and_not_in_circles() -> None:
    imports = {
        f"/{name}": re.findall(r'from "([^"]+)"', text)
        for name, text in texts().items()
        if name.endswith(".js")
    }
    done: set[str] = set()
    while len(done) < len(imports):
        ready = {name for name, needed in imports.items() if set(needed) <= done} - done
        assert ready, f"a circle, or not absolute: {imports.keys() - done}"
        done |= ready


def test_every_module_but_the_first_is_preloaded_so_that_none_waits_for_another() -> None:
    document = read("index.html")
    preloaded = {
        link.attributes["href"]
        for link in document.all("link")
        if link.attributes["rel"] == "modulepreload"
    }
    modules = {f"/assets/{file.name}" for file in (WEB / "assets").glob("*.js")}
    assert preloaded == modules - {script.attributes["src"] for script in document.all("script")}


def test_script_never_turns_text_into_markup() -> None:
    for name, text in texts().items():
        if name.endswith(".js"):
            assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval", text)


def test_the_start_page_can_be_previewed_where_it_is_shared() -> None:
    properties = {
        element.attributes["property"]: element.attributes["content"]
        for element in read("index.html").all("meta")
        if "property" in element.attributes
    }
    assert properties.keys() >= {"og:title", "og:description", "og:image", "og:image:alt"}


def test_the_english_of_the_script_stands_in_one_file() -> None:
    for name, text in texts().items():
        if name.endswith(".js") and name != "assets/texts.js":
            code = re.sub(r"//.*|/\*\*.*?\*/", "", text)
            strings = re.findall(r'"([^"\n]*)"', code)
            assert [words for words in strings if re.search(r"[a-z] [a-z]", words)] == [], name
