"""Logs as JSON, one line an event, on standard output, where Lambda collects them.

Whatever a caller sends ends up inside a JSON string, so that it cannot start a line of its
own.
"""

from __future__ import annotations

import json
import logging
import sys
import time

from flask import has_request_context

from backend import request_ids

LOGGER = "backend"


def write(level: str, message: str, **fields: object) -> None:
    """Write one event. Fields that JSON does not know are written as their text."""
    line = {"time": _timestamp(time.time()), "level": level, "message": message, **fields}
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


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
            write(record.levelname, record.getMessage(), **fields)
        except Exception:  # A log call must never break what it reports on.
            self.handleError(record)


def _timestamp(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds * 1000) % 1000:03d}Z"
