from __future__ import annotations

import base64
import gzip
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import serverless_wsgi
from flask import Flask, Response, jsonify, redirect, request, url_for

from lambda_adapter.lambda_handler import Edge
from tests.fixtures.events import emulated, function_url, http_api, load_balancer, rest_api
from tests.lambda_adapter.fakes import SETTINGS
from tests.lambda_adapter.wellformed import assert_well_formed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

EVERY_SERVICE = [http_api, emulated, function_url, rest_api, load_balancer]


class Context:
    aws_request_id = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"


@pytest.fixture
def closed() -> list[str]:
    return []


@pytest.fixture
def edge_of_more(app: Flask, closed: list[str]) -> Edge:
    """The application with views that show what reaches them."""
    views: dict[str, Callable[..., Any]] = {
        "echo": _echo,
        "cookies": _cookies,
        "binary": lambda: Response(bytes(range(256)), mimetype="image/png"),
        "latin": lambda: Response("é".encode("latin-1"), content_type="text/plain; charset=latin1"),
        "zipped": lambda: Response(gzip.compress(b"x" * 99), headers={"Content-Encoding": "gzip"}),
        "identity": lambda: Response(b"x", headers={"Content-Encoding": "br, identity"}),
        "fail": lambda: str(1 / 0),
        "leave": lambda: sys.exit("canary"),
        "fail-late": lambda: Response(_fails_late()),
        "close": lambda: _with_callback(lambda: closed.append("closed")),
        "close-badly": lambda: _with_callback(lambda: closed.append(str(1 / 0))),
        "large": lambda: Response(b"x" * 6_000_001),
        "endless": lambda: Response(_endless()),
        "large-as-json": lambda: Response(b'"' * 4_000_000, mimetype="text/plain"),
        "bad-header": lambda: Response("x", headers={"X-Name": "日本"}),
        "headers": lambda: Response("x", headers={"X-Name": "日".encode().decode("latin-1")}),
        "latin-header": lambda: Response("x", headers={"X-Name": "é"}),
        "away": lambda: redirect("https://evil.example/x"),
        "here": lambda: redirect(url_for("echo", _external=True)),
        "slashes": lambda: redirect(f"{request.scheme}://{request.host}//evil.example"),
        "nul": lambda: Response(b"a\x00b", mimetype="text/plain"),
        "ascii-image": lambda: Response(b"GIF89a", mimetype="image/gif"),
        "empty-zip": lambda: Response(b"", headers={"Content-Encoding": "gzip"}),
        "empty": lambda: ("", 204),
        "vary": _vary,
        "form": lambda: jsonify(kind=request.content_type, form=request.form),
    }
    for name, view in views.items():
        app.add_url_rule(f"/{name}", name, view, methods=["GET", "POST", "PUT"])
    app.add_url_rule("/echo/<path:rest>", "deep", lambda rest: _echo(rest))
    return Edge(app, SETTINGS)


def _echo(rest: str = "") -> Response:
    return jsonify(
        method=request.method,
        path=request.path,
        rest=rest,
        root=request.script_root,
        url=request.url,
        args=request.args.to_dict(flat=False),
        headers={name.lower(): value for name, value in request.headers},
        cookies=request.cookies.to_dict(),
        body=base64.b64encode(request.get_data()).decode(),
        client=request.remote_addr,
        host=request.host,
        scheme=request.scheme,
    )


def _cookies() -> Response:
    response = Response("x")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2, 3", httponly=True)
    response.set_cookie("c", "é")
    return response


def _vary() -> Response:
    response = Response("x")
    response.headers.add("Vary", "Accept")
    response.headers.add("vary", "Origin")
    response.headers.add("Link", "</a>; rel=a")
    response.headers.add("Link", "</b>; rel=b")
    return response


def _fails_late() -> Iterator[str]:
    yield "so far so good"
    raise RuntimeError("canary")


def _endless() -> Iterator[bytes]:
    for _ in range(200):  # 13 MB are endless enough, and end where nothing guards against them.
        yield b"x" * 65536


def _with_callback(callback: Callable[[], object]) -> Response:
    response = Response("x")
    response.call_on_close(callback)
    return response


def echoed(answer: Any) -> Any:
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])


@pytest.mark.parametrize("make", EVERY_SERVICE)
def test_every_service_gets_an_answer_it_understands(
    edge: Edge, log_lines: Callable[[], list[dict[str, Any]]], make: Any
) -> None:
    answer = edge(make("/api/health"), Context())

    assert json.loads(answer["body"]) == {"status": "ok"}
    assert_well_formed(answer, log_lines())
    assert ("multiValueHeaders" in answer) == (make is rest_api)
    assert ("statusDescription" in answer) == (make is load_balancer)


def test_the_line_tells_what_happened(
    edge: Edge, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    edge(http_api("/api/version", "HEAD"), Context())

    (line,) = log_lines()
    assert isinstance(line.pop("timestamp"), str)
    assert line.pop("duration_ms") > 0
    assert line.pop("_aws")
    assert line == {
        "level": "INFO",
        "message": "event",
        "request_id": "JKJaXmPLvHcESHA=",
        "lambda_request_id": "8f507cfc-xmpl-4697-b07a-ac58fc914c95",
        "trace": "Root=1-67e5a1b2-0a1b2c3d4e5f60718293a4b5",
        "source": "http-api",
        "method": "HEAD",
        "path": "/api/version",
        "route": "/api/version",
        "status": 200,
        "cold_start": True,
        "environment": "staging",
        "release": "20261123-42-1a2b3c4",
        "function_version": "7",
        "requests": 1,
        "errors": 0,
        "cold_starts": 1,
    }


def test_only_the_first_event_is_a_cold_start(edge: Edge) -> None:
    assert [echoed(edge(http_api("/api/version"), None))["cold_start"] for _ in range(3)] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("event", "context", "expected"),
    [
        (http_api(headers={"x-request-id": "mine-1"}), Context(), "mine-1"),
        (http_api(headers={"x-request-id": "evil id"}), Context(), "JKJaXmPLvHcESHA="),
        (load_balancer(), Context(), Context.aws_request_id),
        ({}, Context(), Context.aws_request_id),
    ],
)
def test_the_request_id_is_the_callers_the_gateways_or_lambdas(
    edge: Edge,
    log_lines: Callable[[], list[dict[str, Any]]],
    event: Any,
    context: object,
    expected: str,
) -> None:
    answer = edge(event, context)

    assert answer["headers"]["x-request-id"] == expected
    assert log_lines()[0]["request_id"] == expected


@pytest.mark.parametrize("context", [None, 5, {}, type("C", (), {"aws_request_id": 5})()])
def test_a_context_without_an_id_gets_one(
    edge: Edge, log_lines: Callable[[], list[dict[str, Any]]], context: object
) -> None:
    answer = edge({}, context)

    assert len(answer["headers"]["x-request-id"]) == 24
    assert log_lines()[0]["lambda_request_id"] is None


@pytest.mark.parametrize("make", EVERY_SERVICE)
def test_the_application_sees_the_request_as_it_was(edge_of_more: Edge, make: Any) -> None:
    decoded_by_the_service = make is rest_api
    event = make(
        "/echo",
        "POST",
        rawQueryString="a=1&a=%C3%A9",
        multiValueQueryStringParameters={"a": ["1", "é" if decoded_by_the_service else "%C3%A9"]},
        body=base64.b64encode(b"\x00\xff").decode(),
        isBase64Encoded=True,
    )

    seen = echoed(edge_of_more(event, None))

    assert seen["method"] == "POST"
    assert seen["args"] == {"a": ["1", "é"]}
    assert base64.b64decode(seen["body"]) == b"\x00\xff"
    assert seen["headers"]["content-length"] == "2"


@pytest.mark.parametrize("make", EVERY_SERVICE)
def test_odd_characters_of_a_path_arrive(edge_of_more: Edge, make: Any) -> None:
    seen = echoed(edge_of_more(make("/echo/caf%C3%A9%3F%252F//x"), None))

    assert seen["rest"] == "café?%2F//x"


def test_cookies_arrive_and_leave_one_by_one(edge_of_more: Edge) -> None:
    seen = echoed(edge_of_more(http_api("/echo", cookies=["a=1", "b=é"]), None))["cookies"]
    assert seen["a"] == "1"
    assert seen["b"].encode("latin-1").decode() == "é"  # As behind every WSGI server.
    assert edge_of_more(http_api("/cookies"), None)["cookies"] == [
        "a=1; Path=/",
        'b="2\\054 3"; HttpOnly; Path=/',
        'c="\\303\\251"; Path=/',
    ]
    assert len(edge_of_more(rest_api("/cookies"), None)["multiValueHeaders"]["set-cookie"]) == 3


def test_without_cookies_there_is_no_cookie_header(edge_of_more: Edge) -> None:
    assert "cookie" not in echoed(edge_of_more(http_api("/echo"), None))["headers"]


def test_repeated_headers_of_an_answer_are_all_there(edge_of_more: Edge) -> None:
    headers = edge_of_more(http_api("/vary"), None)["headers"]

    assert headers["vary"] == "Accept, Origin"
    assert headers["link"] == "</a>; rel=a, </b>; rel=b"
    assert edge_of_more(rest_api("/vary"), None)["multiValueHeaders"]["vary"] == [
        "Accept",
        "Origin",
    ]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/binary", bytes(range(256))),
        ("/latin", "é".encode("latin-1")),
        ("/identity", b"x"),
        ("/nul", b"a\x00b"),
    ],
)
def test_what_is_no_utf_8_text_leaves_as_base64(
    edge_of_more: Edge, path: str, content: bytes
) -> None:
    answer = edge_of_more(http_api(path), None)

    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == content


def test_what_is_utf_8_text_leaves_as_text_whatever_it_is_called(edge_of_more: Edge) -> None:
    answer = edge_of_more(http_api("/ascii-image"), None)

    assert (answer["body"], answer["isBase64Encoded"]) == ("GIF89a", False)


def test_a_compressed_answer_stays_compressed(edge_of_more: Edge) -> None:
    answer = edge_of_more(http_api("/zipped"), None)

    assert answer["headers"]["content-encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(answer["body"])) == b"x" * 99


def test_problems_leave_as_text(edge: Edge) -> None:
    answer = edge(http_api("/api/nothing"), None)

    assert answer["isBase64Encoded"] is False
    assert json.loads(answer["body"])["status"] == 404


def test_headers_leave_as_the_text_they_mean(edge_of_more: Edge) -> None:
    assert edge_of_more(http_api("/headers"), None)["headers"]["x-name"] == "日"
    assert edge_of_more(http_api("/latin-header"), None)["headers"]["x-name"] == "é"


@pytest.mark.parametrize("path", ["/fail", "/fail-late", "/bad-header", "/leave"])
def test_an_error_is_a_problem_with_the_id_and_one_line_has_the_trace(
    edge_of_more: Edge, log_lines: Callable[[], list[dict[str, Any]]], path: str
) -> None:
    answer = edge_of_more(http_api(path), Context())

    lines = log_lines()
    assert answer["statusCode"] == 500
    assert_well_formed(answer, lines)
    assert "canary" not in answer["body"]
    assert lines[0]["level"] == "ERROR"
    assert "Traceback" in lines[0]["exception"]
    assert lines[0]["errors"] == 1


@pytest.mark.parametrize("path", ["/large", "/endless", "/large-as-json"])
def test_an_answer_too_large_is_a_problem(
    edge_of_more: Edge, log_lines: Callable[[], list[dict[str, Any]]], path: str
) -> None:
    answer = edge_of_more(http_api(path), None)

    lines = log_lines()
    assert answer["statusCode"] == 500
    assert_well_formed(answer, lines)
    assert "send it in pages" in lines[0]["fault"]


def test_a_body_too_large_is_a_problem(
    edge: Edge, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    answer = edge(http_api(method="POST", body="x" * 5_000_000), None)

    assert answer["statusCode"] == 413
    assert_well_formed(answer, log_lines())


def test_what_waits_for_the_end_of_an_answer_is_run(edge_of_more: Edge, closed: list[str]) -> None:
    assert edge_of_more(http_api("/close"), None)["statusCode"] == 200
    assert closed == ["closed"]


def test_an_error_at_the_end_of_an_answer_is_told(
    edge_of_more: Edge, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    answer = edge_of_more(http_api("/close-badly"), None)

    assert answer["statusCode"] == 500
    assert "ZeroDivisionError" in log_lines()[0]["exception"]


def test_a_body_too_large_is_not_read_to_its_end_and_is_closed(closed: list[str]) -> None:
    read: list[int] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            for part in _endless():
                read.append(len(part))
                yield part

        def close(self) -> None:
            closed.append("closed")

    answer = Edge(_raw(Body()), SETTINGS)(http_api(), None)

    assert answer["statusCode"] == 500
    assert sum(read) < 6_100_000
    assert closed == ["closed"]


def test_an_application_that_never_starts_its_answer_is_a_problem(
    log_lines: Callable[[], list[dict[str, Any]]],
) -> None:
    def silent(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        return [b"x"]

    answer = Edge(silent, SETTINGS)(http_api(), None)  # type: ignore[arg-type]

    assert answer["statusCode"] == 500
    assert_well_formed(answer, log_lines())


def test_an_application_may_change_its_mind_about_the_status() -> None:
    def twice(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"ignored")
        start_response("404 Not Found", [("Content-Type", "text/plain")], None)
        return [b"gone"]

    answer = Edge(twice, SETTINGS)(http_api(), None)  # type: ignore[arg-type]

    assert (answer["statusCode"], answer["body"]) == (404, "gone")


def _raw(body: Any) -> Any:
    def run(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return body

    return run


@pytest.mark.parametrize("make", [http_api, rest_api])
def test_redirects_to_ourselves_are_relative(edge_of_more: Edge, make: Any) -> None:
    def location(path: str) -> object:
        answer = edge_of_more(make(path), None)
        headers = answer.get("headers") or answer["multiValueHeaders"]
        value = headers["location"]
        return value if isinstance(value, str) else value[0]

    stage = "/prod" if make is rest_api else ""
    assert location("/here") == f"{stage}/echo"
    assert location("/away") == "https://evil.example/x"
    assert str(location("/slashes")).startswith("https://a1b2c3d4e5.execute-api.")


@pytest.mark.parametrize("stage", ["prod", "$default"])
def test_links_of_the_application_have_the_stage_that_the_address_has(
    edge_of_more: Edge, stage: str
) -> None:
    path = "/echo" if stage == "$default" else f"/{stage}/echo"
    event = http_api(path)
    event["requestContext"]["stage"] = stage

    seen = echoed(edge_of_more(event, None))

    assert seen["path"] == "/echo"
    assert seen["url"] == f"https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com{path}"


def test_the_librarys_own_variables_change_nothing(
    edge_of_more: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_GATEWAY_BASE_PATH", "echo")

    assert echoed(edge_of_more(http_api("/echo/echo"), None))["path"] == "/echo/echo"


def test_a_base_path_is_a_setting(app: Flask) -> None:
    app.add_url_rule("/echo", "echo", _echo)
    edge = Edge(app, replace(SETTINGS, base_path="/v1"))

    seen = echoed(edge(http_api("/v1/echo"), None))

    assert (seen["root"], seen["path"]) == ("/v1", "/echo")


def test_spoofed_hosts_and_addresses_do_not_reach_the_application(app: Flask) -> None:
    app.add_url_rule("/echo", "echo", _echo)
    edge = Edge(app, replace(SETTINGS, trusted_hosts=("www.example.org",)))
    spoofed = {
        "host": "evil.example",
        "x-forwarded-host": "evil.example",
        "x-forwarded-for": "6.6.6.6",
        "x_forwarded_for": "6.6.6.6",
        "forwarded": "for=6.6.6.6;host=evil.example",
    }

    seen = echoed(edge(http_api("/echo", headers=spoofed), None))
    ours = echoed(edge(http_api("/echo", headers={"host": "www.example.org:444"}), None))

    assert "evil.example" not in json.dumps(seen)
    assert "6.6.6.6" not in json.dumps(seen)
    assert seen["client"] == "130.176.1.70"
    assert ours["url"] == "https://www.example.org:444/echo"
    assert ours["headers"]["host"] == "www.example.org:444"


def test_plain_http_has_its_own_port(edge_of_more: Edge) -> None:
    event = load_balancer("/echo", headers={"x-forwarded-proto": "http"})

    assert echoed(edge_of_more(event, None))["url"] == "http://localhost/echo"


def test_an_empty_answer_is_empty(edge_of_more: Edge) -> None:
    answer = edge_of_more(http_api("/empty"), None)

    assert (answer["statusCode"], answer["body"], answer["isBase64Encoded"]) == (204, "", False)
    answer = edge_of_more(http_api("/empty-zip"), None)
    assert (answer["body"], answer["isBase64Encoded"]) == ("", False)


def test_the_application_finds_the_event_it_came_with(app: Flask) -> None:
    app.add_url_rule("/seen", "seen", lambda: request.environ["serverless.event"]["routeKey"])

    assert Edge(app, SETTINGS)(http_api("/seen"), None)["body"] == "ANY /api/{proxy+}"


@pytest.mark.parametrize("make", EVERY_SERVICE)
def test_a_form_is_read_as_its_content_type_says(edge_of_more: Edge, make: Any) -> None:
    kind = 'application/x-www-form-urlencoded; x="é"'
    event = make("/form", "POST", body="a=1&b=%C3%A9", headers={"Content-Type": kind})

    assert echoed(edge_of_more(event | {"multiValueHeaders": None}, None)) == {
        "kind": kind.encode().decode("latin-1"),
        "form": {"a": "1", "b": "é"},
    }


def test_without_a_content_type_there_is_none(edge_of_more: Edge) -> None:
    assert echoed(edge_of_more(http_api("/form", "POST", headers={}), None))["kind"] is None


def test_what_goes_wrong_after_the_application_keeps_the_caller_s_id(edge_of_more: Edge) -> None:
    for path in ("/large", "/leave", "/bad-header"):
        answer = edge_of_more(http_api(path, headers={"X-Request-Id": "mine"}), Context())

        assert answer["statusCode"] == 500
        assert answer["headers"]["x-request-id"] == "mine"


def test_an_error_of_our_own_is_still_answered(
    edge: Edge, log_lines: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serverless_wsgi, "setup_environ_items", lambda *_: 1 / 0)

    answer = edge(http_api(), None)

    lines = log_lines()
    assert answer["statusCode"] == 500
    assert_well_formed(answer, lines)
    assert "ZeroDivisionError" in lines[0]["exception"]


def test_log_lines_cannot_be_forged(
    edge: Edge, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    forged = '\n{"level": "ERROR", "message": "forged"}\n'
    edge(http_api("/x", headers={"x-amzn-trace-id": "\u2028" + forged.strip()}), None)
    edge(http_api(f"/x{forged}"), None)

    assert [line["message"] for line in log_lines()] == ["event", "event"]
