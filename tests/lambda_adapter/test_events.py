from __future__ import annotations

import base64
from typing import Any

import pytest

from lambda_adapter import events
from lambda_adapter.errors import RefusalError
from lambda_adapter.events import MAX_BODY, Rules, parse
from tests.fixtures.events import emulated, function_url, http_api, load_balancer, rest_api

EVERY_SERVICE = [http_api, emulated, function_url, rest_api, load_balancer]


def refusal(event: object) -> RefusalError:
    with pytest.raises(RefusalError) as caught:
        parse(event)
    return caught.value


@pytest.mark.parametrize("make", EVERY_SERVICE)
def test_method_path_and_scheme_are_read_from_every_service(make: Any) -> None:
    request = parse(make("/api/version", "POST"))

    assert (request.method, request.path, request.mount) == (
        "POST",
        "/api/version",
        "/prod" if make is rest_api else "",
    )
    assert request.scheme == "https"
    assert request.body == b""
    assert request.query == ""


def test_the_source_is_named() -> None:
    assert [parse(make()).source for make in EVERY_SERVICE] == [
        "http-api",
        "http-api",
        "http-api",
        "rest-api",
        "load-balancer",
    ]


@pytest.mark.parametrize(
    ("event", "client"),
    [
        (http_api(), "130.176.1.70"),
        (emulated(), "127.0.0.1"),
        (function_url(), "198.51.100.7"),
        (rest_api(), "203.0.113.9"),
        (load_balancer(headers={"x-forwarded-for": "6.6.6.6, 203.0.113.9"}), "203.0.113.9"),
        (load_balancer(headers={"x-forwarded-for": "evil"}), ""),
        (load_balancer(headers={}), ""),
        (rest_api(requestContext={"identity": None}), ""),
        (rest_api(requestContext={"identity": "203.0.113.9"}), ""),
        (http_api(requestContext={"http": {"method": "GET", "sourceIp": "1.1.1.1\n"}}), ""),
        (http_api(requestContext={"http": {"method": "GET", "sourceIp": 5}}), ""),
    ],
)
def test_the_clients_address_comes_from_the_service_alone(event: Any, client: str) -> None:
    spoofed = {"X-Forwarded-For": "6.6.6.6", "X-Real-Ip": "6.6.6.6", "Forwarded": "for=6.6.6.6"}
    headers = event["headers"]
    if "x-forwarded-for" not in headers and "elb" not in event["requestContext"]:
        event["headers"] = headers | spoofed

    assert parse(event).client == client


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("/caf%C3%A9", "/café"),
        ("/café", "/café"),
        ("/a%252Eb", "/a%2Eb"),
        ("/a+b", "/a+b"),
        ("/a?b", "/a?b"),
        ("/a%3Fb", "/a?b"),
        ("/100%", "/100%"),
        ("/%FF", "/\ufffd"),
        ("/a//b", "/a//b"),
        ("/😀", "/😀"),
    ],
)
@pytest.mark.parametrize("make", EVERY_SERVICE)
def test_a_path_is_decoded_once(make: Any, raw: str, decoded: str) -> None:
    assert parse(make(raw)).path == decoded


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "does not start with a slash"),
        ("api", "does not start with a slash"),
        ("*", "does not start with a slash"),
        ("https://evil.example/", "does not start with a slash"),
        ("//evil.example/x", "two slashes"),
        ("/%2Fevil.example/x", "two slashes"),
        ("/\\evil.example", "two slashes"),
        ("/%5Cevil.example", "two slashes"),
        ("/a\x00b", "control character"),
        ("/a%00b", "control character"),
        ("/a%0D%0ALocation:x", "control character"),
        ("/a\r\nb", "control character"),
        ("/\ud800", "lone surrogate"),
    ],
)
@pytest.mark.parametrize("make", EVERY_SERVICE)
def test_a_path_that_could_be_something_else_is_refused(make: Any, path: str, words: str) -> None:
    refused = refusal(make(path))

    assert refused.status == 400
    assert words in refused.detail
    assert path == "" or path not in refused.detail


@pytest.mark.parametrize(
    ("path", "stage", "expected"),
    [
        ("/prod/api/health", "prod", ("/api/health", "/prod")),
        ("/prod", "prod", ("/", "/prod")),
        ("/prod/", "prod", ("/", "/prod")),
        ("/production/x", "prod", ("/production/x", "")),
        ("/api/health", "prod", ("/api/health", "")),
        ("/$default/x", "$default", ("/$default/x", "")),
        ("/a.c/x", "a.c", ("/a.c/x", "")),
        ("/x", None, ("/x", "")),
        ("/x", ["x"], ("/x", "")),
    ],
)
def test_a_named_stage_is_cut_off_the_path(
    path: str, stage: object, expected: tuple[str, str]
) -> None:
    event = http_api(path)
    event["requestContext"]["stage"] = stage

    request = parse(event)

    assert (request.path, request.mount) == expected


def test_a_stage_cannot_hide_two_slashes() -> None:
    event = http_api("/prod//evil.example")
    event["requestContext"]["stage"] = "prod"

    assert "two slashes" in refusal(event).detail


def test_behind_a_custom_domain_a_rest_api_has_no_stage_in_its_address() -> None:
    event = rest_api("/v1/api/health")
    event["requestContext"]["path"] = "/v1/api/health"

    assert parse(event, Rules(base_path="/v1"))[2:4] == ("/api/health", "/v1")
    assert parse(rest_api("/v1/x"), Rules(base_path="/v1"))[2:4] == ("/x", "/prod/v1")


@pytest.mark.parametrize("make", EVERY_SERVICE)
def test_a_base_path_is_cut_off_once_and_only_as_whole_segments(make: Any) -> None:
    rules = Rules(base_path="/v1")
    stage = "/prod" if make is rest_api else ""

    assert parse(make("/v1/v1/x"), rules)[2:4] == ("/v1/x", stage + "/v1")
    assert parse(make("/v1"), rules)[2:4] == ("/", stage + "/v1")
    assert parse(make("/v12/x"), rules)[2:4] == ("/v12/x", stage)


@pytest.mark.parametrize(
    ("event", "query"),
    [
        (http_api(rawQueryString="a=1&a=2&b=%C3%A9+x"), "a=1&a=2&b=%C3%A9+x"),
        (http_api(rawQueryString=None), ""),
        (rest_api(multiValueQueryStringParameters={"a": ["1", "2"], "b": ["é x"]}),
         "a=1&a=2&b=%C3%A9+x"),
        (rest_api(queryStringParameters={"a": "1&2", "b": None}), "a=1%262&b="),
        (load_balancer(queryStringParameters={"a": "1%262", "b": "x+y"}), "a=1%262&b=x+y"),
        (load_balancer(multiValueQueryStringParameters={"a": ["1", "%C3%A9"]}), "a=1&a=%C3%A9"),
        (load_balancer(queryStringParameters=None), ""),
    ],
)  # fmt: skip
def test_the_query_is_kept_with_every_value(event: Any, query: str) -> None:
    assert parse(event).query == query


@pytest.mark.parametrize(
    "event",
    [
        http_api(rawQueryString="a=\r\nb"),
        http_api(rawQueryString="\udc80"),
        http_api(rawQueryString=["a"]),
        rest_api(queryStringParameters=["a"]),
        rest_api(queryStringParameters={"a": {}}),
        rest_api(multiValueQueryStringParameters={"a": [["b"]]}),
        rest_api(queryStringParameters={"a\x00": "b"}),
        load_balancer(queryStringParameters={"a": "\x7f"}),
    ],
)
def test_a_query_that_is_none_is_refused(event: Any) -> None:
    assert refusal(event).status == 400


def test_cookies_of_payload_2_become_one_header() -> None:
    request = parse(http_api(cookies=["a=1", "b=é"]))

    assert request.headers["cookie"] == "a=1; b=\u00c3\u00a9"


@pytest.mark.parametrize("cookies", [None, []])
def test_no_cookies_are_no_header(cookies: object) -> None:
    assert "cookie" not in parse(http_api(cookies=cookies)).headers


def test_the_emulators_cookie_header_is_kept() -> None:
    assert parse(emulated(headers={"cookie": "a=1; b=2"})).headers["cookie"] == "a=1; b=2"


def test_repeated_headers_are_joined_each_in_its_way() -> None:
    request = parse(
        rest_api(
            multiValueHeaders={"Cookie": ["a=1", "b=2"], "Accept": ["x", "y"], "ACCEPT": ["z"]}
        )
    )

    assert request.headers == {"cookie": "a=1; b=2", "accept": "x, y, z"}


def test_headers_are_lower_case_trimmed_and_tunnelled_as_latin_1() -> None:
    request = parse(http_api(headers={"X-Name": " 日本 ", "X-Tab": "a\tb"}))

    assert request.headers["x-name"].encode("latin-1").decode() == "日本"
    assert request.headers["x-tab"] == "a\tb"


def test_headers_that_only_a_proxy_may_set_do_not_reach_the_application() -> None:
    spoofed = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Proto": "http",
        "Forwarded": "for=6.6.6.6",
        "X-Real-IP": "6.6.6.6",
        "Proxy": "http://evil.example",
        "Host": "evil.example",
        "Transfer-Encoding": "chunked",
        "Content-Length": "999",
        "X_Forwarded_Host": "evil.example",
        "accept": "*/*",
    }

    assert parse(http_api(headers=spoofed)).headers == {"accept": "*/*"}


@pytest.mark.parametrize(
    "headers",
    [
        {"x-a": "1\r\nSet-Cookie: evil=1"},
        {"x-a": "1\x00"},
        {"x-a\r\nx-b": "1"},
        {"x a": "1"},
        {"": "1"},
        {"é": "1"},
        {"x-a": "\ud800"},
        {"x-a": 5},
        {"x-a": ["1", {}]},
        ["x-a"],
        "x-a: 1",
        7,
    ],
)
@pytest.mark.parametrize("make", EVERY_SERVICE)
def test_headers_that_are_none_are_refused(make: Any, headers: object) -> None:
    event = make(headers=headers)
    event.pop("multiValueHeaders", None)

    assert refusal(event).status == 400


@pytest.mark.parametrize("headers", [None, {}, {"x-a": None}])
@pytest.mark.parametrize("make", EVERY_SERVICE)
def test_headers_may_be_missing(make: Any, headers: object) -> None:
    event = make(headers=headers)
    event.pop("multiValueHeaders", None)

    assert set(parse(event).headers) <= {"x-a"}


@pytest.mark.parametrize("cookies", ["a=1", {"a": "1"}, [1], ["a=1\r\nx"], ["\ud800"]])
def test_cookies_that_are_none_are_refused(cookies: object) -> None:
    assert refusal(http_api(cookies=cookies)).status == 400


@pytest.mark.parametrize("make", EVERY_SERVICE)
def test_bodies_come_as_text_or_as_base64(make: Any) -> None:
    encoded = base64.b64encode(b"\x00\xff").decode()

    assert parse(make(body="é")).body == "é".encode()
    assert parse(make(body=encoded, isBase64Encoded=True)).body == b"\x00\xff"
    assert parse(make(body=None, isBase64Encoded=True)).body == b""
    assert parse(make(body=encoded, isBase64Encoded="true")).body == encoded.encode()


@pytest.mark.parametrize(
    ("body", "flag"),
    [
        ("%%%", True),
        ("abc", True),
        ("YWJj\n", True),
        ("é", True),
        ("\ud800", False),
        ({"a": 1}, False),
        ([1], True),
        (5, True),
    ],
)
@pytest.mark.parametrize("make", EVERY_SERVICE)
def test_a_body_that_is_none_is_refused(make: Any, body: object, flag: bool) -> None:
    assert refusal(make(body=body, isBase64Encoded=flag)).status == 400


@pytest.mark.parametrize("make", EVERY_SERVICE)
def test_a_body_may_be_as_large_as_the_limit_and_no_larger(make: Any) -> None:
    most = b"x" * MAX_BODY
    more = base64.b64encode(most + b"x").decode()

    assert parse(make(body=base64.b64encode(most).decode(), isBase64Encoded=True)).body == most
    assert refusal(make(body=more, isBase64Encoded=True)).status == 413
    assert refusal(make(body="x" * (MAX_BODY + 1))).status == 413
    assert refusal(make(body="é" * (MAX_BODY // 2 + 1))).status == 413
    assert refusal(make(body="x" * (MAX_BODY * 2))).status == 413


def test_a_body_far_too_large_is_not_even_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_decoded", lambda _: pytest.fail("decoded"))

    assert refusal(http_api(body="A" * (MAX_BODY * 2), isBase64Encoded=True)).status == 413


@pytest.mark.parametrize(
    ("headers", "host"),
    [
        ({"host": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"}, "a1b2c3d4e5.execute-api"),
        ({"host": "evil.example"}, "a1b2c3d4e5.execute-api"),
        ({"host": "www.example.org"}, "www.example.org"),
        ({"host": "WWW.example.org:8443"}, "WWW.example.org:8443"),
        ({"host": "d111111abcdef8.cloudfront.net"}, "d111111abcdef8.cloudfront.net"),
        ({"host": "evil-www.example.org"}, "a1b2c3d4e5.execute-api"),
        ({"host": "cloudfront.net"}, "a1b2c3d4e5.execute-api"),
        ({"host": "evil-cloudfront.net"}, "a1b2c3d4e5.execute-api"),
        ({"host": "www.example.org@evil.example"}, "a1b2c3d4e5.execute-api"),
        ({"host": "www.example.org/x"}, "a1b2c3d4e5.execute-api"),
        ({"host": "www.example.org:443@evil.example"}, "a1b2c3d4e5.execute-api"),
        ({"x-forwarded-host": "www.example.org"}, "www.example.org"),
        ({"x-forwarded-host": "evil.example", "host": "www.example.org"}, "www.example.org"),
        ({}, "a1b2c3d4e5.execute-api"),
    ],
)
@pytest.mark.parametrize("make", [http_api, rest_api])
def test_a_host_counts_only_when_it_is_known_to_be_ours(
    make: Any, headers: dict[str, str], host: str
) -> None:
    rules = Rules(trusted_hosts=("www.example.org", ".cloudfront.net"))
    event = make(headers=headers)
    event.pop("multiValueHeaders", None)

    assert parse(event, rules).host.startswith(host)


@pytest.mark.parametrize("domain", [None, 5, "", "evil.example/x", "a\r\nb"])
def test_without_a_known_host_the_name_is_nobodys(domain: object) -> None:
    event = http_api()
    event["requestContext"]["domainName"] = domain

    assert parse(event).host == "localhost"
    assert parse(load_balancer()).host == "localhost"
    assert parse(load_balancer(), Rules(trusted_hosts=("flask.example.org",))).host == (
        "flask.example.org"
    )


@pytest.mark.parametrize(
    ("given", "scheme"), [("http", "http"), ("https", "https"), ("ftp", "https"), ("", "https")]
)
def test_the_scheme_is_https_unless_the_service_says_http(given: str, scheme: str) -> None:
    assert parse(load_balancer(headers={"x-forwarded-proto": given})).scheme == scheme


@pytest.mark.parametrize("method", ["", None, 5, "GET /", "G\nET", "\ud800", "A" * 21])
def test_a_method_that_is_none_is_refused(method: object) -> None:
    assert refusal(http_api(method=method)).status == 400  # type: ignore[arg-type]


def test_a_method_in_small_letters_is_understood() -> None:
    assert parse(http_api(method="get")).method == "GET"


@pytest.mark.parametrize(
    "event",
    [
        None,
        True,
        0,
        "",
        "text",
        [],
        [{}],
        {},
        {"requestContext": None},
        {"requestContext": {}},
        {"requestContext": {"http": None}},
        {"requestContext": {"http": []}, "httpMethod": None},
    ],
)
def test_what_is_no_http_event_is_refused_with_what_would_be(event: object) -> None:
    refused = refusal(event)

    assert (refused.status, refused.title) == (400, "Not an HTTP request")
    assert "send one of those" in refused.detail
