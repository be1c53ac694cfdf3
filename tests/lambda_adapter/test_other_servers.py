"""An application needs nothing of Lambda's: elsewhere another server runs it as it is."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from lambda_adapter.application import load_application
from lambda_adapter.config import Settings
from lambda_adapter.lambda_handler import LambdaHandler
from tests.fixtures import applications
from tests.fixtures.events import http_api
from tests.lambda_adapter.in_memory import Log


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that modules are imported from, until the test ends."""
    monkeypatch.syspath_prepend(tmp_path / "backend")
    monkeypatch.setenv("SECRET_KEY", "a" * 64)
    yield tmp_path / "backend"
    applications.forget(tmp_path)


@contextmanager
def gunicorn(backend: Path, factory: str) -> Iterator[str]:
    """Run an application under gunicorn; give its address."""
    command = (sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", factory)
    with subprocess.Popen(command, cwd=backend, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            for line in process.stderr:
                if found := re.search(r"Listening at: (\S+)", line):
                    yield found[1]
                    return
            raise AssertionError("gunicorn has ended")
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("name", "path"), [("minimal", "/api/items"), ("templates", "/"), ("forms", "/desk/")]
)
def test_gunicorn_answers_as_lambda_does(
    backend: Path, settings: Settings, log: Log, name: str, path: str
) -> None:
    factory = applications.install(name, backend)
    call = "()" if factory.endswith("create_app") else ""
    in_lambda = LambdaHandler(load_application(factory), settings, log)(http_api(path), None)

    with gunicorn(backend, f"{factory}{call}") as address:
        answer = httpx.get(f"{address}{path}", trust_env=False)
    token = re.compile(r'(?<=value=")\w{16}(?=")')
    assert answer.status_code == in_lambda["statusCode"] == 200
    assert token.sub("", answer.text) == token.sub("", in_lambda["body"])
