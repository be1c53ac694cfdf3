"""A function gets from an HTTP API what it gets on AWS."""

from typing import Any

import pytest

from emulator.patches.apigateway import complete_event, is_http_api_event

from ..account import REGION, Account, browser, unique

EVENT: dict[str, Any] = {
    "version": "2.0",
    "headers": {"host": "h", "connection": "keep-alive", "cookie": "a=1; b=2"},
    "requestContext": {
        "domainName": "x.execute-api.localhost",
        "http": {"sourceIp": "127.0.0.1"},
    },
}


def test_cookies_are_a_list_and_forwarded_headers_are_there(either: Account) -> None:
    url = f"{either.echo}/api/x"
    sent = {"cookie": "a=1; b=2", "x-forwarded-for": "192.0.2.1"}
    event = browser.get(url, headers=sent).json()["event"]
    headers = event["headers"]
    if either.patched:
        assert event["cookies"] == ["a=1", "b=2"]
        assert "cookie" not in headers
        assert headers["x-forwarded-proto"] == "https"
        assert headers["x-forwarded-for"] == "192.0.2.1, 127.0.0.1"
        assert headers["x-amzn-trace-id"].startswith("Root=1-")
    else:
        assert "cookies" not in event
        assert headers["cookie"] == "a=1; b=2"
        assert "x-forwarded-proto" not in headers


def test_a_preflight_reaches_the_function_where_the_api_has_no_cors(either: Account) -> None:
    api, function = either.api(either.echo_function), "/api/x"
    asked = {"origin": "https://shop.example", "access-control-request-method": "PUT"}
    answer = browser.options(api + function, headers=asked)
    assert answer.status_code == (200 if either.patched else 403)
    if either.patched:
        assert answer.json()["event"]["requestContext"]["http"]["method"] == "OPTIONS"
        assert browser.options(f"{api}/elsewhere", headers=asked).status_code == 404
        either.client("apigatewayv2").update_api(
            ApiId=api.rpartition("/")[2],
            CorsConfiguration={"AllowOrigins": [asked["origin"]], "AllowMethods": ["PUT"]},
        )
        answer = browser.options(api + function, headers=asked)
        assert (answer.status_code, answer.headers["access-control-allow-methods"]) == (204, "PUT")


def test_an_event_without_cookies_has_no_list() -> None:
    completed = complete_event({**EVENT, "headers": {"host": "h"}})
    assert "cookies" not in completed
    assert completed["headers"]["x-forwarded-for"] == "127.0.0.1"


def test_headers_of_the_connection_are_left_out_and_the_given_event_stays_as_it_is() -> None:
    assert "connection" not in complete_event(EVENT)["headers"]
    assert EVENT["headers"]["cookie"] == "a=1; b=2"


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
    assert is_http_api_event(event) is expected


def test_an_api_and_its_stage_show_the_tags_they_have_now(either: Account) -> None:
    apis = either.client("apigatewayv2")
    name = {"Name": unique("api"), "ProtocolType": "HTTP"}
    api = apis.create_api(**name, Tags={"stage": "dev", "team": "shop"})["ApiId"]
    apis.create_stage(ApiId=api, StageName="$default", Tags={"team": "shop"})
    arn = f"arn:aws:apigateway:{REGION}::/apis/{api}"
    for tagged in (arn, f"{arn}/stages/$default"):
        apis.tag_resource(ResourceArn=tagged, Tags={"cost": "1"})
        apis.untag_resource(ResourceArn=tagged, TagKeys=["team"])

    now = {"cost": "1"} if either.patched else {"team": "shop"}
    assert apis.get_api(ApiId=api)["Tags"] == {"stage": "dev", **now}
    assert apis.get_stage(ApiId=api, StageName="$default")["Tags"] == now
