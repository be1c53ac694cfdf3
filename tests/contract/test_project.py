"""What the project file says, the application, its site and the platform fit together.

Runs with the application's own packages (`make test-app`), without an emulator.
"""

import fnmatch
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from lambda_adapter import logs
from lambda_adapter.application import load_application
from lambda_adapter.config import Release, Settings
from lambda_adapter.lambda_handler import LambdaHandler

ROOT = Path(__file__).parents[2]
SHIP: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ship"]
APPLICATION = SHIP["application"]
SMOKE: list[str] = SHIP.get("smoke", {}).get("paths", [])
EVENT = json.loads((ROOT / "tests/fixtures/events/http_api.json").read_text())


@pytest.fixture(scope="module")
def handler() -> LambdaHandler:
    """The application behind the adapter, as Lambda starts it."""
    release = Release(id="contract", commit="", factory=APPLICATION["factory"])
    settings = Settings(release=release)
    log = logs.install(settings.log_level)
    return LambdaHandler(load_application(release.factory), settings, log)


def get(handler: LambdaHandler, path: str) -> dict[str, Any]:
    http = EVENT["requestContext"]["http"] | {"method": "GET", "path": path}
    context = EVENT["requestContext"] | {"http": http}
    event = EVENT | {"rawPath": path, "rawQueryString": "", "requestContext": context}
    event.pop("body", None)
    answer: dict[str, Any] = handler(event, None)
    return answer


def is_the_applications(path: str) -> bool:
    return any(fnmatch.fnmatchcase(path, one) for one in APPLICATION.get("paths", ["/api/*"]))


def test_the_platform_answers_beside_the_application(handler: LambdaHandler) -> None:
    assert get(handler, "/-/health")["statusCode"] == 200
    assert json.loads(get(handler, "/-/version")["body"])["release"] == "contract"


@pytest.mark.parametrize("path", SMOKE)
def test_a_path_of_the_smoke_tests_is_answered(handler: LambdaHandler, path: str) -> None:
    if is_the_applications(path):
        assert get(handler, path)["statusCode"] < 400
    else:
        name = path.lstrip("/") or "index.html"
        assert (ROOT / "web" / name).is_file(), f"neither the application nor web/{name} has it"
