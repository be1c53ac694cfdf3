from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from backend import create_app
from backend.edge import Edge
from tests.backend.doubles import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask


@pytest.fixture
def app() -> Flask:
    return create_app(SETTINGS)


@pytest.fixture
def edge(app: Flask) -> Edge:
    return Edge(app, SETTINGS)


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]
