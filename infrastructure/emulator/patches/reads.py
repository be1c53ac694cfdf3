"""What a read of S3 answers while the object is being replaced."""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from . import mend

if TYPE_CHECKING:
    from collections.abc import Callable

    from . import Settings
    from .theirs import Theirs

_TRIES = 200
_PAUSE_SECONDS = 0.002


@mend(
    "whole-objects",
    found="2026-11-23",
    fault="a read beside a write answers the new length with the old bytes: the body ends early",
)
def answer_whole_objects(_: Settings) -> None:
    """Answer an object's old or its new state, as S3 does, and never a mixture.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
    """
    from ministack.services import s3

    original = s3._get_object
    s3._get_object = lambda *given: settled(lambda: original(*given))


def settled(read: Callable[[], Theirs]) -> Theirs:
    """Read until the length that is told is the body's: the record is written before the bytes."""
    answer = read()
    for _ in range(_TRIES):
        if is_whole(*answer):
            break
        time.sleep(_PAUSE_SECONDS)
        answer = read()
    return answer


def is_whole(status: int, headers: dict[str, str], body: object) -> bool:
    """Whether a full answer has as many bytes as it tells."""
    told = headers.get("Content-Length")
    return status != 200 or told is None or not isinstance(body, bytes) or int(told) == len(body)
