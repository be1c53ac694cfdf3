"""An environment whose API answers nobody but CloudFront, on the emulator."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from ship.environments import bootstrap
from tests.e2e.sandbox import ACCOUNT, Sandbox

pytestmark = pytest.mark.nightly

PATHS = ("/api/hello", "/-/version", "/-/health", "/none")
WEB_ACL = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/shop/473e64fd"
CLOSED = 'api = "behind-cloudfront"\nthrottling = {rate = 40, burst = 80}\n'
TABLE = "[tool.ship.environments.staging]\n"
FUNCTION = """
resource "aws_cloudfront_function" "language" {
  name    = "${local.name}-language"
  runtime = "cloudfront-js-2.0"
  code    = "function handler(event) { return event.request; }"
}
"""
SECURITY_GROUP = """
resource "aws_security_group" "function" {
  name   = "${local.name}-function"
  vpc_id = "vpc-12345678"
}
"""


@pytest.fixture(scope="module")
def project(sandbox: Sandbox) -> Iterator[str]:
    """The project file as it was."""
    path = sandbox.root / "pyproject.toml"
    before = path.read_text()
    yield before
    path.write_text(before)
    bootstrap.apply(Sandbox(sandbox.root, sandbox.port).context)


def put(sandbox: Sandbox, project: str, settings: str) -> None:
    (sandbox.root / "pyproject.toml").write_text(project.replace(TABLE, f"{TABLE}{settings}"))


def at_site(sandbox: Sandbox) -> list[int]:
    return _ask(sandbox, "site_url", {})


def at_api(sandbox: Sandbox, secret: str = "") -> list[int]:
    """What the API's own address answers, also to who knows or guesses a secret."""
    return _ask(sandbox, "api_url", {"X-Origin-Verify": secret} if secret else {})


def _ask(sandbox: Sandbox, endpoint: str, headers: dict[str, str]) -> list[int]:
    base = sandbox.addresses("staging")[endpoint]
    with httpx.Client(trust_env=False, timeout=20, headers=headers) as client:
        return [client.get(f"{base}{path}").status_code for path in PATHS]


def secrets(sandbox: Sandbox) -> list[str]:
    """What CloudFront sends the API."""
    stack = sandbox.context.store("staging", sandbox.context.clients("staging")).stack()
    found = sandbox.client("cloudfront", "staging").get_distribution(Id=stack.distribution_id)
    origins = found["Distribution"]["DistributionConfig"]["Origins"]["Items"]
    (header,) = (
        one for origin in origins for one in origin.get("CustomHeaders", {}).get("Items", [])
    )
    return str(header["HeaderValue"]).split(",")


def release(sandbox: Sandbox, note: str) -> None:
    sandbox.edit(note)
    sandbox.commit(note)
    sandbox.ship("deploy", "staging")


def test_a_web_acl_takes_the_right_to_read_it(sandbox: Sandbox, project: str) -> None:
    put(sandbox, project, f'{CLOSED}flat_rate = true\nwaf = "{WEB_ACL}"\n')

    # What is missing is wafv2:GetWebACL.
    assert "UpdateDistribution, https response error StatusCode: 403" in sandbox.refused(
        "apply", "staging"
    )

    bootstrap.apply(Sandbox(sandbox.root, sandbox.port).context)
    sandbox.ship("apply", "staging")
    assert not sandbox.json("plan", "staging")["changes"]


def test_a_stranger_gets_no_answer_at_the_apis_own_address(sandbox: Sandbox, project: str) -> None:
    # Closing it is part of the next release.
    assert at_api(sandbox) == [200, 200, 200, 404]

    release(sandbox, "Close the API")

    assert at_api(sandbox) == at_api(sandbox, "guessed") == [403] * 4
    assert at_site(sandbox) == [200, 200, 200, 404]
    assert sandbox.status("staging")["api_behind_cloudfront"]
    sandbox.ship("smoke", "staging")
    sandbox.ship("drift", "staging")


def test_secrets_change_without_a_refused_visitor(sandbox: Sandbox, project: str) -> None:
    first, older = secrets(sandbox)
    assert at_api(sandbox, first) == at_api(sandbox, older) == at_site(sandbox)
    for number in (2, 3):
        put(sandbox, project, f"{CLOSED}origin_secret = {number}\n")
        sandbox.ship("apply", "staging")
        assert at_site(sandbox) == [200, 200, 200, 404]
        if number == 2:
            put(sandbox, project, f"{CLOSED}origin_secret = 3\n")
            assert "does not know the newest" in sandbox.refused("apply", "staging")
        release(sandbox, f"Secret {number}")
        assert at_site(sandbox) == [200, 200, 200, 404]

    third, second = secrets(sandbox)
    assert len({first, second, third}) == 3
    assert at_api(sandbox, third) == at_api(sandbox, second) == at_site(sandbox)
    # Two steps later the value that may have leaked opens nothing.
    assert at_api(sandbox, first) == at_api(sandbox, older) == [403] * 4
    put(sandbox, project, f"{CLOSED}origin_secret = 5\n")
    assert "from 3 to 5" in sandbox.refused("apply", "staging")


def test_a_rollback_goes_back_over_one_change_of_the_secret(sandbox: Sandbox, project: str) -> None:
    put(sandbox, project, f"{CLOSED}origin_secret = 3\n")

    sandbox.ship("rollback", "staging", "--reason", "a test")

    assert at_site(sandbox) == [200, 200, 200, 404]
    assert at_api(sandbox) == [403] * 4


def test_an_api_is_opened_again(sandbox: Sandbox, project: str) -> None:
    put(sandbox, project, "origin_secret = 3\n")
    sandbox.ship("unfreeze", "staging", "--reason", "a test")
    sandbox.ship("apply", "staging")

    release(sandbox, "Open the API")

    assert at_api(sandbox) == at_site(sandbox)


def test_a_function_of_the_owners_may_be_made_at_the_edge_and_no_security_group(
    sandbox: Sandbox, project: str
) -> None:
    app = sandbox.root / "infrastructure/stack/app.tf"
    before = app.read_text()

    app.write_text(before + FUNCTION)
    sandbox.ship("apply", "staging")
    assert not sandbox.json("plan", "staging")["changes"]
    app.write_text(before + FUNCTION.replace("event.request", "event.request /* changed */"))
    sandbox.ship("apply", "staging")
    app.write_text(before)
    sandbox.ship("apply", "staging")

    app.write_text(before + SECURITY_GROUP)
    assert "name the service in `uses`" in sandbox.refused("apply", "staging")
    app.write_text(before)
    assert not sandbox.json("plan", "staging")["changes"]
