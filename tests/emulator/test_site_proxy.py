"""On each site port is one environment's site, and nothing of AWS."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from emulator import Emulator

from .account import Account, browser, unique


@pytest.fixture(scope="module")
def dev(emulator: Emulator, account: Account) -> Iterator[httpx.Client]:
    """A browser at the site of dev."""
    account.site("dev", account.echo)
    with httpx.Client(base_url=emulator.site_url("dev")) as client:
        yield client


def test_the_site_port_serves_a_site_that_only_answers_https(dev: httpx.Client) -> None:
    answer = dev.get("/")
    assert answer.status_code == 200
    assert answer.text == "<h1>Hello</h1>"
    assert answer.headers["via"].endswith("(CloudFront)")


def test_the_api_behind_the_site_sees_a_viewer_that_uses_https(dev: httpx.Client) -> None:
    answer = dev.post(
        "/api/x?a=1&a=2",
        content=b"body",
        headers={"x-forwarded-proto": "http", "cookie": "a=1", "content-type": "text/plain"},
    )
    event = answer.json()["event"]
    assert event["headers"]["x-forwarded-proto"] == "https"
    assert event["cookies"] == ["a=1"]
    assert event["body"] == "body"
    assert event["rawQueryString"] == "a=1&a=2"
    assert event["rawPath"] == "/api/x"


def test_a_header_that_comes_twice_arrives_joined(dev: httpx.Client) -> None:
    answer = dev.get("/api/x", headers=[("x-one", "1"), ("x-one", "2")])
    assert answer.json()["event"]["headers"]["x-one"] == "1, 2"


def test_the_emulators_own_paths_do_not_exist_on_a_site_port(dev: httpx.Client) -> None:
    for path in ("_ministack/health", "_emulator/health", "health", "_localstack/health"):
        answer = dev.get(f"/{path}")
        assert answer.status_code == 403
        assert "<Code>AccessDenied</Code>" in answer.text


def test_aws_does_not_answer_on_a_site_port(emulator: Emulator, account: Account) -> None:
    behind = Account(emulator.site_url("dev"), account.credentials)
    assert "ListRolesResult" in account.query("iam", "ListRoles")
    assert "ListRolesResult" not in behind.query("iam", "ListRoles")


def test_an_environment_without_a_site_says_what_is_missing(emulator: Emulator) -> None:
    answer = browser.get(emulator.site_url("staging"))
    assert answer.status_code == 503
    assert 'no distribution has the comment "<project> staging"' in answer.text


def test_a_port_without_an_environment_says_so(emulator: Emulator) -> None:
    answer = browser.get(f"http://127.0.0.1:{emulator._port + 16}/")
    assert answer.status_code == 404
    assert "This port belongs to no environment" in answer.text


def test_the_comment_names_project_and_environment(emulator: Emulator, account: Account) -> None:
    account.distribution("production", unique("none"), "http://127.0.0.1:1/x")
    account.distribution("not the production", unique("none"), "http://127.0.0.1:1/x")
    assert browser.get(emulator.site_url("production")).status_code == 503


def test_a_preview_gets_a_port_while_the_emulator_runs(
    emulator: Emulator, account: Account, dev: httpx.Client
) -> None:
    account.site("pr-12", account.echo, page=b"preview")
    assert browser.get(emulator.site_url("pr-12")).text == "preview"
    url = emulator.site_url("pr-12")
    emulator.release_site_port("pr-12")
    assert browser.get(url).status_code == 404


def test_what_would_change_the_account_without_credentials_is_closed(account: Account) -> None:
    account.client("ssm").put_parameter(Name="/kept", Value="1", Type="String")
    for request in (
        "POST /_ministack/reset",
        "POST /_ministack/config",
        "GET /_ministack/ses/messages",
        "POST /_ministack/health",
        "PUT /_ministack/lambda-code/any",
        "POST /_localstack/state/reset",
    ):
        method, _, path = request.partition(" ")
        answer = browser.request(method, account.endpoint + path)
        assert (answer.status_code, "is closed" in answer.text) == (403, True)
    assert account.client("ssm").get_parameter(Name="/kept")


def test_health_is_open(account: Account) -> None:
    for path in ("/_ministack/health", "/_ministack/ready", "/_emulator/health"):
        assert browser.get(account.endpoint + path).status_code == 200


def test_a_browser_may_leave_in_the_middle(emulator: Emulator, dev: httpx.Client) -> None:
    with socket.create_connection(("127.0.0.1", emulator._port + 1)) as leaving:
        leaving.sendall(b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    assert dev.get("/").status_code == 200


def test_a_web_socket_is_refused_on_a_site_port(emulator: Emulator) -> None:
    key = {"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version": "13"}
    upgrade = {"connection": "Upgrade", "upgrade": "websocket", **key}
    answer = browser.get(emulator.site_url("dev"), headers=upgrade)
    assert answer.status_code == 403
