import json
import re

import pytest

from ship.build.content_types import content_type
from ship.build.pages import integrity, publishable
from ship.errors import ShipError
from ship.site_config import SiteSettings
from tests.fixtures import sites

PAGE = b'<link rel="stylesheet" href="/assets/site.css">'
STYLE = b"a { background: url(/assets/dot.svg) }"
FILES = {"index.html": PAGE, "assets/site.css": STYLE, "assets/dot.svg": b"<svg/>"}


def publish(files: dict[str, bytes]) -> tuple[dict[str, str], dict[str, bytes]]:
    """The published name of each source, and what is published."""
    published = {key: file.data for key, file in publishable(files, "r1").items()}
    names = {re.sub(r"\.[0-9a-f]{16}(?=\.)", "", name): name for name in published}
    assert names.keys() == files.keys() | {"-/site.json"}
    return names, published


def test_assets_get_a_hash_into_their_names_and_other_files_do_not() -> None:
    names, published = publish(FILES)

    for source, name in names.items():
        assert (source == name) != name.startswith("assets/")
    assert names["assets/site.css"].encode() in published["index.html"]
    assert names["assets/dot.svg"].encode() in published[names["assets/site.css"]]


def test_a_change_far_away_renames_everything_that_leads_to_it() -> None:
    before, _ = publish(FILES)
    after, published = publish(FILES | {"assets/dot.svg": b"<svg></svg>"})

    assert not set(before.values()) & {name for name in after.values() if "assets/" in name}
    assert after["assets/site.css"].encode() in published["index.html"]


def test_the_same_sources_have_the_same_names() -> None:
    assert publish(FILES) == publish(dict(reversed(FILES.items())))


def test_the_site_says_which_release_it_is() -> None:
    assert json.loads(publishable(FILES, "20261123-1-1a2b3c4")["-/site.json"].data) == {
        "release": "20261123-1-1a2b3c4"
    }


@pytest.mark.parametrize(
    ("source", "text", "before"),
    [
        ("blog/index.html", "<img src='../assets/dot.svg'>", "<img src='../assets/"),
        ("index.html", '<img src="assets/dot.svg">', '<img src="assets/'),
        ("index.html", "<img src=./assets/dot.svg>", "<img src=./assets/"),
        ("assets/a.css", "a { background: url(dot.svg) }", "a { background: url("),
        ("assets/a.css", 'a { background: url("./dot.svg#x") }', 'a { background: url("./'),
        ("assets/js/a.js", 'import "../dot.svg";', 'import "../'),
        ("assets/a.js", 'const chunks = ["assets/dot.svg"];', 'const chunks = ["assets/'),
        (
            "index.html",
            '<base href="/assets/"><img src="dot.svg">',
            '<base href="/assets/"><img src="',
        ),
        ("assets/about.html", "<img src=dot.svg>", "<img src="),
        ("assets/a.js", "//# sourceMappingURL=dot.svg", "//# sourceMappingURL="),
        ("site.webmanifest", '{"src": "assets/dot.svg"}', '{"src": "assets/'),
    ],
)
def test_a_path_to_an_asset_is_followed(source: str, text: str, before: str) -> None:
    names, published = publish({**FILES, source: text.encode()})

    hashed = names["assets/dot.svg"].removeprefix("assets/")
    assert published[names[source]].decode().startswith(before + hashed)


@pytest.mark.parametrize(
    "text",
    [
        "<p>dot.svg</p>",
        '<script src="https://cdn.example.org/assets/library.js"></script>',
        '<a href="other/assets/dot.svg">x</a>',
        '<img src="https://example.org/assets/dot.svg">',
        "<img src=//example.org/assets/dot.svg>",
        '<a href="./dot.svg">x</a>',
        '<!-- <img src="/assets/dot.svg"> -->',
    ],
)
def test_what_only_looks_like_an_asset_stays(text: str) -> None:
    _, published = publish({**FILES, "index.html": text.encode()})

    assert published["index.html"].decode() == text


def test_a_name_that_begins_like_another_is_another() -> None:
    page = PAGE + b'<script src="/assets/site.css.map.js"></script>'
    names, published = publish({**FILES, "index.html": page, "assets/site.css.map.js": b"1"})

    assert f'src="/{names["assets/site.css.map.js"]}"'.encode() in published["index.html"]


def test_assets_may_name_each_other_as_the_chunks_of_a_bundler_do() -> None:
    files = {"assets/a.js": b'import "./b.js"', "assets/b.js": b'import "./a.js"'}
    names, published = publish(files)
    changed, _ = publish({**files, "assets/a.js": b'import "./b.js";'})

    assert names["assets/b.js"].removeprefix("assets/") in published[names["assets/a.js"]].decode()
    assert names["assets/a.js"].removeprefix("assets/") in published[names["assets/b.js"]].decode()
    assert not set(names.values()) & set(changed.values()) - {"-/site.json"}


def test_pages_say_what_each_style_sheet_and_script_holds() -> None:
    page = PAGE + b'<script type="module" src="/assets/app.js" async></script>'
    names, published = publish({**FILES, "index.html": page, "assets/app.js": b"1;"})

    found = dict(re.findall(r'(?:href|src)="/(assets/[\w.]+)" integrity="([^"]+)"', str(published)))
    assert found == {
        names[source]: integrity(published[names[source]])
        for source in ("assets/site.css", "assets/app.js")
    }


def test_an_integrity_of_the_owners_stays() -> None:
    page = b'<script integrity="sha384-x" src="/assets/app.js"></script>'
    _, published = publish({"index.html": page, "assets/app.js": b"1;"})

    assert published["index.html"].count(b"integrity") == 1


def test_integrity_is_what_the_standard_has() -> None:
    # https://www.w3.org/TR/SRI/#integrity-metadata-description
    expected = "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO"
    assert integrity(b"alert('Hello, world.');") == expected


def test_binary_files_stay_as_they_are() -> None:
    files = {**FILES, "assets/a.png": b"\x89PNG/assets/site.css", "icon.ico": b"\xff\x00"}
    names, published = publish(files)

    assert published[names["assets/a.png"]] == files["assets/a.png"]
    assert published["icon.ico"] == files["icon.ico"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"about.html": b"\xff"}, r"web/about\.html is not UTF-8"),
        ({"-/site.json": b"{}"}, "where the platform's own files go"),
        (
            {"assets/a.png": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"},
            r"web/assets/a\.png is a Git LFS pointer",
        ),
        (
            {"about.html": b'<img src="a.png">', "a.css": b"@import 'b.css'"},
            r"web/about\.html refers to a\.png, but there is no web/a\.png; web/a\.css refers to b",
        ),
    ],
)
def test_what_cannot_be_published_is_refused(files: dict[str, bytes], said: str) -> None:
    with pytest.raises(ShipError, match=said):
        publishable(FILES | files, "r1")


def test_the_application_and_the_platform_answer_paths_of_their_own() -> None:
    page = b'<script src="/api/config.js"></script><script src="/-/x.js"></script>'

    assert publishable({"index.html": page}, "r1", application_paths=("/api/*",))
    with pytest.raises(ShipError, match=r"refers to /api/config\.js"):
        publishable({"index.html": page}, "r1")


def test_an_owner_may_publish_what_refers_to_nothing() -> None:
    page = {"index.html": b'<img src="gone.png">'}

    assert publishable(page, "r1", SiteSettings(check_references=False))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("my photo.png", ["my photo.png", "my%20photo.png"]),
        ("größe.png", ["größe.png", "gr%C3%B6%C3%9Fe.png"]),
        ("logo@2x.png", ["logo@2x.png"]),
        ("photo (1).PNG", ["photo (1).PNG", "photo%20(1).PNG"]),
        ("a&b.png", ["a&amp;b.png"]),
    ],
)
def test_names_of_any_kind_are_followed_as_they_are_written(name: str, written: list[str]) -> None:
    ending = name[-4:]
    texts = [
        form.replace("NAME", one)
        for one in written
        for form in ('<img src="/assets/NAME">', "<img src='assets/NAME?v=1#x'>")
    ]
    files = {f"{number}.html": text.encode() for number, text in enumerate(texts)}
    names, published = publish({**files, f"assets/{name}": b"1"})

    hashed = names[f"assets/{name}"].removesuffix(ending).removeprefix(f"assets/{name[:-4]}")
    for number, (text, one) in enumerate(
        zip(texts, [w for w in written for _ in "12"], strict=True)
    ):
        expected = text.replace(one, f"{one.removesuffix(ending)}{hashed}{ending}")
        assert published[f"{number}.html"].decode() == expected


def test_a_set_of_pictures_and_a_style_sheet_name_files_with_blanks() -> None:
    files = {
        "index.html": b'<img src=/assets/b.png srcset="assets/my%20photo.png 2x, assets/b.png 1x">',
        "assets/a.css": b"a{background:url(my%20photo.png)}b{background:url('my photo.png')}",
        "assets/my photo.png": b"1",
        "assets/b.png": b"2",
    }
    names, published = publish(files)

    photo, other = (names[f"assets/{name}"] for name in ("my photo.png", "b.png"))
    quoted = photo.replace(" ", "%20")
    assert published["index.html"].decode() == (
        f'<img src=/{other} srcset="{quoted} 2x, {other} 1x">'
    )
    style, prefix = published[names["assets/a.css"]].decode(), len("assets/")
    assert style == (
        f"a{{background:url({quoted[prefix:]})}}b{{background:url('{photo[prefix:]}')}}"
    )


def test_what_a_bundler_has_made_is_published_as_it_is() -> None:
    files = sites.read("bundled")
    published = publishable(files, "r1", SiteSettings("web/dist", "index.html", hash=False))

    assert {key: file.data for key, file in published.items() if key != "-/site.json"} == files
    assert {key for key, file in published.items() if file.immutable} == {
        key for key in files if key.startswith("assets/")
    }


def test_only_what_the_build_has_named_itself_is_immutable() -> None:
    files = {**sites.read("plain"), "robots.txt": b"", "main-D4fX2k_q.js": b""}
    published = publishable(files, "r1")

    assert {key for key, file in published.items() if not file.immutable} == {
        *("-/site.json", "404.html", "docs/index.html", "index.html"),
        *("main-D4fX2k_q.js", "robots.txt"),
    }


def test_an_owner_may_say_what_else_never_changes_under_its_name() -> None:
    files = {"a/fonts/x.woff": b"", "a/index.html": b"", "b.js": b"", "assets/a.css": b""}
    published = publishable(files, "r1", SiteSettings("dist", hash=False, immutable=("a/*",)))

    assert [key for key, file in published.items() if file.immutable] == ["a/fonts/x.woff"]
    hashed = publishable(files, "r1", SiteSettings(immutable=("a/*",)))
    assert sum(file.immutable for file in hashed.values()) == 2


def test_integrity_follows_relative_references_and_only_those_of_hashed_files() -> None:
    page = b'<script data-src="x" src=assets/a.js></script><script src="/b.js"></script>'
    names, published = publish({"index.html": page, "assets/a.js": b"1", "b.js": b"2"})

    hashed = names["assets/a.js"]
    assert published["index.html"].decode() == (
        f'<script data-src="x" src={hashed} integrity="{integrity(b"1")}"></script>'
        '<script src="/b.js"></script>'
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (SiteSettings("web/dist"), "no file in web/dist/, which"),
        (SiteSettings(fallback="index.html"), r"web/index\.html, the fallback"),
    ],
)
def test_what_the_settings_name_is_there(settings: SiteSettings, said: str) -> None:
    with pytest.raises(ShipError, match=said):
        publishable({}, "r1", settings)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("assets/app.js", "text/javascript; charset=utf-8"),
        ("index.html", "text/html; charset=utf-8"),
        ("-/site.json", "application/json"),
        ("assets/font.woff2", "font/woff2"),
        ("site.webmanifest", "application/manifest+json"),
        ("image.avif", "image/avif"),
        ("PHOTO.JPG", "image/jpeg"),
        ("assets/app.js.map", "application/json"),
        ("module.wasm", "application/wasm"),
        ("data.json.gz", "application/gzip"),
        ("film.mp4", "video/mp4"),
        (".well-known/apple-app-site-association", "application/json"),
        ("CNAME", "application/octet-stream"),
        ("assets/x.unheard-of", "application/octet-stream"),
    ],
)
def test_a_file_is_served_with_the_type_of_its_ending(key: str, expected: str) -> None:
    assert content_type(key) == expected


def test_an_owner_may_say_what_type_a_file_has() -> None:
    types = {".xyz": "chemical/x-xyz", ".well-known/any": "application/json"}
    files = {"a.XYZ": b"", ".well-known/any": b"", "a.js": b""}
    published = publishable(files, "r1", SiteSettings(content_types=types))

    assert [published[key].content_type for key in files] == [
        *("chemical/x-xyz", "application/json", "text/javascript; charset=utf-8"),
    ]


def test_files_of_the_application_keep_their_names_and_only_a_bundlers_are_immutable() -> None:
    settings = SiteSettings(folders={"/static/": "backend/shop/static", "/assets/x/": "x"})
    files = {
        **FILES,
        "about.html": b'<img src="/static/dot.svg"><script src="/assets/x/a.js">',
        "static/site.css": b"a { background: url(dot.svg) }",
        "static/dot.svg": b"<svg/>",
        "static/index-D4fX2k_q.js": b"",
        "assets/x/a.js": b"",
    }
    published = publishable(files, "r1", settings, ("/*",))

    mounted = {key for key in files if settings.is_mounted(key)}
    assert {key: published[key].data for key in mounted} == {key: files[key] for key in mounted}
    assert {key for key in mounted if published[key].immutable} == {"static/index-D4fX2k_q.js"}


def test_a_file_that_the_application_lacks_is_named_with_its_own_folder() -> None:
    settings = SiteSettings(folders={"/static/": "backend/shop/static"})
    page = {"static/site.css": b"@import 'gone.css'"}

    with pytest.raises(ShipError, match=r"no backend/shop/static/gone\.css"):
        publishable(page, "r1", settings, ("/*",))
