"""The situations that the page has to tell apart, each with the word it must say."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from tests.web.conftest import Visitor
from tests.web.fakes import Api, empty_status

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
class Scene:
    """How to bring a situation about, and what the page then says."""

    word: str
    state: str
    prepare: Callable[[Api], object]
    at_first: bool = True
    """Whether it is so from the start; else it comes after a first good check."""


def _maintain(api: Api) -> None:
    api.set("config", maintenance=True, notice=NOTICE)


def _tell(double: Api, state: str, alarms: int, **parts: str) -> None:
    """Have the API say of itself that it is not well."""
    components = [
        {"id": name, "state": parts.get(name, "operational")}
        for name in ("api", "site", "settings")
    ]
    double.set("status", state=state, components=components, alarms=ALARMS[:alarms])


def _lose_the_line(api: Api) -> None:
    """It is the reader's line that is cut, not the API; requests fail all the same."""
    api.failed = True


SCENES = {
    "loading": Scene("Checking…", "loading", lambda api: api.hold("health")),
    "operational": Scene("Operational", "operational", lambda api: None),
    "notice": Scene("Operational", "operational", lambda api: api.set("config", notice=NOTICE)),
    "degraded": Scene("Degraded", "degraded", lambda api: api.statuses.update(version=500)),
    "troubled": Scene(
        "Degraded", "degraded", lambda api: _tell(api, "degraded", 1, site="degraded")
    ),
    "failing": Scene("Outage", "outage", lambda api: _tell(api, "outage", 2, api="outage")),
    "empty": Scene("Operational", "operational", lambda api: api.set("status", **empty_status())),
    "slow": Scene("Operational", "operational", lambda api: api.hold("status")),
    "outage": Scene("Outage", "outage", Api.drop_all),
    "outage-later": Scene("Outage", "outage", Api.drop_all, at_first=False),
    "maintenance": Scene("Maintenance", "maintenance", _maintain),
    "odd": Scene("Unknown", "unknown", lambda api: api.bodies.update(health=b"<html>")),
    "offline": Scene("Unknown", "unknown", _lose_the_line, at_first=False),
}


def check_now(page: Page) -> None:
    """Have the page ask once more, when it is done with asking."""
    settle(page)
    page.get_by_role("button", name="Check now").click()


def visit(visitor: Visitor, name: str, **options: Any) -> Page:
    """Open the page in a situation and wait until it says so."""
    scene = SCENES[name]
    if scene.at_first:
        scene.prepare(visitor.api)
    page = visitor.open(**options)
    if not scene.at_first:
        _turn(page, visitor.api, name)
    expect(page.locator("[data-state]")).to_have_attribute("data-state", scene.state)
    expect(page.locator(".word")).to_have_text(scene.word)
    if not visitor.api.held:
        settle(page)
    return page


def settle(page: Page) -> None:
    """Wait until the page has taken in a whole round of answers."""
    expect(page.get_by_role("button", name="Check now")).to_have_attribute("data-asking", "no")


def _turn(page: Page, api: Api, name: str) -> None:
    expect(page.locator(".word")).to_have_text("Operational")
    settle(page)
    SCENES[name].prepare(api)
    page.clock.fast_forward(299_000 if name == "outage-later" else 1000)
    if name == "offline":
        page.context.set_offline(offline=True)
