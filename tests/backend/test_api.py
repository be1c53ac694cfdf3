from pathlib import Path

import pytest
from flask import Flask
from flask.cli import ScriptInfo

from app import create_app
from tests.backend.contract import DOCUMENT, check_answer
from tests.backend.fakes import PREFIX, SETTINGS, FakeAws

DEFAULTS = {
    "title": "Serverless Flask",
    "notice": "",
    "refresh_seconds": 30,
    "maintenance": False,
}


def test_flasks_own_server_serves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2] / "backend")

    app = ScriptInfo(app_import_path="app").load_app()

    assert app.test_client().get("/api/config").json == DEFAULTS


def test_the_contract_names_every_path_and_no_other(app: Flask) -> None:
    assert set(DOCUMENT["paths"]) == {rule.rule for rule in app.url_map.iter_rules()}
    assert app.test_client().get("/api/openapi.json").json == DOCUMENT


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_every_answer_keeps_the_contract(app: Flask, path: str) -> None:
    client = app.test_client()
    answer = client.get(path)
    assert answer.status_code == 200
    check_answer(answer)
    check_answer(client.post(path))
    check_answer(client.get(path, headers={"If-None-Match": answer.headers.get("ETag", "")}))


def test_an_answer_off_the_contract_is_found(app: Flask) -> None:
    app.view_functions["api.config"] = lambda: DEFAULTS | {"more": 1}

    with pytest.raises(ValueError, match="more"):
        check_answer(app.test_client().get("/api/config"))


def test_only_answers_that_need_the_settings_read_them(connected: Flask, aws: FakeAws) -> None:
    client = connected.test_client()
    for path in ("/api/openapi.json", "/api/nothing"):
        client.get(path)
    assert aws.requests == []

    client.get("/api/config")
    client.get("/api/config")
    assert len(aws.requests) == 1


def test_a_setting_cannot_be_asked_for_by_name(connected: Flask, aws: FakeAws) -> None:
    aws.parameters["/serverless-flask/staging/private/secret_key"] = "canary"
    for path in ("/api/config/secret_key", "/api/config?name=../private/secret_key"):
        assert "secret_key" not in connected.test_client().get(path).text
    assert {body["Path"] for body in aws.asked("GetParametersByPath")} == {PREFIX}


def test_status_names_a_bad_parameter_and_nothing_returns_its_value(
    connected: Flask, aws: FakeAws
) -> None:
    aws.set(refresh_seconds="canary")
    client = connected.test_client()

    status, config = client.get("/api/status"), client.get("/api/config")

    assert status.json is not None
    assert status.json["components"][2] == {"id": "settings", "state": "degraded"}
    assert status.json["warnings"] == [
        "parameter refresh_seconds is not a whole number of seconds from 5 to 3600; set one"
    ]
    assert config.json is not None
    assert config.json["refresh_seconds"] == 30
    assert "canary" not in status.text + config.text


def test_status_says_where_there_is_no_history_to_read(app: Flask) -> None:
    answer = app.test_client().get("/api/status")

    assert answer.headers["Cache-Control"] == "public, max-age=0, s-maxage=30"
    assert answer.json is not None
    assert answer.json["state"] == "operational"
    assert answer.json["warnings"] == [
        "there is no CloudWatch to read; set ALARM_PREFIX and METRICS_NAMESPACE"
    ]


def test_status_reads_both_services_at_the_same_time(aws: FakeAws) -> None:
    aws.set(title="Status")
    client = create_app(SETTINGS).test_client()
    client.get("/api/status")

    operations = [operation for operation, _ in aws.requests]
    assert operations.index("GetParametersByPath") < operations.index("GetMetricData")


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


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_head_is_get_without_its_body_and_options_names_the_methods(app: Flask, path: str) -> None:
    client = app.test_client()
    got, head, options = client.get(path), client.head(path), client.options(path)

    assert head.status_code == got.status_code
    assert head.data == b""
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert options.status_code == 200
    assert set(options.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
