from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from flask import Flask, Response, abort, redirect, request
from werkzeug.exceptions import Conflict

from tests.backend.contract import check_body


def ask(app: Flask, view: Callable[[], Any], **options: Any) -> Any:
    app.add_url_rule("/view", view_func=view, methods=["GET", "POST"])
    return app.test_client().open(
        "/view", environ_overrides={"lambda_adapter.request_id": "abc-1"}, **options
    )


def test_an_unknown_path_is_a_problem(app: Flask) -> None:
    answer = app.test_client().get("/api/nothing")

    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    check_body(answer.json, "Problem")


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(app: Flask) -> None:
    answer = app.test_client().delete("/api/config")

    assert answer.status_code == 405
    assert answer.content_type == "application/problem+json"
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_a_problem_has_the_reason_given_to_abort_and_the_request_id_of_the_adapter(
    app: Flask,
) -> None:
    assert ask(app, lambda: abort(409, "Taken; choose another.")).json == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "Taken; choose another.",
        "request_id": "abc-1",
    }


def test_an_unexpected_error_is_logged_and_answered_without_what_it_was(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def view() -> NoReturn:
        raise RuntimeError("canary")

    answer = ask(app, view)

    assert answer.status_code == 500
    check_body(answer.json, "Problem")
    assert answer.json["request_id"] == "abc-1"
    assert "canary" not in answer.text
    assert "RuntimeError: canary" in caplog.text


def test_the_reason_of_an_abort_with_500_is_not_sent(app: Flask) -> None:
    answer = ask(app, lambda: abort(500, "canary"))

    assert answer.status_code == 500
    assert "canary" not in answer.text


@pytest.mark.parametrize(
    ("content_type", "status"), [("text/json", 415), ("application/json", 400)]
)
def test_a_broken_body_is_a_problem(app: Flask, content_type: str, status: int) -> None:
    answer = ask(
        app, lambda: request.get_json(), method="POST", data="{", content_type=content_type
    )

    assert answer.status_code == status
    check_body(answer.json, "Problem")


def test_redirects_and_ready_made_answers_pass_as_they_are(app: Flask) -> None:
    def conflict() -> NoReturn:
        raise Conflict(response=Response("mine", 409))

    app.add_url_rule("/made", view_func=lambda: abort(Response("mine", 418)), endpoint="made")
    app.add_url_rule("/moved", view_func=lambda: abort(redirect("/elsewhere")), endpoint="moved")
    app.add_url_rule("/conflict", view_func=conflict, endpoint="conflict")
    client = app.test_client()

    made, moved, conflicting = client.get("/made"), client.get("/moved"), client.get("/conflict")

    assert (made.status_code, made.text) == (418, "mine")
    assert (conflicting.status_code, conflicting.text) == (409, "mine")
    assert (moved.status_code, moved.headers["Location"]) == (302, "/elsewhere")


@pytest.mark.parametrize("path", ["/api//config", "/api/config//", "//evil.example/", "/api/../x"])
def test_no_redirect_is_ever_made_from_a_path(app: Flask, path: str) -> None:
    answer = app.test_client().open(base_url="http://localhost", path=path)

    assert answer.status_code in (200, 404)
    assert "Location" not in answer.headers


def test_a_missing_slash_at_the_end_does_not_redirect(app: Flask) -> None:
    app.add_url_rule("/folder/", view_func=lambda: "here", endpoint="folder")

    assert app.test_client().get("/folder").text == "here"
