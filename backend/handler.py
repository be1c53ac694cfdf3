"""What Lambda calls: `backend.handler.handler`. Importing this module is the cold start."""

from __future__ import annotations

from backend import create_app
from backend.config import Settings
from backend.edge import Edge

_settings = Settings.from_environment()

handler = Edge(create_app(_settings), _settings)
