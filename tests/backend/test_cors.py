from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from backend import create_app
from tests.backend.doubles import SETTINGS

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

ORIGIN = "https://www.example.org"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}


@pytest.fixture
def client() -> FlaskClient:
    return create_app(replace(SETTINGS, cors_origin=ORIGIN)).test_client()


def test_no_other_origin_may_read_answers_unless_a_setting_names_it(app: Flask) -> None:
    for method in ("GET", "OPTIONS"):
        answer = app.test_client().open("/api/health", method=method, headers=PREFLIGHT)
        assert not [name for name in answer.headers.keys() if "Access-Control" in name]  # noqa: SIM118 - Headers iterates over pairs.
        assert "Vary" not in answer.headers


def test_the_named_origin_may_and_sees_the_request_id(client: FlaskClient) -> None:
    for path in ("/api/health", "/api/nothing"):
        answer = client.get(path, headers={"Origin": ORIGIN})
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert answer.headers["Access-Control-Expose-Headers"] == "X-Request-Id"
        assert answer.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", f"{ORIGIN}.evil.example", "null", ""])
def test_another_origin_may_not(client: FlaskClient, origin: str) -> None:
    answer = client.get("/api/health", headers={"Origin": origin})

    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Vary"] == "Origin"


def test_a_preflight_is_told_the_methods(client: FlaskClient) -> None:
    answer = client.options("/api/health", headers=PREFLIGHT)
    plain = client.options("/api/health", headers={"Origin": ORIGIN})

    assert answer.headers["Access-Control-Allow-Methods"] == answer.headers["Allow"]
    assert answer.headers["Access-Control-Allow-Headers"] == "Content-Type, X-Request-Id"
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert "Access-Control-Allow-Methods" not in plain.headers
