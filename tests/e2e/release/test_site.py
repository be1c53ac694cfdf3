"""The pages and the application, as visitors get them from CloudFront."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.sandbox import ENVIRONMENTS, Sandbox, poll

# https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/Practical_implementation_guides
PAGES = {
    "content-security-policy": "base-uri 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=()",
    "referrer-policy": "strict-origin-when-cross-origin",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
# Of an application that says nothing.
APPLICATION = {
    "content-security-policy": "base-uri 'self'; object-src 'self'",
    "referrer-policy": "strict-origin-when-cross-origin",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    found = browser.new_page()
    yield found
    found.close()


def site(sandbox: Sandbox, environment: str = "dev") -> str:
    return str(sandbox.addresses(environment)["site_url"])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_browser_shows_the_page_with_what_the_application_answers(
    sandbox: Sandbox, page: Page, environment: str
) -> None:
    complaints = list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(site(sandbox, environment))

    expect(page.locator("#items li").first).to_be_visible()
    assert complaints == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", PAGES),
        ("/no-such-page", PAGES),
        ("/api/hello", APPLICATION),
        ("/api/no-such", APPLICATION),
        ("/-/version", APPLICATION),
    ],
)
def test_every_answer_has_the_security_headers(
    sandbox: Sandbox, path: str, expected: dict[str, str]
) -> None:
    headers = httpx.get(f"{site(sandbox)}{path}", trust_env=False).headers

    for name, value in expected.items():
        assert headers[name].startswith(value), name
    # CloudFront names itself where a function has run.
    assert headers.get("server", "CloudFront") == "CloudFront"


def test_plain_http_is_redirected(sandbox: Sandbox) -> None:
    context = sandbox.context
    number = context.store("dev", context.clients("dev")).stack().distribution_id
    found = sandbox.client("cloudfront", "dev").get_distribution(Id=number)["Distribution"]

    host = {"Host": found["DomainName"]}
    answer = httpx.get(f"{sandbox.endpoint}/", headers=host, trust_env=False)

    assert answer.status_code in (301, 308)
    assert answer.headers["location"].startswith("https://")


def test_unknown_pages_are_the_sites_and_unknown_api_paths_the_applications(
    sandbox: Sandbox,
) -> None:
    missing = httpx.get(f"{site(sandbox)}/no-such-page", trust_env=False)
    assert (missing.status_code, missing.text.count("<h1>Not found</h1>")) == (404, 1)
    folder = httpx.get(f"{site(sandbox)}/docs?a=1", trust_env=False)
    assert (folder.status_code, folder.headers["location"]) == (301, "/docs/?a=1")

    other = httpx.get(f"{site(sandbox)}/api/no-such", trust_env=False)
    assert other.status_code == 404
    assert "Corner shop" not in other.text


def test_errors_that_only_users_meet_end_a_promotion(sandbox: Sandbox) -> None:
    """The canary's own requests succeed. The log tells first, or the application's own alarm."""
    application = sandbox.root / "backend/wsgi.py"
    whole = application.read_text()
    application.write_text(
        f'{whole}\n\n@app.get("/api/broken")\ndef broken():\n    return str(1 / 0)\n'
    )
    sandbox.commit("Break what nobody tests")
    sandbox.ship("deploy", "dev")
    application.write_text(whole)
    sandbox.commit("Fix it")
    url = f"{sandbox.addresses('staging')['api_url']}/api/broken"

    process = sandbox.start("promote", "dev", "staging")
    with httpx.Client(timeout=20, trust_env=False) as client:
        answers = set[int]()
        while process.poll() is None:
            answers.add(client.get(url).status_code)
    _, said = process.communicate()

    assert process.returncode == 3, said
    alarm = f"alarms fired.*{sandbox.function('staging')}-application-errors"
    assert re.search(f"is worse than the live one: .* failed|{alarm}", said), said
    assert answers == {404, 500}


# It stays open for the rest, and leaves dev rolled back: the last of this file.
def test_an_open_page_survives_deploys_and_a_rollback(sandbox: Sandbox, page: Page) -> None:
    page.goto(site(sandbox))
    style = sandbox.root / "web/assets/site.css"
    before = style.read_text()

    for number in range(3):
        style.write_text(f"{before}/* {number} */\n")
        sandbox.ship("deploy", "dev")
    began = datetime.now(UTC).replace(microsecond=0)
    sandbox.ship("rollback", "dev", "--reason", "the page before was better")
    style.write_text(before)

    with httpx.Client(base_url=site(sandbox), trust_env=False) as client:
        shown = client.get("/")
        assert parsedate_to_datetime(shown.headers["last-modified"]) >= began
        for name in page.locator("[href^='/assets/'], [src^='/assets/']").all():
            path = name.get_attribute("href") or name.get_attribute("src")
            assert client.get(str(path)).status_code == 200, path
        check_every_asset_of_the_last_five_releases(sandbox, client)


def check_every_asset_of_the_last_five_releases(sandbox: Sandbox, client: httpx.Client) -> None:
    context = sandbox.context
    store = context.store("dev", context.clients("dev"))
    releases = store.read_state()[0].order[-5:]
    assert len(releases) == 5
    styles = set()
    for release in releases:
        assets = store.manifest(release).assets
        styles |= {name for name in assets if name.endswith(".css")}
        for name in assets:
            answer = client.get(f"/{name}")
            assert answer.status_code == 200, name
            assert "immutable" in answer.headers["cache-control"]
    assert len(styles) >= 4


def test_a_changed_page_reaches_who_asks_again(sandbox: Sandbox) -> None:
    url = f"{site(sandbox)}/"
    etag = httpx.get(url, trust_env=False).headers["etag"]
    assert httpx.get(url, headers={"If-None-Match": etag}, trust_env=False).status_code == 304

    sandbox.edit("a page that changes")
    sandbox.ship("deploy", "dev")

    poll(
        lambda: httpx.get(url, headers={"If-None-Match": etag}, trust_env=False).status_code == 200
    )
