"""Errors as problem details: https://www.rfc-editor.org/rfc/rfc9457."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import request

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException
    from werkzeug.wrappers import Response


def respond(error: HTTPException) -> Response:
    """Turn an error into a problem; what went wrong inside stays in the log."""
    response = error.get_response(request.environ)
    if error.response is not None:
        return response  # `abort(response)`: the view made its own.
    detail = error.description or error.name
    if response.status_code == 500:
        detail = "Something went wrong here; the log says what. Try again later."
    problem = {
        "type": "about:blank",
        "title": error.name,
        "status": response.status_code,
        "detail": detail,
    }
    request_id = request.environ.get("lambda_adapter.request_id")  # Not under `flask run`.
    if request_id:
        problem["request_id"] = request_id
    response.set_data(json.dumps(problem))
    response.content_type = "application/problem+json"
    return response
