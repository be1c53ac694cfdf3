from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from lambda_adapter import logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask


def test_an_event_is_one_line_of_json(log_lines: Callable[[], list[dict[str, Any]]]) -> None:
    tail = logs.members({"release": "20261123-42", "quote": '"'})
    logs.write("INFO", 'two\nlines\r and a "quote"', {"path": "/\u2028x", "odd": set}, tail)

    (line,) = log_lines()
    assert line["message"] == 'two\nlines\r and a "quote"'
    assert line["path"] == "/\u2028x"
    assert line["odd"] == "<class 'set'>"
    assert line["release"] == "20261123-42"
    assert line["quote"] == '"'


def test_the_time_is_utc_in_milliseconds(log_lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.write("INFO", "now", {})

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", log_lines()[0]["timestamp"])
    assert logs._timestamp(0.9999) == "1970-01-01T00:00:00.999Z"


def test_what_the_application_logs_carries_the_request_id(
    app: Flask, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    with app.test_request_context(headers={"X-Request-Id": "abc-1"}):
        app.logger.info("stored %d", 3)
    logging.getLogger("backend.somewhere").warning("outside")

    inside, outside = log_lines()
    assert inside["message"] == "stored 3"
    assert inside["request_id"] == "abc-1"
    assert outside["logger"] == "backend.somewhere"
    assert "request_id" not in outside


def test_a_trace_stays_within_its_line(
    app: Flask, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    app.logger.error("failed", exc_info=RuntimeError("two\nlines"))

    (line,) = log_lines()
    assert line["level"] == "ERROR"
    assert "RuntimeError: two\nlines" in line["exception"]


def test_the_level_holds(app: Flask, log_lines: Callable[[], list[dict[str, Any]]]) -> None:
    logs.install("WARNING")
    app.logger.info("quiet")
    app.logger.warning("loud")

    assert [line["message"] for line in log_lines()] == ["loud"]


def test_a_record_that_cannot_be_written_breaks_nothing(app: Flask) -> None:
    raising = logging.raiseExceptions
    logging.raiseExceptions = False
    try:
        app.logger.info("%d", "no number")
    finally:
        logging.raiseExceptions = raising
