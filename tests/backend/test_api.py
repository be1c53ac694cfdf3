from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from app import create_app
from lambda_adapter.config import Credentials
from tests.lambda_adapter.fakes import (
    PREFIX,
    SETTINGS,
    ParameterStoreDouble,
    running_parameter_store,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

DEFAULTS = {
    "title": "Serverless Flask",
    "notice": "",
    "refresh_seconds": 30,
    "maintenance": False,
}


@pytest.fixture
def double() -> Iterator[ParameterStoreDouble]:
    with running_parameter_store() as running:
        running.set(title="Status", notice="Careful", refresh_seconds="10", maintenance="true")
        yield running


@pytest.fixture
def connected(double: ParameterStoreDouble) -> Flask:
    return create_app(settings_with(double.url))


def settings_with(url: str) -> Any:
    return replace(
        SETTINGS,
        parameter_prefix=PREFIX,
        ssm_endpoint=url,
        credentials=Credentials("AKIDEXAMPLE", "secret"),
    )


def test_health_is_ok_and_never_cached(app: Flask) -> None:
    answer = app.test_client().get("/api/health")

    assert answer.status_code == 200
    assert answer.json == {"status": "ok"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


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
    assert app.test_client().get("/api/config").json == DEFAULTS


def test_config_shows_the_public_parameters(connected: Flask, double: ParameterStoreDouble) -> None:
    double.parameters["/serverless-flask/dev/private/secret_key"] = "canary"

    answer = connected.test_client().get("/api/config")

    assert answer.json == {
        "title": "Status",
        "notice": "Careful",
        "refresh_seconds": 10,
        "maintenance": True,
    }
    assert {asked["Path"] for asked in double.asked} == {PREFIX}


def test_only_answers_that_need_the_settings_read_them(
    connected: Flask, double: ParameterStoreDouble
) -> None:
    client = connected.test_client()
    for path in ("/api/health", "/api/version", "/api/openapi.json", "/api/nothing"):
        client.get(path)
    assert double.asked == []

    client.get("/api/config")
    client.get("/api/ready")
    assert len(double.asked) == 1


def test_a_setting_cannot_be_asked_for_by_name(connected: Flask) -> None:
    for path in ("/api/config/secret_key", "/api/config?name=../private/secret_key"):
        assert "secret_key" not in connected.test_client().get(path).text


def test_ready_says_where_settings_come_from_and_how_old_they_are(connected: Flask) -> None:
    answer = connected.test_client().get("/api/ready")

    assert answer.status_code == 200
    assert answer.json == {
        "status": "ready",
        "settings": {"source": "parameter-store", "age_seconds": 0, "faults": []},
    }


def test_ready_without_a_parameter_store_is_ready_with_defaults(app: Flask) -> None:
    assert app.test_client().get("/api/ready").json == {
        "status": "ready",
        "settings": {"source": "defaults", "age_seconds": None, "faults": []},
    }


def test_a_bad_value_is_told_by_ready_and_never_served(
    connected: Flask, double: ParameterStoreDouble
) -> None:
    double.parameters[f"{PREFIX}/refresh_seconds"] = "canary"
    client = connected.test_client()

    ready, config = client.get("/api/ready"), client.get("/api/config")

    assert ready.status_code == 200
    assert ready.json is not None
    assert ready.json["status"] == "degraded"
    assert ready.json["settings"]["faults"] == [
        "parameter refresh_seconds is no whole number of seconds from 5 to 3600; set one"
    ]
    assert config.json is not None
    assert config.json["refresh_seconds"] == 30
    assert "canary" not in ready.text + config.text


@pytest.mark.parametrize("path", ["/api/config", "/api/openapi.json"])
def test_what_rarely_changes_is_only_sent_again_when_it_did(app: Flask, path: str) -> None:
    client = app.test_client()
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    other = client.get(path, headers={"If-None-Match": '"other"'})

    assert first.headers["Cache-Control"] == "no-cache"
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert other.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/api/health", "/api/ready", "/api/version", "/api/config"),
        *("/api/status", "/api/openapi.json"),
    ],
)
def test_head_is_get_without_its_body_and_options_names_the_methods(app: Flask, path: str) -> None:
    client = app.test_client()
    got, head, options = client.get(path), client.head(path), client.options(path)

    assert head.status_code == got.status_code
    assert head.data == b""
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert options.status_code == 200
    assert set(options.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert client.post(path).status_code == 405


def test_the_status_is_asked_for_again_each_time(app: Flask) -> None:
    answer = app.test_client().get("/api/status")

    assert answer.headers["Cache-Control"] == "no-cache"
    assert "ETag" not in answer.headers


def test_the_status_says_where_there_is_no_history_to_read(app: Flask) -> None:
    answer = app.test_client().get("/api/status").json

    assert answer is not None
    assert answer["state"] == "operational"
    assert answer["faults"] == [
        "there is no CloudWatch to read; set ALARM_PREFIX and METRICS_NAMESPACE"
    ]


def test_the_settings_are_read_while_the_history_is_waited_for(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, done = app.extensions["serverless-flask"], list[str]()

    def noting(call: str, original: Callable[[], object]) -> Callable[[], object]:
        def noted() -> object:
            done.append(call)
            return original()

        return noted

    for part, call in ((services.public, "refresh"), (services.history, "current")):
        monkeypatch.setattr(part, call, noting(call, getattr(part, call)))

    app.test_client().get("/api/status")

    assert done == ["refresh", "current"]


def test_a_request_id_goes_in_and_comes_out(app: Flask) -> None:
    client = app.test_client()

    given = client.get("/api/health", headers={"X-Request-Id": "abc-1"})
    made = client.get("/api/health", headers={"X-Request-Id": "evil id"})

    assert given.headers["X-Request-Id"] == "abc-1"
    assert made.headers["X-Request-Id"] != "evil id"


def test_a_source_tree_serves_with_flasks_own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    from flask.cli import ScriptInfo

    monkeypatch.setenv("ENVIRONMENT", "local")
    app = ScriptInfo(app_import_path="backend").load_app()

    assert app.test_client().get("/api/health").json == {"status": "ok"}


def test_an_error_is_logged_once_without_the_lambda_entry_point(
    app: Flask, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    app.add_url_rule("/fail", view_func=lambda: str(1 / 0))
    app.test_client().get("/fail")

    (line,) = log_lines()
    assert line["level"] == "ERROR"
    assert "ZeroDivisionError" in line["exception"]
