import base64
from typing import Any

import pytest

from lambda_adapter.config import CloudFront
from lambda_adapter.errors import RequestError
from lambda_adapter.events import parse
from tests.fixtures.events import emulated, http_api

BOTH = [http_api, emulated]
CLOUDFRONT = CloudFront("https", "d123.cloudfront.net", "4f1d-secret")
API = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"
EDGE = "130.176.1.70"  # In `http_api()`.


def refusal(event: object) -> RequestError:
    with pytest.raises(RequestError) as caught:
        parse(event)
    return caught.value


@pytest.mark.parametrize("make", BOTH)
def test_method_path_and_stage_are_read(make: Any) -> None:
    request = parse(make("/api/version", "POST"))

    assert (request.method, request.path, request.script_name) == ("POST", "/api/version", "")
    assert (request.body, request.query) == (b"", "")


@pytest.mark.parametrize(
    ("event", "client"),
    [
        (http_api(), "130.176.1.70"),
        (emulated(), "127.0.0.1"),
        (http_api(requestContext={"http": {"method": "GET", "sourceIp": "1.1.1.1\n"}}), ""),
        (http_api(requestContext={"http": {"method": "GET", "sourceIp": 5}}), ""),
        (http_api(requestContext={"http": {"method": "GET"}}), ""),
    ],
)
def test_the_client_s_address_comes_from_the_service_alone(event: Any, client: str) -> None:
    spoofed = {"X-Forwarded-For": "6.6.6.6", "X-Real-Ip": "6.6.6.6", "Forwarded": "for=6.6.6.6"}

    assert parse(event | {"headers": spoofed}).client == client


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (f"203.0.113.9, {EDGE}", "203.0.113.9"),
        (f"2001:db8::1,{EDGE}", "2001:db8::1"),
        (f"6.6.6.6, 203.0.113.9, {EDGE}", "203.0.113.9"),
        (f"6.6.6.6, {EDGE}, 203.0.113.9, {EDGE}", "203.0.113.9"),
        (f"evil, , 203.0.113.9 , {EDGE}", "203.0.113.9"),
        # API Gateway's part is nowhere documented, so it may be missing.
        ("203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        # What cannot be is the edge location's.
        (f"evil, {EDGE}", EDGE),
        (EDGE, EDGE),
        ("", EDGE),
        (None, EDGE),
    ],
)
def test_behind_cloudfront_the_client_is_its_viewer(forwarded: str | None, client: str) -> None:
    headers = {"x-origin-verify": "4f1d-secret", "x-forwarded-for": forwarded}

    request = parse(http_api(headers=headers), CLOUDFRONT)

    assert (request.client, request.scheme, request.host) == (
        client,
        "https",
        "d123.cloudfront.net",
    )
    assert request.headers == {}


@pytest.mark.parametrize(
    "spoofed",
    [
        {},
        {"x-origin-verify": ""},
        {"x-origin-verify": "4f1d-secre"},
        {"x-origin-verify": "4f1d,secret"},
        {"x-origin-verify": ","},
        {"x-origin-verify": "é"},
        {"x-origin-verify": None},
        {"via": "1.1 x.cloudfront.net (CloudFront)", "x-amz-cf-id": "x"},
    ],
)
def test_who_asks_the_api_itself_cannot_pretend_to_be_cloudfront(spoofed: dict[str, Any]) -> None:
    lies = {
        "x-forwarded-for": f"6.6.6.6, {EDGE}",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "http",
        "cloudfront-viewer-address": "6.6.6.6:443",
        "host": "evil.example",
    }

    request = parse(http_api(headers=lies | spoofed), CLOUDFRONT)

    assert (request.client, request.scheme, request.host) == (EDGE, "https", API)
    assert "x-origin-verify" not in request.headers


def test_without_a_distribution_nobody_is_taken_for_it() -> None:
    headers = {"x-origin-verify": "", "x-forwarded-for": f"6.6.6.6, {EDGE}"}

    assert parse(http_api(headers=headers), None).client == EDGE


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/café", "/café"),
        ("/caf%C3%A9", "/caf%C3%A9"),
        ("/a%41", "/a%41"),
        ("/a%2541", "/a%41"),
        ("/https%253A%252F%252Fx", "/https%3A%2F%2Fx"),
        ("/a+b", "/a+b"),
        ("/a?b", "/a?b"),
        ("/100%", "/100%"),
        ("/100%25", "/100%"),
        ("/a//b", "/a//b"),
        ("/😀", "/😀"),
        ("", "/"),
    ],
)
@pytest.mark.parametrize("make", BOTH)
def test_a_path_is_not_decoded_again_but_for_the_percent_sign(
    make: Any, raw: str, path: str
) -> None:
    assert parse(make(raw)).path == path


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (None, "no path"),
        ("api", "does not start with a slash"),
        ("*", "does not start with a slash"),
        ("https://evil.example/", "does not start with a slash"),
        ("//evil.example/x", "two slashes"),
        ("/\\evil.example", "two slashes"),
        ("/a\x00b", "control character"),
        ("/a\r\nb", "control character"),
        ("/\ud800", "lone surrogate"),
    ],
)
@pytest.mark.parametrize("make", BOTH)
def test_a_path_that_could_be_something_else_is_refused(make: Any, path: Any, words: str) -> None:
    refused = refusal(make(path))

    assert refused.status == 400
    assert words in refused.detail
    assert path is None or path not in refused.detail


@pytest.mark.parametrize(
    ("path", "stage", "expected"),
    [
        ("/prod/api/health", "prod", ("/api/health", "/prod")),
        ("/prod", "prod", ("/", "/prod")),
        ("/prod/", "prod", ("/", "/prod")),
        ("/prod/prod", "prod", ("/prod", "/prod")),
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

    assert (request.path, request.script_name) == expected


def test_at_a_custom_domain_nothing_is_cut_off() -> None:
    event = http_api("/v1/x")
    event["requestContext"] |= {"stage": "v1", "domainName": "api.example.com"}

    assert (parse(event).path, parse(event).script_name) == ("/v1/x", "")


def test_the_query_is_kept_as_it_is() -> None:
    assert parse(http_api(rawQueryString="a=1&a=%C3%A9+x")).query == "a=1&a=%C3%A9+x"
    assert parse(http_api(rawQueryString=None)).query == ""


@pytest.mark.parametrize(
    ("headers", "cookies", "expected"),
    [
        ({}, ["a=1", "b=é"], "a=1; b=\u00c3\u00a9"),
        ({"Cookie": "a=1"}, ["b=2"], "a=1; b=2"),
        ({"cookie": "a=1; b=2"}, None, "a=1; b=2"),  # As on the emulator.
        ({}, None, None),
        ({}, [], None),
    ],
)
def test_cookies_become_one_header(headers: object, cookies: object, expected: str | None) -> None:
    request = parse(http_api(headers=headers, cookies=cookies))

    assert request.headers.get("cookie") == expected


def test_headers_whose_names_differ_in_case_are_joined() -> None:
    assert parse(http_api(headers={"Accept": "x", "ACCEPT": "y"})).headers == {"accept": "x, y"}


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
        "X-Origin-Verify": "guessed",
        "accept": "*/*",
    }

    assert parse(http_api(headers=spoofed)).headers == {"accept": "*/*"}


@pytest.mark.parametrize("make", BOTH)
def test_bodies_come_as_text_or_as_base64(make: Any) -> None:
    encoded = base64.b64encode(b"\x00\xff").decode()

    assert parse(make(body="é")).body == "é".encode()
    assert parse(make(body=encoded, isBase64Encoded=True)).body == b"\x00\xff"
    assert parse(make(body=None, isBase64Encoded=True)).body == b""
    assert parse(make(body=encoded, isBase64Encoded="true")).body == encoded.encode()


@pytest.mark.parametrize(
    ("domain", "host"),
    [
        ("api.example.com", "api.example.com"),
        *((domain, "localhost") for domain in (None, 5, "", "evil.example/x", "a\r\nb", "a:1@b")),
    ],
)
def test_the_host_is_the_service_s_and_not_a_header_s(domain: object, host: str) -> None:
    event = http_api(headers={"host": "evil.example", "x-forwarded-host": "evil.example"})
    event["requestContext"]["domainName"] = domain

    assert parse(event).host == host
