from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def test_health_is_ok_and_never_cached(app: Flask) -> None:
    answer = app.test_client().get("/api/health")

    assert answer.status_code == 200
    assert answer.json == {"status": "ok"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_version_says_what_is_running(app: Flask) -> None:
    assert app.test_client().get("/api/version").json == {
        "environment": "staging",
        "release": "20261123-42-1a2b3c4",
        "commit": "1a2b3c4" + "0" * 33,
        "function_version": "7",
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "cold_start": False,
    }


def test_config_shows_defaults_where_there_is_no_parameter_store(app: Flask) -> None:
    answer = app.test_client().get("/api/config")

    assert answer.json == {
        "title": "Serverless Flask",
        "notice": "",
        "refresh_seconds": 30,
        "maintenance": False,
    }
