from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from lambda_adapter import synthetic_check
from tests.lambda_adapter.baselines import Neighbours, neighbours


@pytest.fixture
def site() -> Iterator[Neighbours]:
    with neighbours() as double:
        yield double


def test_an_api_that_is_well_has_no_fault(site: Neighbours) -> None:
    assert synthetic_check.fault(site.url, 1) == ""
    assert [path for _, path, _, _ in site.asked] == ["/api/health"]


@pytest.mark.parametrize("status", [204, 301, 302, 403, 404, 429, 500, 502, 503, 504])
def test_any_other_status_is_a_fault_and_no_redirect_is_followed(
    site: Neighbours, status: int
) -> None:
    site.site = (status, b'{"status":"ok"}' if status >= 300 else b"")

    assert f"with {status}, not 200" in synthetic_check.fault(site.url, 1)
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    "body", [b"", b"<!doctype html>", b'{"status":"no"}', b"[]", b"\xff", b"[" * 9000]
)
def test_a_page_with_status_200_is_not_the_api(site: Neighbours, body: bytes) -> None:
    site.site = (200, body)

    assert "something else than the API" in synthetic_check.fault(site.url, 1)


def test_nobody_there_is_a_fault() -> None:
    assert "ConnectionRefusedError" in synthetic_check.fault("http://127.0.0.1:9", 1)


def test_what_is_no_http_is_a_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.monotonic()
        found = synthetic_check.fault(f"http://127.0.0.1:{port}", 0.2)

    assert "TimeoutError" in found
    assert time.monotonic() - began < 1


def test_over_https_the_certificate_is_checked(site: Neighbours) -> None:
    """Whoever answers there without TLS is refused before anything is said."""
    found = synthetic_check.fault(site.url.replace("http://", "https://"), 1)

    assert "SSLError" in found
    assert site.asked == []


def test_a_name_that_leads_nowhere_is_a_fault() -> None:
    assert "did not answer" in synthetic_check.fault("https://site.invalid", 1)
