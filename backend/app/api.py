"""What the API answers; `openapi.json` is its contract."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, jsonify, request

if TYPE_CHECKING:
    from app.cache import Cache
    from app.cloudwatch import History
    from app.public_settings import PublicSettings

EXTENSION = "status-page"

blueprint = Blueprint("api", __name__, url_prefix="/api")


@dataclass(frozen=True)
class Caches:
    """What the views work with: `current_app.extensions[EXTENSION]`."""

    public_settings: Cache[PublicSettings]
    history: Cache[History | None]


@blueprint.get("/config")
def config() -> Response:
    """Return the public settings in force."""
    return _revalidate(jsonify(asdict(_caches().public_settings.current().values)))


@blueprint.get("/status")
def status() -> Response:
    """Say how the environment is and has been: always 200, with what is not known in it."""
    from app.status import describe  # Not in a cold start: few requests need it.

    caches = _caches()
    caches.public_settings.refresh()  # Both services are read at the same time.
    history = caches.history.current()
    response = jsonify(
        describe(
            history,
            caches.history.age(),
            caches.public_settings.current(),
            has_history=caches.history.configured,
            has_settings=caches.public_settings.configured,
        )
    )
    # A reading costs money: CloudFront answers all who ask within half a minute.
    response.headers["Cache-Control"] = "public, max-age=0, s-maxage=30"
    return response


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return the contract.

    Not with `send_file`: its ETag is made of a file's date and size, and all files in a zip that
    is built twice alike have one date.
    """
    with current_app.open_resource("openapi.json") as file:
        return _revalidate(Response(file.read(), mimetype="application/json"))


def _revalidate(response: Response) -> Response:
    """Let caches keep the answer, and ask each time whether it is still right."""
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def _caches() -> Caches:
    caches: Caches = current_app.extensions[EXTENSION]
    return caches
