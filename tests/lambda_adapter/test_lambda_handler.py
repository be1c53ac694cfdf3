import asyncio
import base64
import gzip
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, Response, jsonify, request

from lambda_adapter import wsgi
from lambda_adapter.config import Settings
from lambda_adapter.errors import UnknownEventError
from lambda_adapter.lambda_handler import LambdaHandler
from tests.fixtures.events import emulated, http_api
from tests.lambda_adapter.fake_services import Context
from tests.lambda_adapter.in_memory import Log
from tests.lambda_adapter.wellformed import assert_well_formed

BOTH = [http_api, emulated]


@pytest.fixture
def closed() -> list[str]:
    return []


@pytest.fixture
def views(app: Flask, handler: LambdaHandler, closed: list[str]) -> LambdaHandler:
    """The handler of an application with views that return what reaches them."""
    found: dict[str, Callable[..., Any]] = {
        "echo": _echo,
        "cookies": _cookies,
        "binary": lambda: Response(bytes(range(256)), mimetype="image/png"),
        "latin": lambda: Response("é".encode("latin-1"), content_type="text/plain; charset=latin1"),
        "zipped": lambda: Response(gzip.compress(b"x" * 99), headers={"Content-Encoding": "gzip"}),
        "identity": lambda: Response(b"x", headers={"Content-Encoding": "br, identity"}),
        "fail": lambda: str(1 / 0),
        "leave": lambda: sys.exit("canary"),
        "interrupt": _raise(KeyboardInterrupt("canary")),
        "cancel": _raise(asyncio.CancelledError("canary")),
        "fail-late": lambda: Response(_fails_late()),
        "close": lambda: _with_callback(lambda: closed.append("closed")),
        "close-badly": lambda: _with_callback(lambda: closed.append(str(1 / 0))),
        "large": lambda: Response(b"x" * 6_300_000),
        "bad-header": lambda: Response("x", headers={"X-Name": "日本"}),
        "headers": lambda: Response("x", headers={"X-Name": "日".encode().decode("latin-1")}),
        "latin-header": lambda: Response("x", headers={"X-Name": "é"}),
        "nul": lambda: Response(b"a\x00b", mimetype="text/plain"),
        "ascii-image": lambda: Response(b"GIF89a", mimetype="image/gif"),
        "empty-zip": lambda: Response(b"", headers={"Content-Encoding": "gzip"}),
        "empty": lambda: ("", 204),
        "vary": _vary,
        "cached": lambda: Response("x", headers={"Cache-Control": "max-age=9"}),
        "form": lambda: jsonify(kind=request.content_type, form=request.form),
    }
    for name, view in found.items():
        app.add_url_rule(f"/{name}", name, view, methods=["GET", "POST", "PUT"])
    app.add_url_rule("/echo/<path:rest>", "deep", lambda rest: _echo(rest))
    return handler


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
        user=request.remote_user,
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


def _raise(error: BaseException) -> Callable[[], Any]:
    def view() -> None:
        raise error

    return view


def _fails_late() -> Iterator[str]:
    yield "so far so good"
    raise RuntimeError("canary")


def _with_callback(callback: Callable[[], object]) -> Response:
    response = Response("x")
    response.call_on_close(callback)
    return response


def echoed(answer: Any) -> Any:
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])


@pytest.mark.parametrize("make", BOTH)
def test_a_request_is_answered(handler: LambdaHandler, log: Log, make: Any) -> None:
    answer = handler(make("/api/hello"), Context())

    assert json.loads(answer["body"]) == {"hello": "world"}
    assert_well_formed(answer, log.records())


def test_the_log_record_describes_the_request(handler: LambdaHandler, log: Log) -> None:
    handler(http_api("/api/hello", "HEAD"), Context())

    (record,) = log.records()
    assert record.pop("duration_ms") > 0
    assert record.pop("timestamp").endswith("Z")
    assert record.pop("_aws")
    assert record == {
        "level": "INFO",
        "message": "event",
        "request_id": "JKJaXmPLvHcESHA=",
        "lambda_request_id": "8f507cfc-xmpl-4697-b07a-ac58fc914c95",
        "trace": "Root=1-67e5a1b2-0a1b2c3d4e5f60718293a4b5",
        "source": "http-api",
        "method": "HEAD",
        "path": "/api/hello",
        "route": "/api/hello",
        "status": 200,
        "cold_start": True,
        "environment": "staging",
        "release": "20261123-42-1a2b3c4",
        "function_version": "7",
        "requests": 1,
        "errors": 0,
        "cold_starts": 1,
    }


def test_the_route_is_the_rule_and_not_the_path(views: LambdaHandler, log: Log) -> None:
    views(http_api("/echo/a/b"), None)
    views(http_api("/nothing"), None)

    found, missing = log.records()
    assert found["route"] == "/echo/<path:rest>"
    assert "route" not in missing


def test_only_the_first_event_is_a_cold_start(handler: LambdaHandler, log: Log) -> None:
    for _ in range(3):
        handler(http_api(), None)

    assert [record["cold_start"] for record in log.records()] == [True, False, False]


@pytest.mark.parametrize(
    ("event", "context", "expected"),
    [
        (http_api(headers={"x-request-id": "mine-1"}), Context(), "mine-1"),
        (http_api(headers={"x-request-id": "evil id"}), Context(), "JKJaXmPLvHcESHA="),
        (http_api(cookies="x"), Context(), Context.aws_request_id),
    ],
)
def test_the_request_id_is_the_callers_the_gateways_or_lambdas(
    handler: LambdaHandler, log: Log, event: Any, context: object, expected: str
) -> None:
    answer = handler(event, context)

    assert answer["headers"]["x-request-id"] == expected
    assert log.records()[0]["request_id"] == expected


@pytest.mark.parametrize("context", [None, 5, {}, type("C", (), {"aws_request_id": 5})()])
def test_a_context_without_an_id_gets_one(
    handler: LambdaHandler, log: Log, context: object
) -> None:
    answer = handler(http_api(cookies="x"), context)

    assert len(answer["headers"]["x-request-id"]) == 24
    assert "lambda_request_id" not in log.records()[0]


def test_what_goes_wrong_after_the_application_keeps_the_caller_s_id(views: LambdaHandler) -> None:
    for path in ("/large", "/leave", "/bad-header"):
        answer = views(http_api(path, headers={"X-Request-Id": "mine"}), Context())

        assert answer["statusCode"] == 500
        assert answer["headers"]["x-request-id"] == "mine"


@pytest.mark.parametrize("make", BOTH)
def test_the_application_sees_the_request_as_it_was(views: LambdaHandler, make: Any) -> None:
    event = make(
        "/echo",
        "POST",
        rawQueryString="a=1&a=%C3%A9",
        body=base64.b64encode(b"\x00\xff").decode(),
        isBase64Encoded=True,
    )

    seen = echoed(views(event, None))

    assert seen["method"] == "POST"
    assert seen["args"] == {"a": ["1", "é"]}
    assert base64.b64decode(seen["body"]) == b"\x00\xff"
    assert seen["headers"]["content-length"] == "2"


def test_a_text_body_as_large_as_lambda_brings_arrives(views: LambdaHandler) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""
    assert views(http_api("/form", "POST", body="x" * 5_900_000), None)["statusCode"] == 200


@pytest.mark.parametrize("make", BOTH)
def test_all_characters_of_a_path_and_a_query_arrive(views: LambdaHandler, make: Any) -> None:
    seen = echoed(views(make("/echo/café?%252F//x", rawQueryString="q=日"), None))

    assert seen["rest"] == "café?%2F//x"
    assert seen["args"] == {"q": ["日"]}


def test_cookies_arrive_and_leave_one_by_one(views: LambdaHandler) -> None:
    seen = echoed(views(http_api("/echo", cookies=["a=1", "b=é"]), None))["cookies"]
    assert seen["a"] == "1"
    assert seen["b"].encode("latin-1").decode() == "é"  # As behind every WSGI server.
    assert views(http_api("/cookies"), None)["cookies"] == [
        "a=1; Path=/",
        'b="2\\054 3"; HttpOnly; Path=/',
        'c="\\303\\251"; Path=/',
    ]


def test_repeated_headers_of_a_response_are_all_there(views: LambdaHandler) -> None:
    headers = views(http_api("/vary"), None)["headers"]

    assert headers["vary"] == "Accept, Origin"
    assert headers["link"] == "</a>; rel=a, </b>; rel=b"


def test_only_an_application_that_says_so_is_cached(views: LambdaHandler) -> None:
    assert views(http_api("/cached"), None)["headers"]["cache-control"] == "max-age=9"
    headers = views(http_api("/vary"), None)["headers"]
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/binary", bytes(range(256))),
        ("/latin", "é".encode("latin-1")),
        ("/identity", b"x"),
        ("/nul", b"a\x00b"),
    ],
)
def test_what_is_not_utf_8_text_leaves_as_base64(
    views: LambdaHandler, path: str, content: bytes
) -> None:
    answer = views(http_api(path), None)

    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == content


def test_what_is_utf_8_text_leaves_as_text_whatever_it_is_called(views: LambdaHandler) -> None:
    answer = views(http_api("/ascii-image"), None)

    assert (answer["body"], answer["isBase64Encoded"]) == ("GIF89a", False)


def test_a_compressed_response_stays_compressed(views: LambdaHandler) -> None:
    answer = views(http_api("/zipped"), None)

    assert answer["headers"]["content-encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(answer["body"])) == b"x" * 99


def test_headers_leave_as_the_text_they_mean(views: LambdaHandler) -> None:
    assert views(http_api("/headers"), None)["headers"]["x-name"] == "日"
    assert views(http_api("/latin-header"), None)["headers"]["x-name"] == "é"


@pytest.mark.parametrize("path", ["/fail-late", "/bad-header", "/leave", "/interrupt", "/cancel"])
def test_what_raises_is_a_problem_with_the_id_and_the_record_has_the_trace(
    views: LambdaHandler, log: Log, path: str
) -> None:
    answer = views(http_api(path), Context())

    records = log.records()
    assert answer["statusCode"] == 500
    assert_well_formed(answer, records)
    assert "canary" not in answer["body"]
    assert records[0]["level"] == "ERROR"
    assert "Traceback" in records[0]["exception"]
    assert records[0]["errors"] == 1


def test_an_error_that_flask_answers_counts_and_keeps_its_route(
    views: LambdaHandler, log: Log
) -> None:
    answer = views(http_api("/fail"), None)

    (record,) = log.records()
    assert answer["statusCode"] == record["status"] == 500
    assert (record["route"], record["errors"]) == ("/fail", 1)


def test_a_response_too_large_is_a_problem(views: LambdaHandler, log: Log) -> None:
    answer = views(http_api("/large"), None)

    records = log.records()
    assert answer["statusCode"] == 500
    assert_well_formed(answer, records)
    assert "send it in pages" in records[0]["error"]


def test_what_waits_for_the_end_of_a_response_is_run(
    views: LambdaHandler, closed: list[str]
) -> None:
    assert views(http_api("/close"), None)["statusCode"] == 200
    assert closed == ["closed"]


def test_an_error_at_the_end_of_a_response_is_reported(views: LambdaHandler, log: Log) -> None:
    answer = views(http_api("/close-badly"), None)

    assert answer["statusCode"] == 500
    assert "ZeroDivisionError" in log.records()[0]["exception"]


@pytest.mark.parametrize("stage", ["prod", "$default"])
def test_links_of_the_application_have_the_stage_that_the_address_has(
    views: LambdaHandler, stage: str
) -> None:
    path = "/echo" if stage == "$default" else f"/{stage}/echo"
    event = http_api(path)
    event["requestContext"]["stage"] = stage

    seen = echoed(views(event, None))

    assert seen["path"] == "/echo"
    assert seen["url"] == f"https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com{path}"


def test_an_empty_response_is_empty(views: LambdaHandler) -> None:
    answer = views(http_api("/empty"), None)

    assert (answer["statusCode"], answer["body"], answer["isBase64Encoded"]) == (204, "", False)
    answer = views(http_api("/empty-zip"), None)
    assert (answer["body"], answer["isBase64Encoded"]) == ("", False)


def test_the_application_finds_what_lambda_gave_the_handler(
    app: Flask, handler: LambdaHandler
) -> None:
    seen: list[object] = []

    def view() -> str:
        names = ("event", "context", "authorizer")
        seen.extend(request.environ[f"serverless.{name}"] for name in names)
        seen.append(request.environ["lambda_adapter.request_id"])
        return "seen"

    app.add_url_rule("/seen", "seen", view)
    event, context = http_api("/seen"), Context()
    event["requestContext"]["authorizer"] = {"lambda": {"plan": "free"}}
    handler(event, context)

    assert seen == [event, context, {"lambda": {"plan": "free"}}, "JKJaXmPLvHcESHA="]


@pytest.mark.parametrize(
    ("path", "authorizer", "status"),
    [
        ("/api/hello", {}, 401),
        ("/api/hello", {"lambda": {"principalId": "ann"}}, 401),
        ("/api/hello", {"jwt": {"claims": {"sub": "ann"}}}, 200),
        ("/api", {}, 401),
        ("/apis", {}, 404),
    ],
)
def test_a_guarded_path_needs_what_the_apis_authorizer_found(
    app: Flask, settings: Settings, log: Log, path: str, authorizer: object, status: int
) -> None:
    """Whatever way past its routes API Gateway may have read the path."""
    handler = LambdaHandler(app, settings._replace(login_paths=("/orders/", "/api/")), log)
    event = http_api(path)
    event["requestContext"]["authorizer"] = authorizer

    assert handler(event, Context())["statusCode"] == status
    event["requestContext"]["http"]["method"] = "OPTIONS"
    assert handler(event, Context())["statusCode"] == (404 if path != "/api/hello" else 200)


@pytest.mark.parametrize(
    ("authorizer", "user"),
    [
        ({"principalId": "a"}, "a"),
        ({"lambda": {"principalId": "b"}}, "b"),
        ({"jwt": {"claims": {"sub": "c"}, "scopes": []}}, "c"),
        ({"iam": {"userArn": "arn:d", "userId": "d"}}, "arn:d"),
        ({"jwt": {"claims": None}}, None),
        ({"jwt": "x", "lambda": [], "iam": {"userArn": 5}}, None),
        ("x", None),
        (None, None),
    ],
)
def test_the_remote_user_is_whom_the_authorizer_found(
    views: LambdaHandler, authorizer: object, user: str | None
) -> None:
    event = http_api("/echo")
    event["requestContext"]["authorizer"] = authorizer

    assert echoed(views(event, None))["user"] == user


@pytest.mark.parametrize("make", BOTH)
def test_a_form_is_read_as_its_content_type_says(views: LambdaHandler, make: Any) -> None:
    kind = 'application/x-www-form-urlencoded; x="é"'
    event = make("/form", "POST", body="a=1&b=%C3%A9", headers={"Content-Type": kind})

    assert echoed(views(event, None)) == {
        "kind": kind.encode().decode("latin-1"),
        "form": {"a": "1", "b": "é"},
    }


def test_without_a_content_type_there_is_none(views: LambdaHandler) -> None:
    assert echoed(views(http_api("/form", "POST", headers={}), None))["kind"] is None


def test_an_error_of_the_adapter_itself_is_still_answered(
    handler: LambdaHandler, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsgi, "build_environ", lambda *_: 1 / 0)

    answer = handler(http_api(), None)

    records = log.records()
    assert answer["statusCode"] == 500
    assert_well_formed(answer, records)
    assert "ZeroDivisionError" in records[0]["exception"]


def test_a_log_that_cannot_be_written_costs_no_response(
    handler: LambdaHandler, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "write_record", lambda *_: 1 / 0)

    assert handler(http_api(), None)["statusCode"] == 200


def test_log_records_cannot_be_forged(handler: LambdaHandler, log: Log) -> None:
    forged = '\n{"level": "ERROR", "message": "forged"}\n'
    handler(http_api("/x", headers={"x-amzn-trace-id": "\u2028" + forged.strip()}), None)
    handler(http_api(f"/x{forged}"), None)

    assert [record["message"] for record in log.records()] == ["event", "event"]


def test_another_event_raises_and_is_logged_and_not_counted(
    handler: LambdaHandler, log: Log
) -> None:
    with pytest.raises(UnknownEventError, match="send it to a function of its own"):
        handler({"source": "aws.events", "detail-type": "order 4711"}, Context())

    (record,) = log.records()
    assert record["level"] == "ERROR"
    assert "payload format 2.0" in record["error"]
    assert record["request_id"] == Context.aws_request_id
    assert not {"requests", "source"} & record.keys()
