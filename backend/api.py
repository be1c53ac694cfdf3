"""What the API answers."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, current_app, jsonify, request

if TYPE_CHECKING:
    from flask import Response

    from backend.config import Settings
    from backend.public_settings import SettingsCache

EXTENSION = "serverless-flask"
COLD_START_KEY = "backend.cold_start"
"""Where the Lambda entry point says, in the WSGI environment, that this is the first event."""

blueprint = Blueprint("api", __name__, url_prefix="/api")


@dataclass(frozen=True)
class Services:
    """What the views work with."""

    settings: Settings
    public: SettingsCache


@blueprint.get("/health")
def health() -> Response:
    """Say that the process answers; nothing else is asked."""
    return jsonify(status="ok")


@blueprint.get("/version")
def version() -> Response:
    """Say what is running."""
    settings = _services().settings
    return jsonify(
        environment=settings.environment,
        release=settings.release.id,
        commit=settings.release.commit,
        function_version=settings.function_version,
        python=sys.version.partition(" ")[0],
        cold_start=bool(request.environ.get(COLD_START_KEY)),
    )


@blueprint.get("/config")
def config() -> Response:
    """Show the public settings in force."""
    response = jsonify(asdict(_services().public.current().values))
    response.headers["Cache-Control"] = "no-cache"
    return response


def _services() -> Services:
    services: Services = current_app.extensions[EXTENSION]
    return services
