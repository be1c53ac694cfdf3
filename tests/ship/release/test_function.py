import io
import json
from typing import Any

import pytest

from ship.errors import CheckFailedError
from ship.release.function import Function

TRACE = ['  File "a.py", line 1\n    b()\n', '  File "b.py", line 2\n    1 / 0\n']


class Lambda:
    """Answers each invocation with the same payload."""

    def __init__(self, payload: bytes, *, is_error: bool = False) -> None:
        self._response = {"FunctionError": "Unhandled"} if is_error else {}
        self._payload = payload

    def invoke(self, **request: Any) -> dict[str, Any]:
        return {**self._response, "Payload": io.BytesIO(self._payload)}


def invoke(client: Lambda) -> dict[str, Any]:
    return Function(client, "f", "live").invoke("7", {})


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"errorMessage": "Task timed out"}, "version 7 failed: Task timed out"),
        ({"errorType": "Runtime.ExitError"}, "version 7 failed: Runtime.ExitError: no message"),
        (
            {"errorType": "E", "errorMessage": "bad", "stackTrace": TRACE},
            'version 7 failed: E: bad (File "a.py", line 1; b(); File "b.py", line 2; 1 / 0)',
        ),
        (
            {"errorType": "E", "errorMessage": "bad\n  1\n  2\n\n  3\n  4\n  5", "stackTrace": []},
            "version 7 failed: E: bad (2; 3; 4; 5)",
        ),
    ],
)
def test_a_function_that_fails_says_why_in_one_line(error: dict[str, Any], said: str) -> None:
    with pytest.raises(CheckFailedError) as raised:
        invoke(Lambda(json.dumps(error).encode(), is_error=True))

    assert str(raised.value) == said


@pytest.mark.parametrize("payload", [b"", b"null", b'"text"', b"[]", b"<html>"])
def test_a_response_that_is_not_an_object_is_a_failed_check(payload: bytes) -> None:
    with pytest.raises(CheckFailedError, match="version 7 answered with"):
        invoke(Lambda(payload))
