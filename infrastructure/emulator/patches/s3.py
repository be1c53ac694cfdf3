"""S3: reads beside writes, and the condition keys of writes."""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from emulator.patches import patch

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.patches import Settings
    from emulator.patches.upstream import Upstream

_ATTEMPTS = 200
_PAUSE_SECONDS = 0.002


@patch("whole-objects", "a read beside a write ends early: a page breaks during a deploy")
def answer_whole_objects(_: Settings) -> None:
    """Read an object's old or its new state, and never a mixture.

    Report: "GetObject beside PutObject returns the new Content-Length with the old body".
    The record of an object is written before its bytes.
    AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
    Reproduce: put two bodies of different lengths in turns while another thread reads. It takes
    many rounds; there is no test without this patch.
    """
    from ministack.services import s3

    original = s3._get_object
    s3._get_object = lambda *given: read_until_whole(lambda: original(*given))


def read_until_whole(read: Callable[[], Upstream]) -> Upstream:
    """Read until the length in the headers is the length of the body, where both are known."""
    for _ in range(_ATTEMPTS):
        status, headers, body = response = read()
        length = headers.get("Content-Length")
        if status != 200 or length is None or not isinstance(body, bytes):
            break
        if int(length) == len(body):
            break
        time.sleep(_PAUSE_SECONDS)
    return response


@patch("conditional-write-keys", "what a bucket policy protects from overwriting is overwritten")
def name_conditional_writes(_: Settings) -> None:
    """Give s3:PutObject the condition keys by which a bucket policy enforces conditional writes.

    Report: "s3:if-none-match and s3:ObjectCreationOperation are not condition keys".
    AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    Reproduce: deny s3:PutObject where s3:if-none-match is null, then put without If-None-Match.
    """
    from ministack.core import iam_actions

    original = iam_actions.s3_service_context

    def s3_service_context(
        action: str, query: Upstream, path: str = "", headers: Upstream = None
    ) -> dict[str, Any]:
        context: dict[str, Any] = original(action, query, path, headers)
        if action == "s3:PutObject":
            context |= write_keys(query or {}, headers or {})
        return context

    iam_actions.s3_service_context = s3_service_context


def write_keys(query: dict[str, Any], headers: dict[str, str]) -> dict[str, str]:
    """Return the keys of a write; the parts of an upload make no object, its completion does."""
    creates = "uploads" not in query and "partNumber" not in query
    keys = {"s3:ObjectCreationOperation": "true" if creates else "false"}
    given = ("if-none-match", "if-match")
    return keys | {f"s3:{name}": headers[name] for name in given if name in headers}
