"""Logs as JSON, one line a record, on standard output, where Lambda collects them.

Whatever a caller sends ends up inside a JSON string, so that it cannot start a line of its own.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lambda_adapter import request_ids

if TYPE_CHECKING:
    from typing import TextIO

_encode = json.JSONEncoder(default=str, skipkeys=True).encode
# What a record has besides the `extra` of its log call; and names that are Lambda's.
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "timestamp", "level"}


class AccessLogEntry:
    """What one invocation writes to the log: the attributes that were set, and no others.

    Not a dataclass, which takes a millisecond of the cold start to make.
    """

    request_id: str | None = None
    lambda_request_id: str | None = None
    source: str | None = None
    method: str
    path: str
    route: str
    """The URL rule that Flask or Werkzeug found for the path."""
    trace: str
    """X-Ray's id."""
    error: str
    """Why the request or its response was refused, or the event raised."""
    exception: str
    queue: str
    messages: int
    failed: int
    command: str
    exit_status: int | None
    environments: int
    available: int | None = None
    problems: list[str]

    def __init__(self, *, cold_start: bool) -> None:
        self.cold_start = cold_start
        self.status = 500
        self.duration_ms = 0.0


class LogStream:
    """Standard output as it was when the function started, whatever the application makes of it.

    Put in the place of `sys.stdout` it also learns of a line that the application left open, as
    `print(".", end="")` does: a record that follows starts a line of its own.
    """

    def __init__(self, stream: TextIO) -> None:
        self._text = stream
        # Below the wrappers of Lambda's runtime client, which cost as much as the encoding.
        self._bytes = stream.buffer
        self._printed = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._text, name)

    def write(self, text: str) -> int:
        """Write what the application prints."""
        self._printed = text or self._printed
        return self._text.write(text)

    def write_record(
        self, level: str, message: str, fields: dict[str, Any], suffix: str = ""
    ) -> None:
        """Write one record. Fields that JSON does not know are written as their text.

        `suffix` is members in JSON that are encoded already, each after a comma. Lambda files a
        line by its `timestamp` and `level`:
        https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
        """
        seconds = time.time()
        timestamp = f"{_format_second(int(seconds))}.{int(seconds * 1000) % 1000:03d}Z"
        record = {"timestamp": timestamp, "level": level, "message": message, **fields}
        line = f"{_encode(record)[:-1]}{suffix}}}\n"
        if self._printed:
            self._text.flush()
            line = line if self._printed.endswith("\n") else f"\n{line}"
            self._printed = ""
        self._bytes.write(line.encode())
        self._bytes.flush()


class JsonHandler(logging.Handler):
    """Writes the records of `logging` as JSON lines, with the request's id where there is one."""

    def __init__(self, log: LogStream) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, with its `extra`."""
        try:
            fields = {name: vars(record)[name] for name in vars(record).keys() - _STANDARD}
            fields["logger"] = record.name
            if request_id := request_ids.current.get():
                fields["request_id"] = request_id
            if record.exc_info:
                fields["exception"] = logging.Formatter().formatException(record.exc_info)
            if record.stack_info:
                fields["stack"] = record.stack_info
            self._log.write_record(record.levelname, record.getMessage(), fields)
        except Exception:  # A log call must never break what it reports on.
            self.handleError(record)


def install(level: str) -> LogStream:
    """Let all loggers write JSON lines from this level up; Lambda's own handler writes text."""
    log = LogStream(sys.stdout)
    sys.stdout = log
    root = logging.getLogger()
    root.setLevel(level)
    root.handlers = [JsonHandler(log)]
    return log


def encode_members(fields: dict[str, Any]) -> str:
    """Return fields as a `suffix` for `LogStream.write_record`."""
    return f", {_encode(fields)[1:-1]}"


@lru_cache(maxsize=1)
def _format_second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
