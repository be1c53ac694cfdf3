"""Asks for this function where its users do, through the site."""

from __future__ import annotations

import json

from lambda_adapter.connection import Connection
from lambda_adapter.endpoints import HEALTH

_HEADERS = {"accept": "application/json", "user-agent": "lambda-adapter-synthetic-check"}
_MAX_BYTES = 1_000  # Too few to nest so deep that the stack ends.


def check(site_url: str, seconds: float) -> str:
    """Return what is wrong behind the site's address, for an operator; empty for nothing.

    It follows no redirect, and accepts only the adapter's own answer: a page with status 200 comes
    from somewhere else. Never raises.
    """
    connection = Connection(site_url, seconds)
    try:
        connection.send("GET", HEALTH, _HEADERS)
        status, content = connection.receive(_MAX_BYTES)
    except OSError as error:
        return (
            f"the site did not answer ({type(error).__name__}); "
            "check the distribution, its certificate and its DNS name"
        )
    finally:
        connection.close()
    if status != 200:
        return (
            f"the site answered {HEALTH} with {status}, not 200; "
            "look at the alarms, and at the log of this time"
        )
    try:
        is_healthy = json.loads(content) == {"status": "ok"}
    except ValueError:
        is_healthy = False
    if is_healthy:
        return ""
    return (
        f"the site answered {HEALTH} with something else than the function does; "
        "check where the distribution sends /-/*"
    )
