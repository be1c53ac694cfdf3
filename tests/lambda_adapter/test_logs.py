import io
import logging
import re
import sys
from collections.abc import Iterator

import pytest

from lambda_adapter import logs, request_ids
from tests.lambda_adapter.in_memory import Log


@pytest.fixture
def logger(log: Log) -> Iterator[logging.Logger]:
    """A logger whose records are written as JSON."""
    logger = logging.getLogger("shop")
    logger.handlers = [logs.JsonHandler(log)]
    logger.setLevel("INFO")
    logger.propagate = False
    yield logger
    logger.handlers, logger.propagate = [], True


def test_a_record_is_one_line_of_json(log: Log) -> None:
    suffix = logs.encode_members({"release": "20261123-42", "quote": '"'})
    fields = {"path": "/\u2028x", "type": set, "level": "INFO"}
    log.write_record("INFO", 'two\nlines\r and a "quote"', fields, suffix)

    (record,) = log.records()
    assert record["message"] == 'two\nlines\r and a "quote"'
    assert record["path"] == "/\u2028x"
    assert record["type"] == "<class 'set'>"
    assert record["release"] == "20261123-42"
    assert record["quote"] == '"'


def test_the_time_is_utc_in_milliseconds(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write_record("INFO", "now", {})
    monkeypatch.setattr("time.time", lambda: 0.9999)
    log.write_record("INFO", "then", {})

    now, then = log.records()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", now["timestamp"])
    assert then["timestamp"] == "1970-01-01T00:00:00.999Z"


def test_what_the_application_logs_carries_the_request_id(log: Log, logger: logging.Logger) -> None:
    token = request_ids.current.set("abc-1")
    logger.info("stored %d", 3)
    request_ids.current.reset(token)
    logger.warning("outside")

    inside, outside = log.records()
    assert (inside["message"], inside["level"], inside["logger"]) == ("stored 3", "INFO", "shop")
    assert inside["request_id"] == "abc-1"
    assert "request_id" not in outside


def test_a_trace_a_stack_and_what_is_extra_stay_within_their_record(
    log: Log, logger: logging.Logger
) -> None:
    extra = {"order": 4711, "timestamp": "forged", "level": "forged"}
    logger.error("x", exc_info=RuntimeError("two\nlines"), stack_info=True, extra=extra)

    (record,) = log.records()
    assert "RuntimeError: two\nlines" in record["exception"]
    assert record["stack"].startswith("Stack (most recent call last):\n")
    assert record["order"] == 4711
    assert (record["level"], record["timestamp"] == "forged") == ("ERROR", False)


def test_a_record_that_cannot_be_written_breaks_nothing(
    log: Log, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger.info("%d", "not a number")

    assert log.records() == []


def test_a_record_starts_a_line_of_its_own_whatever_was_printed_before(log: Log) -> None:
    log.write_record("INFO", "a", {})
    print("whole", file=log)
    log.write_record("INFO", "b", {})
    print("open", end="", file=log)
    log.write_record("INFO", "c", {})
    log.write_record("INFO", "d", {})

    lines = log.text().splitlines()
    assert [line[0] for line in lines] == ["{", "w", "{", "o", "{", "{"]


def test_all_loggers_write_to_standard_output_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(memory))
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        stream = logs.install("WARNING")
        assert sys.stdout is stream
        assert stream.encoding
        sys.stdout = io.StringIO()
        logging.getLogger("library").info("quiet")
        logging.getLogger("library").warning("loud")
    finally:
        root.handlers = handlers
        root.setLevel(level)

    assert b'"message": "loud"' in memory.getvalue()
    assert b"quiet" not in memory.getvalue()
