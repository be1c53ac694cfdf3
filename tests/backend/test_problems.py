from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from flask import Response, abort, redirect
from werkzeug.exceptions import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask


def answer(app: Flask, view: Callable[[], Any], **request: Any) -> Any:
    app.add_url_rule("/view", view_func=view, methods=["GET", "POST"])
    return app.test_client().open("/view", headers={"X-Request-Id": "abc-1"}, **request)


def test_an_unknown_path_is_a_problem(app: Flask) -> None:
    got = app.test_client().get("/api/nothing", headers={"X-Request-Id": "abc-1"})

    assert got.status_code == 404
    assert got.content_type == "application/problem+json"
    assert got.headers["Cache-Control"] == "no-store"
    assert got.headers["X-Request-Id"] == "abc-1"
    assert got.json is not None
    assert got.json | {"detail": ""} == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "",
        "request_id": "abc-1",
    }


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(app: Flask) -> None:
    got = app.test_client().delete("/api/health")

    assert got.status_code == 405
    assert got.content_type == "application/problem+json"
    assert set(got.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_a_reason_given_to_abort_is_the_detail(app: Flask) -> None:
    assert answer(app, lambda: abort(409, "Taken; choose another.")).json == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "Taken; choose another.",
        "request_id": "abc-1",
    }


def test_an_unexpected_error_tells_its_id_and_nothing_else(
    app: Flask, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    def view() -> NoReturn:
        raise RuntimeError("canary")

    got = answer(app, view)

    assert got.status_code == 500
    assert got.json["title"] == "Internal Server Error"
    assert got.json["request_id"] == "abc-1"
    assert "canary" not in got.text
    assert "Traceback" not in got.text
    (line,) = log_lines()
    assert "RuntimeError: canary" in line["exception"]
    assert line["request_id"] == "abc-1"


def test_the_reason_of_an_abort_with_500_is_not_told(app: Flask) -> None:
    got = answer(app, lambda: abort(500, "canary"))

    assert got.status_code == 500
    assert "canary" not in got.text


def test_a_broken_body_is_a_problem(app: Flask) -> None:
    from flask import request

    got = answer(app, lambda: request.get_json(), method="POST", data="{", content_type="text/json")
    assert got.status_code == 415
    got = app.test_client().post("/view", data="{", content_type="application/json")
    assert got.status_code == 400
    assert got.content_type == "application/problem+json"


def test_redirects_and_ready_made_answers_pass_as_they_are(app: Flask) -> None:
    app.add_url_rule("/made", view_func=lambda: abort(Response("mine", 418)), endpoint="made")
    app.add_url_rule("/moved", view_func=lambda: abort(redirect("/elsewhere")), endpoint="moved")
    app.add_url_rule("/kept", view_func=_conflict_with_an_answer, endpoint="kept")
    client = app.test_client()

    made, moved, kept = client.get("/made"), client.get("/moved"), client.get("/kept")

    assert (made.status_code, made.text) == (418, "mine")
    assert (kept.status_code, kept.text) == (409, "mine")
    assert (moved.status_code, moved.headers["Location"]) == (302, "/elsewhere")


def _conflict_with_an_answer() -> NoReturn:
    raise Conflict(response=Response("mine", 409))


@pytest.mark.parametrize("path", ["/api//health", "/api/health//", "//evil.example/", "/api/../x"])
def test_no_redirect_is_ever_made_from_a_path(app: Flask, path: str) -> None:
    got = app.test_client().open(base_url="http://localhost", path=path)

    assert got.status_code in (200, 404)
    assert "Location" not in got.headers


def test_a_missing_slash_at_the_end_is_no_redirect_either(app: Flask) -> None:
    app.add_url_rule("/folder/", view_func=lambda: "here", endpoint="folder")

    assert app.test_client().get("/folder").text == "here"
