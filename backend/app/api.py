"""What the API answers."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, current_app, jsonify, request

if TYPE_CHECKING:
    from flask import Response

    from app.caching import Cache
    from app.cloudwatch import History
    from app.public_settings import SettingsCache
    from lambda_adapter.config import Settings

EXTENSION = "serverless-flask"
COLD_START_KEY = "backend.cold_start"
"""Where the Lambda entry point says, in the WSGI environment, that this is the first event."""
RETRY_AFTER = 5
"""Seconds after which Parameter Store is asked again when it did not answer."""

blueprint = Blueprint("api", __name__, url_prefix="/api")


@dataclass(frozen=True)
class Services:
    """What the views work with."""

    settings: Settings
    public: SettingsCache
    history: Cache[History | None]


@blueprint.get("/health")
def health() -> Response:
    """Say that the process answers; nothing else is asked."""
    return jsonify(status="ok")


@blueprint.get("/ready")
def ready() -> Response:
    """Say whether everything is there that the answers need, and what is not."""
    public = _services().public
    snapshot = public.current()
    usable = snapshot.known or not public.configured
    response = jsonify(
        status=_readiness(usable=usable, faults=snapshot.faults),
        settings={
            "source": "parameter-store" if snapshot.known else "defaults",
            "age_seconds": public.age(),
            "faults": list(snapshot.faults),
        },
    )
    if not usable:
        response.status_code = 503
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


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
    return _revalidated(jsonify(asdict(_services().public.current().values)))


@blueprint.get("/status")
def status() -> Response:
    """Say how the environment is and has been: always an answer, with what is not known in it."""
    from app.status import describe

    services = _services()
    services.public.refresh()  # It is read while the history is waited for.
    history = services.history.current()
    public = services.public.current()
    response = jsonify(
        describe(
            history,
            services.history.age(),
            public,
            has_history=services.history.configured,
            has_settings=services.public.configured,
        )
    )
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Show the contract."""
    from app.openapi import document

    return _revalidated(jsonify(document(_services().settings.release.id)))


def _readiness(*, usable: bool, faults: tuple[str, ...]) -> str:
    if not usable:
        return "not ready"
    return "degraded" if faults else "ready"


def _revalidated(response: Response) -> Response:
    """Let caches keep the answer if they ask each time whether it is still right."""
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def _services() -> Services:
    services: Services = current_app.extensions[EXTENSION]
    return services
