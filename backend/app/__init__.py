"""The Flask application that the environments serve; `create_app` makes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from lambda_adapter.config import Settings

__all__ = ["create_app"]


def create_app(settings: Settings | None = None) -> Flask:
    """Make the application, by default with the settings of this process's environment.

    Raises `backend.errors.ConfigurationError` where an environment variable makes no sense.
    """
    from app.application import build
    from lambda_adapter.config import Settings

    return build(settings or Settings.from_environment())
