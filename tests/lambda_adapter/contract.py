"""Checks answers against the application's own OpenAPI document."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from app.openapi import document

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

DOCUMENT = document("development")


def assert_keeps_contract(answer: TestResponse) -> None:
    """Fail unless the document foresees this answer: status, media type, headers and body."""
    responses = DOCUMENT["paths"][answer.request.path]["get"]["responses"]
    expected = _resolved(responses.get(str(answer.status_code), responses["default"]))
    for name, header in expected.get("headers", {}).items():
        assert name in answer.headers, f"{name} is missing"
        if header["schema"]["type"] == "string":
            check(answer.headers[name], header["schema"], name)
    if "content" not in expected:
        assert answer.data == b""
        return
    assert answer.content_type in expected["content"], answer.content_type
    check(json.loads(answer.data), expected["content"][answer.content_type]["schema"], "body")


def check(value: object, schema: dict[str, Any], where: str) -> None:
    """Fail unless the value fits; knows the keywords that the document uses, and no others."""
    schema = _resolved(schema)
    unknown = schema.keys() - _KEYWORDS.keys() - {"properties", "items", "additionalProperties"}
    assert not unknown, f"{where}: {unknown} is not checked here; add it"
    for keyword in schema.keys() & _KEYWORDS.keys():
        assert _KEYWORDS[keyword](value, schema[keyword]), f"{where}: {value!r} fails {keyword}"
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is False:
            assert not value.keys() - properties.keys(), f"{where}: more than is foreseen"
        for name in value.keys() & properties.keys():
            check(value[name], properties[name], f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for item in value:
            check(item, schema["items"], f"{where}[]")


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Any = DOCUMENT
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return _resolved(found)


def _is_of_type(value: object, names: str | list[str]) -> bool:
    return any(
        isinstance(value, _TYPES[name]) and isinstance(value, bool) == (name == "boolean")
        for name in ([names] if isinstance(names, str) else names)
    )


_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": int | float,
    "boolean": bool,
    "null": type(None),
}
_KEYWORDS: dict[str, Any] = {
    "type": _is_of_type,
    "const": lambda value, wanted: value == wanted,
    "enum": lambda value, wanted: value in wanted,
    "pattern": lambda value, wanted: value is None or re.search(wanted, value) is not None,
    "minLength": lambda value, wanted: len(value) >= wanted,
    "maxLength": lambda value, wanted: len(value) <= wanted,
    "minItems": lambda value, wanted: len(value) >= wanted,
    "maxItems": lambda value, wanted: len(value) <= wanted,
    "minimum": lambda value, wanted: value is None or value >= wanted,
    "maximum": lambda value, wanted: value is None or value <= wanted,
    "required": lambda value, wanted: set(wanted) <= value.keys(),
}
