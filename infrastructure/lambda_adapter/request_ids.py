"""Request ids: taken from the caller when harmless, else from API Gateway or Lambda, else made."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar

HEADER = "x-request-id"
ENVIRON_KEY = "lambda_adapter.request_id"
"""Where the application finds the id in its WSGI environment."""
current: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered; log records carry it."""
_HARMLESS = re.compile(r"[A-Za-z0-9._=-]{1,128}", re.ASCII)


def choose(*candidates: object) -> str:
    """Return the first candidate that is safe in a header and a log record, or a new id."""
    for candidate in candidates:
        if isinstance(candidate, str) and _HARMLESS.fullmatch(candidate):
            return candidate
    return os.urandom(12).hex()
