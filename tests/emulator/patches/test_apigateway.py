"""A function gets from an HTTP API what it gets on AWS."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from emulator.patches.apigateway import complete_event, is_http_api_event
from tests.tokens import Issuer

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


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An issuer of tokens, which serves its keys."""
    with HTTPServer() as server:
        made = Issuer(server.url_for("").rstrip("/"))
        made.serve(server)
        yield made


def guarded(account: Account, issuer: Issuer) -> str:
    """An API's address that takes tokens of the issuer for `shop`."""
    base, apis = account.api(account.echo_function), account.client("apigatewayv2")
    api = base.rpartition("/")[2]
    (target,) = (one["IntegrationId"] for one in apis.get_integrations(ApiId=api)["Items"])
    made = apis.create_authorizer(
        ApiId=api,
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Audience": ["shop"], "Issuer": issuer.url},
        Name="login",
    )
    assert bool(made.get("AuthorizerPayloadFormatVersion")) != account.patched
    apis.create_route(
        ApiId=api,
        AuthorizationType="JWT",
        AuthorizerId=made["AuthorizerId"],
        RouteKey="ANY /account/{proxy+}",
        Target=f"integrations/{target}",
    )
    return f"{base}/account/orders"


def test_a_token_of_the_issuer_opens_a_guarded_path_and_no_other_does(
    account: Account, issuer: Issuer
) -> None:
    url = guarded(account, issuer)

    def status(token: str) -> int:
        return browser.get(url, headers={"Authorization": f"Bearer {token}"}).status_code

    good = issuer.token()
    answer = browser.get(url, headers={"Authorization": f"Bearer {good}"}).json()
    assert answer["event"]["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] == "ann"
    assert browser.get(url).status_code == 401
    unsigned, stranger = good.rpartition(".")[0], Issuer(issuer.url)
    refused = [
        f"{unsigned}.",
        f"{unsigned}.AAAA",
        stranger.token(),
        issuer.token(aud="other"),
        issuer.token(iss="https://other.example"),
        issuer.token(exp=1),
    ]
    assert [status(token) for token in refused] == [401] * len(refused)


def test_without_the_patch_every_token_is_refused(unpatched: Account, issuer: Issuer) -> None:
    url = guarded(unpatched, issuer)
    token = issuer.token()
    assert browser.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 401
