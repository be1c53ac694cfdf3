from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fixtures.events import http_api

if TYPE_CHECKING:
    import pytest


def test_importing_the_handler_makes_it_ready_from_the_environment_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "dev")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "12")
    handler = importlib.reload(importlib.import_module("lambda_adapter.handler")).handler

    answer = json.loads(handler(http_api("/api/version"), None)["body"])

    assert answer["environment"] == "dev"
    assert answer["function_version"] == "12"
    assert answer["release"] == "development"
    assert answer["cold_start"] is True


def test_only_config_reads_environment_variables() -> None:
    package = Path(__file__).parents[2] / "backend"
    reads = re.compile(r"\bos\.environ\b|\bgetenv\b|\bfrom os import\b")

    assert [path.name for path in package.rglob("*.py") if reads.search(path.read_text())] == [
        "config.py"
    ]
