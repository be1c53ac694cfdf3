"""What the first look at the page costs; `tests.web.benchmark` measures how long it takes."""

import gzip

from playwright.sync_api import Route, expect

from tests.web.conftest import Pages
from tests.web.fakes import WEB, published, source_of
from tests.web.scenarios import open_in

# Of the 40 kB that the page may ever weigh; a tenth more than it weighs.
BUDGET = 24_000
MODULES = {file.stem for file in (WEB / "assets").glob("*.js")}
PATIENCE = 500  # pauses of 10 ms


def test_the_first_load_keeps_to_its_budget(pages: Pages) -> None:
    page = open_in(pages, "operational", ticking=True)
    expect(page.locator('[data-time="measured"]').first).to_contain_text("Measured")
    loaded = page.evaluate(
        "performance.getEntriesByType('resource').map(entry => new URL(entry.name).pathname)"
    )
    names = {name[1:] for name in loaded if name.startswith("/assets/")}
    assert {source_of(name) for name in names} == MODULES | {"favicon", "site"}
    files = published()
    bodies = [files[name] for name in names | {"index.html"}]
    assert sum(len(gzip.compress(body)) for body in bodies) <= BUDGET


def test_the_overall_status_is_three_round_trips_away(pages: Pages) -> None:
    """Each later one would cost a slow phone its whole latency once more.

    All that the page fetches is held: nothing is answered before everything is asked for.
    """
    held: dict[str, Route] = {}
    pauses: list[None] = []

    def answer_when_all_have_asked(names: set[str]) -> None:
        while not names <= held.keys():
            page.wait_for_timeout(10)
            assert len(pauses) < PATIENCE, f"{sorted(names - held.keys())} ask later"
            pauses.append(None)
        for name in names:
            held.pop(name).continue_()

    page = pages.open("/404.html", ticking=True)
    for pattern in ("**/assets/*", "**/api/*", "**/-/*"):
        page.route(pattern, lambda route: held.update({source_of(route.request.url): route}))
    page.goto(pages.url, wait_until="commit")
    answer_when_all_have_asked(MODULES | {"site"})
    expect(page.locator(".word")).to_have_text("Checking…")
    answer_when_all_have_asked({"health", "version", "config"})
    expect(page.locator(".word")).to_have_text("Operational")
