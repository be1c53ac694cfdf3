import base64
import json
from typing import Any

import pytest

from ship.errors import CheckFailedError
from ship.release import pre_traffic

RELEASE = "20261123-42-1a2b3c4"


class Function:
    """Answers as a good release does, except for some paths."""

    def __init__(self, **other: dict[str, Any]) -> None:
        self.paths: list[str] = []
        self._other = other

    def invoke(self, version: str, event: dict[str, Any]) -> dict[str, Any]:
        assert version == "7"
        path = event["rawPath"]
        self.paths.append(path)
        good = response(200, json.dumps({"release": RELEASE}))
        return self._other.get(path.removeprefix("/-/"), good)


def response(status: int, body: str, *, is_base64: bool = False) -> dict[str, Any]:
    return {"statusCode": status, "body": body, "isBase64Encoded": is_base64}


def check(function: Function) -> None:
    pre_traffic.check_version(function, "7", RELEASE)  # type: ignore[arg-type]


def test_only_the_platforms_own_endpoints_are_asked_and_a_body_may_be_in_base64() -> None:
    body = base64.b64encode(json.dumps({"release": RELEASE}).encode()).decode()
    function = Function(version=response(200, body, is_base64=True))

    check(function)

    assert function.paths == ["/-/health", "/-/version"]


@pytest.mark.parametrize(
    ("path", "other", "said"),
    [
        ("health", response(500, "{}"), "answers /-/health with 500"),
        ("version", response(404, "nothing"), "with 404: nothing"),
        ("version", response(200, '{"release": "another"}'), "is release another, not"),
        ("version", response(200, "{}"), "is release None, not"),
        ("health", response(200, "<html>"), "not answered with JSON"),
        ("health", response(200, "é", is_base64=True), "not answered with JSON"),
        ("health", response(200, "[]"), "not answered with an object"),
        ("health", {"statusCode": 200}, "not answered with JSON"),
        ("health", {}, "with None"),
    ],
)
def test_what_a_good_release_would_not_answer_is_found(
    path: str, other: dict[str, Any], said: str
) -> None:
    with pytest.raises(CheckFailedError, match=said):
        check(Function(**{path: other}))


def test_a_version_that_does_not_start_is_said_to_be_too_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    function = Function()

    def fail(said: str) -> None:
        def invoke(*_: object) -> None:
            raise CheckFailedError(f"version 7 failed: {said}")

        monkeypatch.setattr(function, "invoke", invoke)

    fail("Sandbox.Timedout: Task timed out after 10.00 seconds")
    with pytest.raises(CheckFailedError, match=r"10\.00 seconds: the application does not start"):
        check(function)
    fail("ImportError: no module")
    with pytest.raises(CheckFailedError, match=r"no module$"):
        check(function)
