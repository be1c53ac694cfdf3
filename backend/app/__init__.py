"""A status page's API, the sample application: it says how its own deployment is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.exceptions import HTTPException

from app import api, problems
from app.cache import Cache
from app.config import Settings
from app.parameters import ParameterStore
from app.public_settings import PublicSettings, merge
from lambda_adapter.aws import AwsSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.cloudwatch import History

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Callable[[], float] = time.time) -> Flask:
    """Make the application, by default with the settings of the process's environment.

    Raises:
        ValueError: an environment variable makes no sense.
    """
    settings = settings or Settings.from_environment()
    aws = AwsSettings.from_environment()

    def read_parameters(current: PublicSettings) -> tuple[PublicSettings, tuple[str, ...]]:
        store = ParameterStore(settings.parameter_prefix, aws, settings.aws_timeout)
        return merge(current, store.read())

    def read_history(_: History | None) -> tuple[History, tuple[str, ...]]:
        from app.cloudwatch import CloudWatch  # Not in a cold start: few requests need it.

        return CloudWatch(settings, aws).read(clock()), ()

    app = Flask(__name__, static_folder=None)
    # Werkzeug would redirect `//evil.example/` to a host of the caller's choice.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    has_history = settings.metrics_namespace and settings.alarm_prefix
    app.extensions[api.EXTENSION] = api.Caches(
        Cache(
            "public settings",
            PublicSettings(),
            read_parameters if settings.parameter_prefix else None,
            settings.parameter_ttl,
            clock,
        ),
        Cache("history", None, read_history if has_history else None, settings.status_ttl, clock),
    )
    app.register_blueprint(api.blueprint)
    app.register_error_handler(HTTPException, problems.respond)
    return app
