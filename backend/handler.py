"""What Lambda calls: `backend.handler.handler`. Importing this module is the cold start."""

from __future__ import annotations

from backend.cold_start import lean

with lean():
    from backend import create_app, logs
    from backend.config import Settings
    from backend.edge import Edge

    _settings = Settings.from_environment()
    logs.install(_settings.log_level, name="")  # Libraries too; Lambda's own handler writes text.
    handler = Edge(create_app(_settings), _settings)
