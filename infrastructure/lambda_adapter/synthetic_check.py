"""Asks for this application where its users do. Loaded when the schedule asks for it."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from lambda_adapter.aws import tls

PATH = "/api/health"
_HEADERS = {"accept": "application/json", "user-agent": "serverless-flask-self-check"}
_MAX_BYTES = 1_000  # Whatever these are, they nest too little to exhaust the stack.


def fault(address: str, seconds: float) -> str:
    """Return what is wrong behind the public address, in words for an operator; empty for nothing.

    It follows no redirect, and takes only the answer of an API that is well: a page with status
    200 is none. Never raises.
    """
    connection = _connect(address, seconds)
    try:
        connection.request("GET", PATH, headers=_HEADERS)
        response = connection.getresponse()
        return _verdict(response.status, response.read(_MAX_BYTES))
    except (OSError, HTTPException) as error:
        return (
            f"the public address did not answer ({type(error).__name__}); "
            "check the distribution, its certificate and its DNS name"
        )
    finally:
        connection.close()


def _connect(address: str, seconds: float) -> HTTPConnection:
    scheme, _, host = address.partition("://")
    if scheme == "http":
        return HTTPConnection(host, timeout=seconds)
    return HTTPSConnection(host, timeout=seconds, context=tls())


def _verdict(status: int, content: bytes) -> str:
    if status != 200:
        return (
            f"the public address answered {PATH} with {status}, not 200; "
            "look at the alarms, and at the log under this time"
        )
    try:
        well = json.loads(content) == {"status": "ok"}
    except ValueError:
        well = False
    return (
        ""
        if well
        else (
            f"the public address answered {PATH} with something else than the API does; "
            "check what the distribution's /api/* leads to"
        )
    )
