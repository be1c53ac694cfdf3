"""What Lambda calls: `lambda_adapter.handler.handler`. Importing this module is the cold start."""

from __future__ import annotations

from lambda_adapter.cold_start import lean

with lean():
    from app import create_app
    from lambda_adapter import logs
    from lambda_adapter.config import Settings
    from lambda_adapter.lambda_handler import Edge

    _settings = Settings.from_environment()
    logs.install(_settings.log_level, name="")  # Libraries too; Lambda's own handler writes text.
    handler = Edge(create_app(_settings), _settings)
