import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import pytest

import toolchain
from tests.lambda_adapter.http_server import Answer, Received, serve
from toolchain import Tools

ROOT = Path(__file__).parents[2]
PROJECT = """
[tool.ship]
project = "weather"
region = "eu-north-1"
repository = "example/weather"

[tool.ship.application]
factory = "wsgi:app"
paths = ["/forecast/*"]

[tool.ship.environments.qa]
[tool.ship.environments.live]
shift = [10]
bake_seconds = 30
"""
APPLICATION = """from flask import Flask

app = Flask(__name__)


@app.get("/forecast/today")
def today():
    return {"sky": "clear"}
"""
PAGE = """<!doctype html>
<html lang="en">
<title>Weather</title>
<link rel="stylesheet" href="/assets/site.css">
"""


LOCK = (ROOT / "tests/fixtures/applications/requirements.txt").read_text()
"""The lock of an application that needs Flask and nothing else."""


def run_git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit that holds an application and a site of somebody else's."""
    folder = tmp_path / "repository"
    files = {
        "pyproject.toml": PROJECT,
        ".gitignore": "__pycache__/\n",
        "backend/wsgi.py": APPLICATION,
        "backend/requirements.in": "flask\n",
        "backend/requirements.txt": LOCK,
        "web/assets/site.css": "body { margin: 0 }\n",
        "web/index.html": PAGE,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copytree(
        ROOT / "infrastructure/lambda_adapter", folder / "infrastructure/lambda_adapter"
    )
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--message", "First")
    return folder


@pytest.fixture(scope="session")
def tools() -> Tools:
    return toolchain.find(ROOT)


@dataclass(frozen=True)
class Response:
    body: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Server:
    """An HTTP server on loopback; a path it does not know is answered with 404."""

    url: str = ""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    responses: dict[str, Iterator[Response]] = field(default_factory=dict)

    def respond(self, path: str, *responses: Response) -> None:
        """Answer a path with these in turn, over and over."""
        self.responses[path] = cycle(responses)

    def answer(self, request: Received) -> Answer:
        self.requests.append((request.path, request.headers))
        response = next(self.responses.get(request.path, iter([Response(status=404)])))
        body = response.body.encode() if isinstance(response.body, str) else response.body
        return Answer(response.status, body, response.headers)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    with serve(made.answer) as made.url:
        yield made
