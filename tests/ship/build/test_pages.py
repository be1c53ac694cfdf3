from __future__ import annotations

import re

import pytest

from ship.build.manifest import digest
from ship.build.pages import content_type, integrity, publishable
from ship.errors import ShipError

PAGE = b'<meta name="release" content="development"><link href="/assets/site.css">'
STYLE = b"a { background: url(/assets/dot.svg) }"


def site(**more: bytes) -> dict[str, bytes]:
    files = {"index.html": PAGE, "assets/site.css": STYLE, "assets/dot.svg": b"<svg/>"}
    return files | {name.replace("__", "/").replace("_", "."): data for name, data in more.items()}


def test_assets_are_named_by_their_content() -> None:
    published = publishable(site(), "r1")

    for name, data in published.items():
        if name.startswith("assets/"):
            assert digest(data)[:16] in name


def test_references_are_rewritten_in_pages_and_in_assets() -> None:
    published = publishable(site(), "r1")

    named = set(re.findall(r"/(assets/[\w.]+)", b"".join(published.values()).decode()))
    assert named == {name for name in published if name.startswith("assets/")}


def test_a_change_deep_down_renames_all_that_name_it() -> None:
    before = publishable(site(), "r1")
    after = publishable(site(assets__dot_svg=b"<svg></svg>"), "r1")

    assert not {n for n in before if n.startswith("assets/")} & set(after)
    assert before["index.html"] != after["index.html"]


def test_each_page_carries_its_release() -> None:
    page = publishable(site(), "20261123-1-1a2b3c4")["index.html"].decode()

    assert '<meta name="release" content="20261123-1-1a2b3c4">' in page


@pytest.mark.parametrize("page", [b"<title>x</title>", PAGE + PAGE])
def test_a_page_that_does_not_carry_it_once_is_refused(page: bytes) -> None:
    with pytest.raises(ShipError, match="release once"):
        publishable(site(index_html=page), "r1")


def test_an_asset_that_is_not_there_is_named() -> None:
    with pytest.raises(ShipError, match=r"index.html names /assets/gone.js"):
        publishable(site(index_html=PAGE + b"/assets/gone.js"), "r1")


def test_a_name_that_begins_like_another_is_told_apart() -> None:
    page = PAGE + b'<script src="/assets/site.css.map.js"></script>'
    published = publishable(site(index_html=page, assets__site_css_map_js=b"1"), "r1")

    assert re.search(rb"/assets/site\.css\.map\.[0-9a-f]{16}\.js", published["index.html"])


def test_assets_that_name_each_other_are_refused() -> None:
    loop = {"assets__a_js": b'import "/assets/b.js"', "assets__b_js": b'import "/assets/a.js"'}

    with pytest.raises(ShipError, match=r"assets/a\.js → assets/b\.js → assets/a\.js"):
        publishable(site(**loop), "r1")


MODULES = {
    "index_html": PAGE
    + b'<link rel="modulepreload" href="/assets/a.js" fetchpriority="low">'
    + b'<script type="module" src="/assets/app.js"></script>',
    "assets__app_js": b'import "/assets/a.js";',
    "assets__a_js": b"export default 1;",
}


def test_pages_say_what_each_style_sheet_and_script_holds() -> None:
    published = publishable(site(**MODULES), "r1")

    page = published["index.html"].decode()
    said = dict(re.findall(r'(?:href|src)="/(assets/[\w.]+)" integrity="([^"]+)"', page))
    assert said == {
        name: integrity(data) for name, data in published.items() if name.endswith((".css", ".js"))
    }


def test_integrity_is_what_the_standard_has() -> None:
    # https://www.w3.org/TR/SRI/#integrity-metadata-description
    said = "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO"
    assert integrity(b"alert('Hello, sandbox.');") == said


def test_a_module_that_no_page_would_check_is_refused() -> None:
    page = MODULES["index_html"].replace(b"modulepreload", b"x").replace(b"/assets/a.js", b"/")

    with pytest.raises(ShipError, match=r"index.html does not preload assets/a.js"):
        publishable(site(**MODULES | {"index_html": page}), "r1")


def test_a_file_that_is_neither_page_nor_asset_is_refused() -> None:
    with pytest.raises(ShipError, match="neither a page nor an asset"):
        publishable(site(robots_txt=b"x"), "r1")


def test_an_unknown_ending_is_refused() -> None:
    with pytest.raises(ShipError, match="content type"):
        publishable(site(assets__x_exe=b"x"), "r1")


def test_a_page_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(ShipError, match="not UTF-8"):
        publishable(site(index_html=b"\xff"), "r1")


def test_binary_assets_stay_as_they_are() -> None:
    published = publishable(site(assets__a_png=b"\x89PNG/assets/site.css"), "r1")

    assert b"\x89PNG/assets/site.css" in published.values()


def test_modules_are_served_as_javascript() -> None:
    assert content_type("assets/app.js") == "text/javascript; charset=utf-8"
