"""What applications may do under PEP 3333, and what no service would pass on."""

from collections.abc import Iterator
from typing import Any

import pytest

from lambda_adapter import wsgi
from lambda_adapter.config import CloudFront
from lambda_adapter.errors import ResponseError
from lambda_adapter.events import parse
from lambda_adapter.responses import LIMIT, Response
from tests.fixtures.events import http_api

HOST = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"


def run(application: Any, method: str = "GET") -> Response:
    event = http_api("/x", method)
    return wsgi.run(application, wsgi.build_environ(parse(event), event, None, "id"))


def answering(status: str = "200 OK", *headers: tuple[str, str], body: Any = (b"x",)) -> Any:
    def application(environ: object, start_response: Any) -> Any:
        start_response(status, list(headers))
        return body

    return application


def test_what_is_written_comes_before_what_is_returned() -> None:
    def application(environ: object, start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"a")
        return [b"b"]

    assert run(application).body == "ab"


def test_an_application_may_replace_its_status_and_headers() -> None:
    def application(environ: object, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("X-Name", "first")])
        start_response("404 Not Found", [("X-Name", "second")], None)
        return [b"gone"]

    assert run(application)[:3] == (404, {"x-name": ["second"]}, "gone")


def test_a_status_may_come_with_the_first_part_of_the_body() -> None:
    def application(environ: object, start_response: Any) -> Iterator[bytes]:
        start_response("201 Created", [])
        yield b"late"

    assert (run(application).status, run(application).body) == (201, "late")


def test_an_application_that_never_starts_its_response_is_refused() -> None:
    with pytest.raises(ResponseError, match="status is ''"):
        run(lambda environ, start_response: [b"x"])


@pytest.mark.parametrize(
    "status", ["99 Low", "100 Continue", "101 Switching", "600 High", "999", "1000", "2xx", "200OK"]
)
def test_a_status_that_the_service_would_refuse_is_refused(status: str) -> None:
    with pytest.raises(ResponseError, match="set one from 200 to 599"):
        run(answering(status))


def test_a_status_without_a_reason_is_enough() -> None:
    assert run(answering("599")).status == 599


@pytest.mark.parametrize("value", ["a\nb", "a\r\nSet-Cookie: x=1", "\x00", "a\x7f"])
def test_a_header_with_a_line_break_is_refused(value: str) -> None:
    with pytest.raises(ResponseError, match="X-Name has a line break"):
        run(answering("200 OK", ("X-Name", value)))


@pytest.mark.parametrize("name", ["x name", "x:name", "", "é", "x\n"])
def test_a_header_whose_name_is_not_one_is_refused(name: str) -> None:
    with pytest.raises(ResponseError, match="rename it"):
        run(answering("200 OK", (name, "x")))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("Content-Length", "1")], ["1"]),
        ([("Content-Length", "1"), ("content-length", "1")], None),
        ([("Content-Length", "999")], None),
        ([], None),
    ],
)
def test_a_length_that_is_wrong_is_left_to_the_service(
    headers: list[tuple[str, str]], expected: list[str] | None
) -> None:
    assert run(answering("200 OK", *headers)).headers.get("content-length") == expected


def test_a_response_to_head_keeps_the_length_that_get_would_have() -> None:
    response = run(answering("200 OK", ("Content-Length", "999"), body=()), "HEAD")

    assert response.headers["content-length"] == ["999"]


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_response_that_has_no_body_loses_it_and_its_length(status: str) -> None:
    response = run(answering(status, ("Content-Length", "1")))

    assert (response.body, response.headers) == ("", {})


def test_a_body_too_large_is_not_read_to_its_end_and_is_closed() -> None:
    read: list[int] = []
    closed: list[str] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(200):
                read.append(65536)
                yield b"x" * 65536

        def close(self) -> None:
            closed.append("closed")

    with pytest.raises(ResponseError, match="send it in pages"):
        run(answering(body=Body()))
    assert sum(read) < LIMIT + 65537
    assert closed == ["closed"]


@pytest.mark.parametrize("location", [f"{HOST}/a?b#c", HOST, "/a", "https://other.example/"])
def test_a_location_stays_as_the_application_writes_it(location: str) -> None:
    response = run(answering("201 Created", ("Location", location)))

    assert response.headers["location"] == [location]


@pytest.mark.parametrize(
    ("cloudfront", "expected"),
    [
        (CloudFront("https", "d123.cloudfront.net", "x"), ("d123.cloudfront.net", "443")),
        (CloudFront("http", "127.0.0.1:4567", "x"), ("127.0.0.1", "4567")),
        (CloudFront("http", "localhost", "x"), ("localhost", "80")),
    ],
)
def test_the_server_is_the_one_that_the_client_asked(
    cloudfront: CloudFront, expected: tuple[str, str]
) -> None:
    event = http_api(headers={"x-origin-verify": "x"})

    environ = wsgi.build_environ(parse(event, cloudfront), event, None, "id")

    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == expected
    assert environ["HTTP_HOST"] == cloudfront.host
    assert environ["wsgi.url_scheme"] == cloudfront.scheme
