from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lambda_adapter.contract import DOCUMENT, assert_keeps_contract, check

if TYPE_CHECKING:
    from flask import Flask


def test_the_document_names_every_address_and_no_other(app: Flask) -> None:
    assert set(DOCUMENT["paths"]) == {rule.rule for rule in app.url_map.iter_rules()}


def test_every_answer_keeps_the_contract(app: Flask) -> None:
    client = app.test_client()
    for path in DOCUMENT["paths"]:
        answer = client.get(path)
        assert answer.status_code == 200
        assert_keeps_contract(answer)
        assert_keeps_contract(client.post(path))
        etag = answer.headers.get("ETag")
        if etag:
            assert_keeps_contract(client.get(path, headers={"If-None-Match": etag}))


def test_the_document_carries_the_release(app: Flask) -> None:
    answer = app.test_client().get("/api/openapi.json").json

    assert answer is not None
    assert answer["openapi"] == "3.1.0"
    assert answer["info"]["version"] == "20261123-42-1a2b3c4"


def test_an_answer_off_the_contract_is_found(app: Flask) -> None:
    wrong = create_app_with_wrong_health()

    with pytest.raises(AssertionError, match="more than is foreseen"):
        assert_keeps_contract(wrong.test_client().get("/api/health"))


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (1, {"type": "string"}),
        (True, {"type": "integer"}),
        ({}, {"type": "object", "required": ["a"]}),
        ("b", {"enum": ["a"]}),
        ("", {"minLength": 1}),
        ([1], {"type": "array", "items": {"type": "string"}}),
        ("x", {"format": "date"}),
    ],
)
def test_the_check_itself_can_fail(value: object, schema: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        check(value, schema, "value")


def create_app_with_wrong_health() -> Flask:
    from app import create_app
    from lambda_adapter.config import Settings

    app = create_app(Settings())
    app.view_functions["api.health"] = lambda: {"status": "ok", "more": 1}
    return app
