"""What the platform answers itself, before the application sees the request.

`ship` and the synthetic check ask these, so that they need nothing of the application.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from lambda_adapter.errors import RequestError
from lambda_adapter.responses import Response

if TYPE_CHECKING:
    from lambda_adapter.config import Settings
    from lambda_adapter.events import Request

PREFIX = "/-/"
HEALTH = "/-/health"
READY = "/-/ready"
VERSION = "/-/version"


def respond(request: Request, settings: Settings, *, cold_start: bool) -> Response:
    """Answer a request for a path below `/-/`, whatever its method.

    Raises:
        RequestError: there is no such endpoint.
    """
    if request.path == HEALTH:
        body: dict[str, object] = {"status": "ok"}
    elif request.path == READY:
        body = {"status": "ready"}  # Without the application there would be no handler.
    elif request.path == VERSION:
        body = {
            "environment": settings.environment,
            "release": settings.release.id,
            "commit": settings.release.commit,
            "function_version": settings.function_version,
            "python": sys.version.partition(" ")[0],
            "cold_start": cold_start,
        }
    else:
        detail = f"The platform has {HEALTH}, {READY} and {VERSION}; ask for one of those."
        raise RequestError(404, "Not Found", detail)
    headers = {"content-type": ["application/json"], "cache-control": ["no-store"]}
    text = "" if request.method == "HEAD" else json.dumps(body)
    return Response(200, headers, text, route=request.path)
