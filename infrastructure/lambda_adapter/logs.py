"""Logs as JSON, one line an event, on standard output, where Lambda collects them.

Whatever a caller sends ends up inside a JSON string, so that it cannot start a line of its
own.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from flask import has_request_context

from lambda_adapter import request_ids

if TYPE_CHECKING:
    from typing import BinaryIO, TextIO

LOGGER = "backend"
_encode = json.JSONEncoder(default=str).encode


def write(level: str, message: str, fields: dict[str, object], tail: str = "") -> None:
    """Write one event. Fields that JSON does not know are written as their text.

    `tail` is members in JSON that somebody wrote already, each after a comma. Lambda files a
    line by its `timestamp` and `level`:
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    """
    line = {"timestamp": _timestamp(time.time()), "level": level, "message": message, **fields}
    out = _bytes(sys.stdout)
    out.write(f"{_encode(line)[:-1]}{tail}}}\n".encode())
    out.flush()


def members(fields: dict[str, object]) -> str:
    """Return fields as a `tail` for `write`, for those that are the same on many lines."""
    return f", {_encode(fields)[1:-1]}"


def install(level: str, name: str = LOGGER) -> None:
    """Let the logger of this name write such lines and nothing else, from this level up.

    The root logger's name is empty.
    """
    logger = logging.getLogger(name)
    logger.setLevel(level)
    logger.propagate = False
    logger.handlers = [JsonHandler()]


class JsonHandler(logging.Handler):
    """Writes the records of `logging` as JSON lines, with the request's id where there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            fields: dict[str, object] = {"logger": record.name}
            if has_request_context():
                fields["request_id"] = request_ids.current()
            if record.exc_info:
                fields["exception"] = logging.Formatter().formatException(record.exc_info)
            write(record.levelname, record.getMessage(), fields)
        except Exception:  # A log call must never break what it reports on.
            self.handleError(record)


@lru_cache(maxsize=1)
def _bytes(stream: TextIO) -> BinaryIO:
    """Return what is below the runtime client's wrappers, which cost as much as the encoding."""
    return stream.buffer


def _timestamp(seconds: float) -> str:
    return f"{_second(int(seconds))}.{int(seconds * 1000) % 1000:03d}Z"


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
