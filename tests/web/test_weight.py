"""What the first look at the page costs; `tests.benchmarks.page` measures how long it takes."""

import gzip
from pathlib import PurePath

from playwright.sync_api import Page, Route, expect

from tests.web.conftest import Visitor
from tests.web.fakes import published
from tests.web.scenarios import visit

# Of the 40 kB that the page may ever weigh; a tenth more than it weighs.
BUDGET = 24_000
PARTS = {"api", "app", "charts", "favicon", "history", "places", "site", "state", "texts", "view"}
PATIENCE = 500  # pauses of 10 ms


def loaded(page: Page) -> set[str]:
    names = page.evaluate(
        "performance.getEntriesByType('resource').map(entry => new URL(entry.name).pathname)"
    )
    return set(names)


def test_the_first_load_keeps_to_its_budget(visitor: Visitor) -> None:
    page = visit(visitor, "operational", ticking=True)
    expect(page.locator('[data-time="told"]').first).to_contain_text("Measured")
    files = published()
    names = {name for name in loaded(page) if name.startswith("/assets/")}
    bodies = [files["index.html"], *(files[name[1:]] for name in names)]
    assert {PurePath(name).name.split(".")[0] for name in names} == PARTS
    assert sum(len(gzip.compress(body)) for body in bodies) <= BUDGET


def test_the_state_line_is_three_round_trips_away(visitor: Visitor) -> None:
    """Each later one would cost a slow phone its whole latency once more.

    All that the page fetches is held: nobody is answered before everybody has asked.
    """
    held: dict[str, Route] = {}

    def hold(route: Route) -> None:
        held[PurePath(route.request.url).name.split(".")[0]] = route

    def answer_when_all_have_asked(names: set[str]) -> None:
        while not names <= held.keys():
            page.wait_for_timeout(10)
            assert len(pauses) < PATIENCE, f"{sorted(names - held.keys())} ask later"
            pauses.append(None)
        for name in names:
            held.pop(name).continue_()

    pauses: list[None] = []
    page = visitor.open("/404.html", ticking=True)
    for pattern in ("**/assets/*", "**/api/*"):
        page.route(pattern, hold)
    page.goto(visitor.site, wait_until="commit")
    answer_when_all_have_asked(PARTS - {"favicon"})
    expect(page.locator(".word")).to_have_text("Checking…")
    answer_when_all_have_asked({"health", "version", "config"})
    expect(page.locator(".word")).to_have_text("Operational")
