"""Compares answers with the application's OpenAPI document."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
from werkzeug.test import TestResponse

import app

DOCUMENT = json.loads(Path(app.__file__).with_name("openapi.json").read_text("utf-8"))


def check_body(body: object, schema: str) -> None:
    """Fail unless a body fits the schema of that name."""
    reference = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    jsonschema_rs.validate(reference, body)


def check_answer(answer: TestResponse) -> None:
    """Fail unless the document foresees this answer: its status, media type and body."""
    responses = DOCUMENT["paths"][answer.request.path]["get"]["responses"]
    expected: Any = responses.get(str(answer.status_code), responses["default"])
    if "$ref" in expected:
        expected = DOCUMENT["components"]["responses"][expected["$ref"].rpartition("/")[2]]
    if "content" not in expected:
        assert answer.data == b""
        return
    schema = expected["content"][answer.content_type]["schema"]["$ref"]
    check_body(json.loads(answer.data), schema.rpartition("/")[2])
