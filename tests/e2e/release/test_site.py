"""The pages and the application, as visitors get them from CloudFront."""

import json
import re
import subprocess
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
LONGER = "shift = [50]\nbake_seconds = 30"
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
    done, answers = _promote(sandbox, "return str(1 / 0)")

    assert done.returncode == 3, done.stderr
    alarm = f"alarms fired.*{sandbox.function('staging')}-application-errors"
    assert re.search(rf"is worse than \d+: .* failed|{alarm}", done.stderr), done.stderr
    assert answers == {404, 500}


@pytest.mark.nightly
def test_a_release_that_is_slow_for_users_is_reverted_and_a_quick_one_is_not(
    sandbox: Sandbox,
) -> None:
    before = sandbox.status("staging")
    slow, _ = _promote(sandbox, "import time; time.sleep(0.5); return 'late'")
    shown = json.loads(sandbox.ship("request", "staging", "/-/version"))["release"]
    after = sandbox.status("staging")
    quick, answers = _promote(sandbox, "return 'soon'")

    assert slow.returncode == 3, slow.stderr
    assert "warm requests took more than" in slow.stderr
    assert after["release"] == before["release"] != shown
    assert "took more than" in after["bad"][shown]
    assert quick.returncode == 0, quick.stderr
    assert re.search(r"real requests: [1-9]\d* to version \d+ \(0 failed\)", quick.stderr)
    assert answers == {404, 200}


def _promote(sandbox: Sandbox, view: str) -> tuple[subprocess.CompletedProcess[str], set[int]]:
    """Promote a release with one more view to staging while users ask for that."""
    application, project = sandbox.root / "backend/wsgi.py", sandbox.root / "pyproject.toml"
    whole, settings = application.read_text(), project.read_text()
    application.write_text(f'{whole}\n\n@app.get("/api/new")\ndef new():\n    {view}\n')
    project.write_text(settings.replace("shift = [50]\nbake_seconds = 1", LONGER))
    sandbox.commit("Add what nobody tests")
    sandbox.ship("deploy", "dev")
    url = f"{sandbox.addresses('staging')['api_url']}/api/new"
    answers = set[int]()
    process = sandbox.start("promote", "dev", "staging")
    with httpx.Client(timeout=20, trust_env=False) as client:
        while process.poll() is None:
            answers.add(client.get(url).status_code)
    out, err = process.communicate()
    application.write_text(whole)
    project.write_text(settings)
    sandbox.commit("Take it out")
    return subprocess.CompletedProcess((), process.returncode, out, err), answers


# It stays open for the rest, and leaves dev rolled back: the last of this file.
def test_an_open_page_survives_deploys_and_a_rollback(sandbox: Sandbox, page: Page) -> None:
    # Nothing needs staging any more, and CloudFront takes its time: `test_destroy` waits for it.
    sandbox.begin_to_destroy("staging")
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
