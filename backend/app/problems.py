"""Errors as problem details: https://www.rfc-editor.org/rfc/rfc9457."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import request
from werkzeug.exceptions import HTTPException

from lambda_adapter import request_ids

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response

MEDIA_TYPE = "application/problem+json"
INTERNAL_TITLE = "Internal Server Error"
INTERNAL_DETAIL = (
    "Something went wrong here, and it is in the log under this request id; try again later."
)


def body(status: int, title: str, detail: str, request_id: str) -> str:
    """Return the JSON text of one problem; the same shape inside Flask and outside of it."""
    return json.dumps(
        {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
            "request_id": request_id,
        }
    )


def install(app: Flask) -> None:
    """Answer every error of this application with a problem, never with a trace."""
    app.register_error_handler(HTTPException, _problem)


def _problem(error: HTTPException) -> Response:
    response = error.get_response(request.environ)
    if error.response is not None:
        return response  # Whoever raised it made the answer too.
    detail = INTERNAL_DETAIL if response.status_code == 500 else error.description or error.name
    text = body(response.status_code, error.name, detail, request_ids.current())
    response.set_data(text)
    response.content_type = MEDIA_TYPE
    response.headers["Cache-Control"] = "no-store"
    return response
