import pytest

from ship.build import hashed_names


@pytest.mark.parametrize(
    "name",
    [
        *("index-D4fX2k_q.css", "react-C8do91hT.svg", "lazy--4fX2k_q.js"),  # Rollup
        *("main.3f2b1c9d8e7a.js", "main.3f2b1c9d.chunk.css.map"),  # webpack
        "layout-0f3a9c1b2d4e5f60.js",  # Next.js
        "app-7QKZ2N4B.js",  # esbuild
        *("start.C7sd82hA.js", "C7sd82hA.js"),  # SvelteKit, Nuxt
    ],
)
def test_the_names_that_bundlers_give_hold_a_hash(name: str) -> None:
    assert hashed_names.find([f"assets/{name}"]) == {f"assets/{name}"}


@pytest.mark.parametrize(
    "name",
    [
        *("report-20240101.pdf", "invoice-12345678.pdf", "release-1.2.3-beta.4.js"),
        *("photo-IMG_1234.jpg", "photo-Summer24.jpg", "summary-REPORT23.pdf", "v-SUMMER24.jpg"),
        *("logo-horizontal.svg", "my-photographs.png", "icon-ArrowUp2.svg", "icon-ArrowFat.svg"),
        *("theme-midnight.css", "theme-Midnight.css", "jquery-3.7.1.min.js", "chunk-vendors.js"),
        *("Carousel.js", "MainPage.js", "sw.js", "deadbeef.png", "C7sd82hA", "background.png"),
        *("report-Q3-Draft.pdf", "doc-v2-Final.pdf", "sales-B2B-Deck.pdf", "react-dom-Test.js"),
        *("doc-123e4567-e89b-12d3-a456-426614174000.pdf", "file.min.js", "jquery-MINIFIED.js"),
    ],
)
def test_words_numbers_and_dates_are_no_hash_even_beside_chunks(name: str) -> None:
    chunk = "assets/index-D4fX2k_q.js"

    assert hashed_names.find([f"assets/{name}", chunk]) == {chunk}


def test_a_hash_of_letters_alone_is_one_beside_certain_ones() -> None:
    likely = {"a/index-BqsSLfga.js", "a/index-DiwrgTda.css", "a/index-BqsSLfga.js.map"}
    likely |= {"a/chunk-Q7REPORT.js", "a/lazy-D4fkkZqa.js"}

    assert hashed_names.find([*likely, "b/lazy-D4fX2k_q.js"]) == {"b/lazy-D4fX2k_q.js"}
    assert hashed_names.find([*likely, "a/lazy-D4fX2k_q.js"]) == {*likely, "a/lazy-D4fX2k_q.js"}
