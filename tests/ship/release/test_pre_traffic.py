"""A version is asked with API Gateway's events before any user reaches it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ship.errors import CheckFailedError
from ship.release import pre_traffic

RELEASE = "20261123-42-1a2b3c4"


class Version:
    """Answers as a good release does, but for one path."""

    def __init__(self, path: str = "", answer: dict[str, Any] | None = None) -> None:
        self.asked: list[str] = []
        self._spoiled = {f"/api/{path}": answer}

    def invoke(self, version: str, event: dict[str, Any]) -> dict[str, Any]:
        assert version == "7"
        path = event["rawPath"]
        self.asked.append(path)
        status = 404 if path == "/api/no-such" else 200
        return self._spoiled.get(path) or answer(status, json.dumps({"release": RELEASE}))


def answer(status: int, body: str, *, is_base64: bool = False) -> dict[str, Any]:
    return {"statusCode": status, "body": body, "isBase64Encoded": is_base64}


def test_a_good_version_is_asked_for_all_that_matters() -> None:
    version = Version()

    pre_traffic.try_version(version, "7", RELEASE)  # type: ignore[arg-type]

    assert version.asked == ["/api/health", "/api/version", "/api/config", "/api/no-such"]


def test_an_answer_in_base64_is_read_too() -> None:
    body = base64.b64encode(json.dumps({"release": RELEASE}).encode()).decode()

    pre_traffic.try_version(Version("version", answer(200, body, is_base64=True)), "7", RELEASE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "spoiled", "said"),
    [
        ("health", answer(500, "{}"), "answers /api/health with 500, not 200"),
        ("config", answer(503, "{}"), "answers /api/config with 503, not 200"),
        ("no-such", answer(200, "{}"), "answers /api/no-such with 200, not 404"),
        ("version", answer(200, '{"release": "another"}'), "is release another, not"),
        ("health", answer(200, "<html>"), "answers no JSON"),
        ("health", answer(200, "é", is_base64=True), "answers no JSON"),
        ("health", answer(200, "[]"), "answers no object"),
        ("health", {"statusCode": 200}, "answers no JSON"),
    ],
)
def test_what_a_good_version_would_not_answer_is_found(
    path: str, spoiled: dict[str, Any], said: str
) -> None:
    with pytest.raises(CheckFailedError, match=said):
        pre_traffic.try_version(Version(path, spoiled), "7", RELEASE)  # type: ignore[arg-type]
