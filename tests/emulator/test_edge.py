"""Behind each door is one environment's site, and nothing of AWS."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from .account import Account, unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator import Emulator


@pytest.fixture(scope="module")
def dev(emulator: Emulator, account: Account) -> Iterator[httpx.Client]:
    """A browser at the door of dev, whose site is up."""
    account.site("dev", account.api(account.function()))
    with httpx.Client(base_url=emulator.site_url("dev")) as client:
        yield client


def test_the_door_shows_the_site_that_only_answers_https(dev: httpx.Client) -> None:
    answer = dev.get("/")
    assert answer.status_code == 200
    assert answer.text == "<h1>Hello</h1>"
    assert answer.headers["via"].endswith("(CloudFront)")


def test_the_api_behind_the_door_sees_a_viewer_that_came_by_https(dev: httpx.Client) -> None:
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


@pytest.mark.parametrize(
    "path",
    ["/_ministack/health", "/_ship/health", "/health", "/_localstack/health", "/oauth2/token"],
)
def test_the_emulators_own_paths_do_not_exist_behind_a_door(dev: httpx.Client, path: str) -> None:
    answer = dev.get(path)
    assert answer.status_code == 403
    assert "<Code>AccessDenied</Code>" in answer.text


def test_aws_is_not_to_be_had_behind_a_door(emulator: Emulator, account: Account) -> None:
    behind = Account(emulator.site_url("dev"), account.credentials)
    assert "ListRolesResult" in account.query("iam", "ListRoles")
    assert "ListRolesResult" not in behind.query("iam", "ListRoles")


def test_an_environment_that_is_not_up_says_what_to_do(emulator: Emulator) -> None:
    answer = httpx.get(emulator.site_url("staging"))
    assert answer.status_code == 503
    assert "staging is not up yet. Run `ship up`" in answer.text


def test_a_door_that_no_preview_has_says_so(emulator: Emulator) -> None:
    answer = httpx.get(f"http://127.0.0.1:{emulator._port + 16}/")
    assert answer.status_code == 404
    assert "No environment has this door" in answer.text


def test_the_comment_must_name_project_and_environment(
    emulator: Emulator, account: Account
) -> None:
    account._distribution("production", unique("none"), "http://127.0.0.1:1/x")
    account._distribution("not the production", unique("none"), "http://127.0.0.1:1/x")
    assert httpx.get(emulator.site_url("production")).status_code == 503


def test_a_preview_that_comes_while_it_runs_has_its_door(
    emulator: Emulator, account: Account, dev: httpx.Client
) -> None:
    account.site("pr-12", account.api(account.function()), page=b"preview")
    assert httpx.get(emulator.site_url("pr-12")).text == "preview"
    door = emulator.site_url("pr-12")
    emulator.release_door("pr-12")
    assert httpx.get(door).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_ministack/ses/messages"),
        ("POST", "/_ministack/health"),
        ("PUT", "/_ministack/lambda-code/any"),
        ("POST", "/_localstack/state/reset"),
    ],
)
def test_what_would_change_the_account_without_credentials_is_closed(
    emulator: Emulator, account: Account, method: str, path: str
) -> None:
    account.client("ssm").put_parameter(Name="/kept", Value="1", Type="String", Overwrite=True)
    answer = httpx.request(method, account.endpoint + path)
    assert answer.status_code == 403
    assert "closed" in answer.text
    assert account.client("ssm").get_parameter(Name="/kept")


@pytest.mark.parametrize("path", ["/_ministack/health", "/_ministack/ready", "/_ship/health"])
def test_health_is_open(account: Account, path: str) -> None:
    assert httpx.get(account.endpoint + path).status_code == 200


def test_a_browser_that_leaves_in_the_middle_does_no_harm(
    emulator: Emulator, dev: httpx.Client
) -> None:
    with socket.create_connection(("127.0.0.1", emulator._port + 1)) as leaving:
        leaving.sendall(b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    assert dev.get("/").status_code == 200


def test_a_web_socket_finds_no_door(emulator: Emulator) -> None:
    upgrade = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
    }
    answer = httpx.get(emulator.site_url("dev"), headers=upgrade)
    assert answer.status_code == 403
