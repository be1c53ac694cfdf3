"""Request ids: taken from the caller when harmless, else from the platform, else made."""

from __future__ import annotations

import os
import re

from flask import request

HEADER = "X-Request-Id"
ENVIRON_KEY = "backend.request_id"
_HARMLESS = re.compile(r"[A-Za-z0-9._=-]{1,128}", re.ASCII)


def choose(*candidates: object) -> str:
    """Return the first candidate that is safe in a header and a log line, or a new id."""
    for candidate in candidates:
        if isinstance(candidate, str) and _HARMLESS.fullmatch(candidate):
            return candidate
    return os.urandom(12).hex()


def current() -> str:
    """Return the id of the request that Flask is at; the Lambda entry point chose it already."""
    environ = request.environ
    if ENVIRON_KEY not in environ:
        environ[ENVIRON_KEY] = choose(request.headers.get(HEADER))
    return str(environ[ENVIRON_KEY])
