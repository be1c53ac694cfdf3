from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from app import create_app
from lambda_adapter.lambda_handler import Edge
from tests.lambda_adapter.fakes import SETTINGS

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
