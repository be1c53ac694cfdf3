from collections.abc import Iterator

import pytest
from flask import Flask

from lambda_adapter.config import Settings
from lambda_adapter.lambda_handler import LambdaHandler
from tests.lambda_adapter.fake_services import FakeServices
from tests.lambda_adapter.fake_services import fake_services as running_services
from tests.lambda_adapter.in_memory import SETTINGS, Log


@pytest.fixture(scope="session", autouse=True)
def _without_aws() -> Iterator[None]:
    """Let nothing leave this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        yield


@pytest.fixture
def settings() -> Settings:
    return SETTINGS


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def app() -> Flask:
    """An application with one view and nothing else."""
    app = Flask("hello")
    app.add_url_rule("/api/hello", "hello", lambda: {"hello": "world"})
    return app


@pytest.fixture
def handler(app: Flask, settings: Settings, log: Log) -> LambdaHandler:
    return LambdaHandler(app, settings, log)


@pytest.fixture
def services() -> Iterator[FakeServices]:
    with running_services() as running:
        yield running
