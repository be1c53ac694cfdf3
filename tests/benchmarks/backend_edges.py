# ruff: noqa: T201 - it prints its tables.
"""Compares entry points around one Flask application: what odd events do to them, and the time.

Run it from the root of the repository: `python -m tests.benchmarks.backend_edges`. It compares
those that are installed; `pip install apig-wsgi mangum asgiref` brings the others.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import json
import logging
import statistics
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import serverless_wsgi

from backend import create_app
from backend.config import Settings
from backend.edge import Edge
from tests.events import http_api
from tests.events.odd import corpus

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

KINDS = ("raises", "malformed", "500", "fine")
ROUNDS, CALLS = 21, 200


class Context:
    """As much of Lambda's context as the entry points look at."""

    aws_request_id = "8f507cfc-0000-4697-b07a-ac58fc914c95"
    function_name = "serverless-flask-dev"


def entry_points(app: Flask) -> dict[str, Callable[[Any, Any], Any]]:
    """Return the entry points that are installed, by name."""
    found: dict[str, Callable[[Any, Any], Any]] = {
        "this one": Edge(app, Settings()),
        "serverless-wsgi": lambda event, context: serverless_wsgi.handle_request(
            app, event, context
        ),
    }
    with contextlib.suppress(ImportError):
        found["apig-wsgi"] = importlib.import_module("apig_wsgi").make_lambda_handler(app)
    with contextlib.suppress(ImportError):
        wrapped = importlib.import_module("asgiref.wsgi").WsgiToAsgi(app)
        found["Mangum"] = importlib.import_module("mangum").Mangum(wrapped, lifespan="off")
    return found


def kind_of_answer(handler: Callable[[Any, Any], Any], event: object) -> str:
    """Tell how an entry point takes an event."""
    try:
        answer = handler(copy.deepcopy(event), Context())
    except Exception:
        return "raises"
    try:
        json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()
        status = answer["statusCode"] if "statusCode" in answer else answer["status"] and 200
    except (TypeError, ValueError, KeyError):
        return "malformed"
    return "500" if status >= 500 else "fine"


def microseconds(handler: Callable[[Any, Any], Any], event: object) -> float:
    """Return the median of one warm call."""
    times = []
    for _ in range(CALLS):
        started = time.perf_counter()
        handler(event, Context())
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6


def main() -> None:
    """Print both tables."""
    logging.disable(logging.CRITICAL)
    handlers = entry_points(create_app(Settings()))
    odd, event = corpus(), http_api("/api/version", cookies=["a=1"])
    rounds: dict[str, list[float]] = {name: [] for name in handlers}
    with contextlib.redirect_stdout(io.StringIO()) as logged:
        kinds = {
            name: Counter(kind_of_answer(handler, one.event) for one in odd)
            for name, handler in handlers.items()
        }
        for _ in range(ROUNDS):
            for name, handler in handlers.items():
                rounds[name].append(microseconds(handler, event))
                logged.truncate(0)
    print(f"{len(odd)} odd events".ljust(20), *(kind.rjust(10) for kind in KINDS))
    for name, counted in kinds.items():
        print(name.ljust(20), *(str(counted[kind]).rjust(10) for kind in KINDS))
    print("\na warm call", "median of medians, least".rjust(40))
    for name, medians in rounds.items():
        print(name.ljust(20), f"{statistics.median(medians):8.0f} µs {min(medians):8.0f} µs")


if __name__ == "__main__":
    main()
