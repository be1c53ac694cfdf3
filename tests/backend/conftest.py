from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from backend import create_app
from backend.config import Release, Settings
from backend.edge import Edge

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

SETTINGS = Settings(
    environment="staging",
    release=Release("20261123-42-1a2b3c4", "1a2b3c4" + "0" * 33),
    function_version="7",
)


@pytest.fixture
def app() -> Flask:
    return create_app(SETTINGS)


@pytest.fixture
def edge(app: Flask) -> Edge:
    return Edge(app, SETTINGS)


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]
