# ruff: noqa: T201 - it prints its tables.
"""Compares what adapters do with malformed events.

Run it with `python -m tests.benchmarks.malformed_events` in a checkout that is set up for tests; it
fetches the packages of the others. Each gets the corpus `tests/fixtures/events/malformed.json`
around a small Flask API. An answer is malformed where Lambda could not send it on as JSON, or
nobody could find a status in it; it is wrong where the corpus expects another class of status (a
2xx for what should be refused with a 4xx, or the other way round), or that the handler raises so
that the service tries again.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import json
import logging
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_adapter.lambda_handler import LambdaHandler
from tests.benchmarks import baselines
from tests.fixtures.applications.minimal.wsgi import app
from tests.fixtures.events.malformed import Malformed, corpus
from tests.lambda_adapter.in_memory import SETTINGS, Log

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = ("raises", "malformed", "5xx", "wrong", "right")


class Context:
    """As much of Lambda's context as the adapters look at."""

    aws_request_id = "8f507cfc-0000-4697-b07a-ac58fc914c95"
    function_name = "serverless-flask-dev"


def main() -> None:
    """Fetch the others, and print the table."""
    logging.disable(logging.CRITICAL)
    os.environ["STRIP_STAGE_PATH"] = "yes"  # serverless-wsgi alone needs it on every HTTP API.
    with tempfile.TemporaryDirectory() as folder:
        others = (*baselines.SERVERLESS_WSGI, *baselines.WSGI, *baselines.ASGI)
        sys.path.append(str(baselines.install(Path(folder), *others)))
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            found = {
                name: Counter(kind_of_answer(handler, malformed) for malformed in corpus())
                for name, handler in adapters().items()
            }
    print(f"{len(corpus())} events".ljust(20), *(kind.rjust(10) for kind in KINDS))
    for name, counted in found.items():
        print(name.ljust(20), *(str(counted[kind]).rjust(10) for kind in KINDS))


def adapters() -> dict[str, Callable[[Any, Any], Any]]:
    """Return the adapters by name."""
    serverless_wsgi = importlib.import_module("serverless_wsgi")
    wrapped = importlib.import_module("asgiref.wsgi").WsgiToAsgi(app)
    return {
        "this one": LambdaHandler(app, SETTINGS, Log()),
        "serverless-wsgi": lambda event, context: serverless_wsgi.handle_request(
            app, event, context
        ),
        "apig-wsgi": importlib.import_module("apig_wsgi").make_lambda_handler(app),
        "Mangum": importlib.import_module("mangum").Mangum(wrapped, lifespan="off"),
    }


def kind_of_answer(handler: Callable[[Any, Any], Any], malformed: Malformed) -> str:
    """Say how an adapter takes an event."""
    try:
        answer = handler(copy.deepcopy(malformed.event), Context())
    except Exception:
        return "raises" if malformed.status else "right"
    try:
        json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()
        status = answer["statusCode"] if "statusCode" in answer else answer["status"] and 200
    except (TypeError, ValueError, KeyError):
        return "malformed"
    if status >= 500:
        return "5xx"
    return "right" if malformed.status and status // 100 == malformed.status // 100 else "wrong"


if __name__ == "__main__":
    main()
