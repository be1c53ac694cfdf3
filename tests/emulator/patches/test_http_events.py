"""A function gets from an HTTP API what it gets on AWS."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from emulator.patches.http_events import as_sent, comes_from_api

from ..account import Account

EVENT: dict[str, Any] = {
    "version": "2.0",
    "headers": {"host": "h", "connection": "keep-alive", "cookie": "a=1; b=2"},
    "requestContext": {
        "domainName": "x.execute-api.localhost",
        "http": {"sourceIp": "127.0.0.1"},
    },
}


def test_cookies_are_a_list_and_the_way_here_is_told(account: Account) -> None:
    event = _event(account)
    assert event["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in event["headers"]
    assert event["headers"]["x-forwarded-proto"] == "https"
    assert event["headers"]["x-forwarded-for"] == "192.0.2.1, 127.0.0.1"
    assert event["headers"]["x-amzn-trace-id"].startswith("Root=1-")


def test_without_the_mend_there_is_no_list_and_no_way_told(unmended: Account) -> None:
    event = _event(unmended)
    assert "cookies" not in event
    assert event["headers"]["cookie"] == "a=1; b=2"
    assert "x-forwarded-proto" not in event["headers"]


def _event(account: Account) -> dict[str, Any]:
    url = f"{account.api(account.function())}/api/x"
    headers = {"cookie": "a=1; b=2", "x-forwarded-for": "192.0.2.1"}
    event: dict[str, Any] = httpx.get(url, headers=headers).json()["event"]
    return event


def test_an_event_without_cookies_has_no_list() -> None:
    sent = as_sent({**EVENT, "headers": {"host": "h"}})
    assert "cookies" not in sent
    assert sent["headers"]["x-forwarded-for"] == "127.0.0.1"


def test_the_event_that_came_in_stays_as_it_was() -> None:
    as_sent(EVENT)
    assert EVENT["headers"]["cookie"] == "a=1; b=2"


def test_headers_of_the_connection_stay_behind() -> None:
    assert "connection" not in as_sent(EVENT)["headers"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (EVENT, True),
        ({**EVENT, "version": "1.0"}, False),
        ({**EVENT, "requestContext": {"domainName": "x.lambda-url.r.on.aws"}}, False),
        ({**EVENT, "requestContext": None}, False),
        (["a", "list"], False),
        (None, False),
    ],
)
def test_only_events_of_an_http_api_are_changed(event: object, expected: bool) -> None:
    assert comes_from_api(event) is expected
