import socket
import time

import pytest

from lambda_adapter.synthetic_check import check
from tests.lambda_adapter.fake_services import FakeServices
from tests.lambda_adapter.http_server import Answer


def test_a_site_that_is_healthy_has_no_problem(services: FakeServices) -> None:
    assert check(services.url, 1) == ""
    assert [request.path for request in services.received] == ["/-/health"]


@pytest.mark.parametrize("status", [204, 301, 302, 403, 404, 429, 500, 502, 503, 504])
def test_any_other_status_is_a_problem_and_no_redirect_is_followed(
    services: FakeServices, status: int
) -> None:
    body = b'{"status":"ok"}' if status >= 300 else b""
    services.site = Answer(status, body, {"Location": f"{services.url}/elsewhere"})

    assert f"with {status}, not 200" in check(services.url, 1)
    assert len(services.received) == 1


@pytest.mark.parametrize(
    "body", [b"", b"<!doctype html>", b'{"status":"no"}', b"[]", b"\xff", b"[" * 9000]
)
def test_a_page_with_status_200_is_not_the_function(services: FakeServices, body: bytes) -> None:
    services.site = Answer(200, body)

    assert "something else than the function" in check(services.url, 1)


def test_nobody_there_is_a_problem() -> None:
    assert "ConnectionRefusedError" in check("http://127.0.0.1:9", 1)


def test_what_is_no_http_is_a_problem() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.monotonic()
        found = check(f"http://127.0.0.1:{port}", 0.2)

    assert "TimeoutError" in found
    assert time.monotonic() - began < 1
