"""Answers for scripts of one other origin: https://fetch.spec.whatwg.org/#http-cors-protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from backend import request_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response

_PREFLIGHT_SECONDS = 600


def allow(origin: str) -> Callable[[Response], Response]:
    """Make what lets scripts of this origin, and of no other, read the answers."""

    def headers(response: Response) -> Response:
        response.vary.add("Origin")
        if request.headers.get("Origin") == origin:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = request_ids.HEADER
            if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
                _answer_preflight(response)
        return response

    return headers


def _answer_preflight(response: Response) -> None:
    response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET")
    response.headers["Access-Control-Allow-Headers"] = f"Content-Type, {request_ids.HEADER}"
    response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_SECONDS)
