"""The situations that the page has to tell apart, each with the word it must say."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from tests.web.conftest import Pages
from tests.web.fakes import FakeSite, empty_status

ALARMS = [
    {
        "name": "errors",
        "description": "The API answered with a server error. See the access log.",
        "since": "2026-11-26T12:58:00Z",
    },
    {
        "name": "slowness",
        "description": "The slowest percent of requests takes too long.",
        "since": "2026-11-26T11:04:00Z",
    },
]
NOTICE = "Tonight from 22:00 to 23:00 CET the settings cannot be changed."


@dataclass(frozen=True)
class Scenario:
    """How to bring a situation about, and what the page then says."""

    word: str
    state: str
    prepare: Callable[[FakeSite], object]
    at_first: bool = True
    """Whether it is so from the start; else it comes after a first good check."""


def _start_maintenance(site: FakeSite) -> None:
    site.set("config", maintenance=True, notice=NOTICE)


def _report(site: FakeSite, /, state: str, alarms: int, **components: str) -> None:
    """Have the API report a problem of its own."""
    listed = [
        {"id": name, "state": components.get(name, "operational")}
        for name in ("api", "site", "settings")
    ]
    site.set("status", state=state, components=listed, alarms=ALARMS[:alarms])


def _go_offline(site: FakeSite) -> None:
    """It is the reader's line that is cut, not the API's; requests fail all the same."""
    site.failed = True


SCENARIOS = {
    "loading": Scenario("Checking…", "loading", lambda site: site.hold("health")),
    "operational": Scenario("Operational", "operational", lambda site: None),
    "notice": Scenario(
        "Operational", "operational", lambda site: site.set("config", notice=NOTICE)
    ),
    "degraded": Scenario("Degraded", "degraded", lambda site: site.statuses.update(version=500)),
    "reports-problem": Scenario(
        "Degraded", "degraded", lambda site: _report(site, "degraded", 1, site="degraded")
    ),
    "reports-outage": Scenario(
        "Outage", "outage", lambda site: _report(site, "outage", 2, api="outage")
    ),
    "empty": Scenario(
        "Operational", "operational", lambda site: site.set("status", **empty_status())
    ),
    "slow": Scenario("Operational", "operational", lambda site: site.hold("status")),
    "outage": Scenario("Outage", "outage", FakeSite.drop_all),
    "outage-later": Scenario("Outage", "outage", FakeSite.drop_all, at_first=False),
    "maintenance": Scenario("Maintenance", "maintenance", _start_maintenance),
    "malformed": Scenario("Unknown", "unknown", lambda site: site.bodies.update(health=b"<html>")),
    "offline": Scenario("Unknown", "unknown", _go_offline, at_first=False),
}


def open_in(pages: Pages, name: str, **options: Any) -> Page:
    """Open the page in a scenario and wait until it says so."""
    scenario = SCENARIOS[name]
    if scenario.at_first:
        scenario.prepare(pages.site)
    page = pages.open(**options)
    if not scenario.at_first:
        expect(page.locator(".word")).to_have_text("Operational")
        wait_for_answers(page)
        scenario.prepare(pages.site)
        page.clock.fast_forward(299_000 if name == "outage-later" else 1000)
        page.context.set_offline(offline=name == "offline")
    expect(page.locator("[data-state]")).to_have_attribute("data-state", scenario.state)
    expect(page.locator(".word")).to_have_text(scenario.word)
    if not pages.site.held:
        wait_for_answers(page)
    return page


def check_now(page: Page) -> None:
    """Have the page ask once more, when it is done with asking."""
    wait_for_answers(page)
    page.get_by_role("button", name="Check now").click()


def wait_for_answers(page: Page) -> None:
    """Wait until the page has taken in a whole round of answers."""
    expect(page.get_by_role("button", name="Check now")).to_have_attribute("data-asking", "no")
