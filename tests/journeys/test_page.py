"""The page, as a browser gets it from CloudFront."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.world import ENVIRONMENTS, ROOT, World

pytestmark = pytest.mark.journey


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    found = browser.new_page()
    yield found
    found.close()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_page_shows_environment_and_release(world: World, page: Page, environment: str) -> None:
    status, said = world.status(environment), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))

    page.goto(status["site_url"])

    expect(page.locator("body")).to_contain_text(status["release"])
    expect(page.locator("body")).to_contain_text(environment)
    expect(page.locator("body")).to_contain_text("operational", ignore_case=True)
    page.screenshot(path=ROOT / f"test-results/journeys/{environment}.png", full_page=True)
    assert said == []


def test_an_unknown_page_says_so_and_an_unknown_api_path_is_the_apis(
    world: World, page: Page
) -> None:
    site = world.status("dev")["site_url"]

    missing = page.goto(f"{site}/no-such-page")
    assert missing is not None
    assert missing.status == 404
    expect(page.locator("h1")).to_be_visible()

    problem = page.request.get(f"{site}/api/no-such")
    assert problem.status == 404
    assert problem.headers["content-type"] == "application/problem+json"


def test_an_open_page_shows_a_new_notice_without_a_deploy(world: World, page: Page) -> None:
    """Settings change in Parameter Store; the function reads them again within a minute."""
    world.begin_to_destroy("staging")
    world.client("ssm", "dev").put_parameter(
        Name="/serverless-flask/dev/public/notice", Value="Back at noon", Overwrite=True
    )
    page.goto(world.status("dev")["site_url"])

    expect(page.locator("body")).to_contain_text("Back at noon", timeout=75_000)
