"""The API's contract, in OpenAPI 3.1: https://spec.openapis.org/oas/v3.1.0 ."""

from __future__ import annotations

from typing import Any

_Schema = dict[str, Any]


def document(release: str) -> _Schema:
    """Describe what this release answers."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Serverless Flask",
            "version": release,
            "description": "What runs in this environment, how it is, and what it is set to.",
        },
        "paths": {
            "/api/health": _read("health", "The process answers", "Health"),
            "/api/ready": _read("ready", "Everything it needs is there", "Readiness", 503),
            "/api/version": _read("version", "What is running", "Version"),
            "/api/config": _read("config", "The public settings", "Config", 304),
            "/api/status": _read("status", "How it is, and how it has been", "Status"),
            "/api/openapi.json": _read("openapi", "This document", "OpenApi", 304),
        },
        "components": {
            "schemas": _SCHEMAS,
            "responses": {
                "Problem": {
                    "description": "Anything that went wrong, as RFC 9457 has it",
                    "headers": _REQUEST_ID,
                    "content": {"application/problem+json": {"schema": _ref("Problem")}},
                },
                "NotModified": {
                    "description": "The caller's copy is still right",
                    "headers": _REQUEST_ID,
                },
            },
        },
    }


def _read(name: str, summary: str, schema: str, *also: int) -> _Schema:
    answers: _Schema = {
        "200": {
            "description": summary,
            "headers": _REQUEST_ID,
            "content": {"application/json": {"schema": _ref(schema)}},
        },
        "default": {"$ref": "#/components/responses/Problem"},
    }
    if 304 in also:
        answers["304"] = {"$ref": "#/components/responses/NotModified"}
    if 503 in also:
        answers["503"] = answers["200"] | {"description": "Something it needs is missing"}
        answers["503"]["headers"] = _REQUEST_ID | {
            "Retry-After": {"description": "Seconds to wait", "schema": _integer(1)}
        }
    asked = [_REQUEST_ID_GIVEN, *([_COPY_KEPT] if 304 in also else [])]
    operation = {"operationId": name, "summary": summary, "parameters": asked}
    return {"get": operation | {"responses": answers}}


def _ref(schema: str) -> _Schema:
    return {"$ref": f"#/components/schemas/{schema}"}


def _object(**properties: _Schema) -> _Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _string(**more: object) -> _Schema:
    return {"type": "string", **more}


def _integer(minimum: int, **more: object) -> _Schema:
    return {"type": "integer", "minimum": minimum, **more}


def _array(items: _Schema, **more: object) -> _Schema:
    return {"type": "array", "items": items, **more}


_BOOLEAN: _Schema = {"type": "boolean"}
_REQUEST_ID: _Schema = {
    "X-Request-Id": {
        "description": "Names this request in the logs",
        "schema": _string(pattern="^[A-Za-z0-9._=-]{1,128}$"),
    }
}
_REQUEST_ID_GIVEN: _Schema = {
    "name": "X-Request-Id",
    "in": "header",
    "description": "An id of the caller's own; one that is not harmless is replaced",
    "schema": _string(),
}
_COPY_KEPT: _Schema = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of the copy that the caller has",
    "schema": _string(),
}
_STATE = _string(enum=["operational", "degraded", "outage", "unknown"])
_TIME = _string(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")
_COUNT = _integer(0)
_MILLISECONDS: _Schema = {"type": ["number", "null"], "minimum": 0}
_LATENCY = {"p50": _MILLISECONDS, "p95": _MILLISECONDS, "p99": _MILLISECONDS}
_UNLESS_UNREAD: _Schema = {"type": ["integer", "null"], "minimum": 0}
_SCHEMAS: _Schema = {
    "Health": _object(status=_string(const="ok")),
    "Readiness": _object(
        status=_string(enum=["ready", "degraded", "not ready"]),
        settings=_object(
            source=_string(enum=["defaults", "parameter-store"]),
            age_seconds=_UNLESS_UNREAD,
            faults=_array(_string()),
        ),
    ),
    "Version": _object(
        environment=_string(minLength=1),
        release=_string(minLength=1),
        commit=_string(pattern="^([0-9a-f]{40})?$"),
        function_version=_string(minLength=1),
        python=_string(pattern="^3\\.[0-9]+\\.[0-9]+"),
        cold_start=_BOOLEAN,
    ),
    "Config": _object(
        title=_string(minLength=1, maxLength=80),
        notice=_string(maxLength=500),
        refresh_seconds=_integer(5, maximum=3600),
        maintenance=_BOOLEAN,
    ),
    "Status": _object(
        state=_STATE,
        as_of=_TIME | {"type": ["string", "null"]},
        age_seconds=_UNLESS_UNREAD,
        faults=_array(_string(minLength=1)),
        components=_array(
            _object(id=_string(enum=["api", "site", "settings"]), state=_STATE),
            minItems=3,
            maxItems=3,
        ),
        last_24_hours=_object(
            requests=_UNLESS_UNREAD,
            errors=_UNLESS_UNREAD,
            cold_starts=_UNLESS_UNREAD,
            latency_ms=_object(**_LATENCY),
            hours=_array(
                _object(start=_TIME, requests=_COUNT, errors=_COUNT, **_LATENCY), maxItems=24
            ),
        ),
        availability=_array(
            _object(
                date=_string(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
                checks=_COUNT,
                percent={"type": ["number", "null"], "minimum": 0, "maximum": 100},
            ),
            maxItems=90,
        ),
        alarms=_array(_object(name=_string(minLength=1), description=_string(), since=_TIME)),
    ),
    "OpenApi": {
        "type": "object",
        "properties": {"openapi": _string(const="3.1.0")},
        "required": ["openapi", "info", "paths", "components"],
    },
    "Problem": _object(
        type=_string(),
        title=_string(minLength=1),
        status=_integer(400, maximum=599),
        detail=_string(minLength=1),
        request_id=_string(pattern="^[A-Za-z0-9._=-]{1,128}$"),
    ),
}
