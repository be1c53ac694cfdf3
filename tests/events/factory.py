"""Events as AWS sends them, from the JSON files beside this one, with changes by keyword."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

Event = dict[str, Any]

_FOLDER = Path(__file__).parent


def load(name: str) -> Event:
    """Return a fresh copy of a recorded event."""
    return deepcopy(_read(name))


def http_api(path: str = "/api/health", method: str = "GET", **changes: object) -> Event:
    """Payload 2.0 of an API Gateway HTTP API, as AWS sends it to its `$default` stage."""
    event = load("http_api")
    event["rawPath"] = path
    event["requestContext"]["http"] |= {"method": method, "path": path}
    return event | changes


def emulated(path: str = "/api/health", method: str = "GET", **changes: object) -> Event:
    """Payload 2.0 as the emulator sends it: no cookies, no X-Forwarded headers, a null here."""
    event = load("emulated")
    event["rawPath"] = path
    event["requestContext"]["http"] |= {"method": method, "path": path}
    return event | changes


def function_url(path: str = "/api/health", method: str = "GET", **changes: object) -> Event:
    """Payload 2.0 of a function URL."""
    event = load("function_url")
    event["rawPath"] = path
    event["requestContext"]["http"] |= {"method": method, "path": path}
    return event | changes


def rest_api(path: str = "/api/health", method: str = "GET", **changes: object) -> Event:
    """Payload 1.0 of an API Gateway REST API, at its stage `prod`."""
    event = load("rest_api")
    event |= {"path": path, "httpMethod": method}
    event["requestContext"] |= {"path": f"/prod{path}", "httpMethod": method}
    return event | changes


def load_balancer(path: str = "/api/health", method: str = "GET", **changes: object) -> Event:
    """Event of an Application Load Balancer without multi-value headers."""
    return load("load_balancer") | {"path": path, "httpMethod": method} | changes


def warm_up(**changes: object) -> Event:
    """What the schedule sends, with an address at which nobody answers."""
    return load("warm_up") | changes


def hold(**changes: object) -> Event:
    """What a warm-up sends to each further environment."""
    return load("hold") | changes


@cache
def _read(name: str) -> Event:
    event: Event = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    return event
