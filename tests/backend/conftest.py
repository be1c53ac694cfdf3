from collections.abc import Iterator

import pytest
from flask import Flask
from pytest_httpserver import HTTPServer

from app import create_app
from tests.backend.fakes import SETTINGS, FakeAws


@pytest.fixture(scope="session")
def make_httpserver() -> Iterator[HTTPServer]:
    """A server that answers several requests at a time: one of them may be slow."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def aws(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """Parameter Store and CloudWatch, where the environment variables of the SDKs point."""
    fake = FakeAws()
    httpserver.expect_request("/", method="POST").respond_with_handler(fake.respond)
    monkeypatch.setenv("AWS_ENDPOINT_URL", httpserver.url_for("/"))
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return fake


@pytest.fixture
def app() -> Flask:
    """The application where there is neither Parameter Store nor CloudWatch."""
    return create_app()


@pytest.fixture
def connected(aws: FakeAws) -> Flask:
    """The application where there are both."""
    return create_app(SETTINGS)
