"""The adapter under Lambda's real runtime interface client."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures import applications
from tests.fixtures.events import http_api
from tests.lambda_adapter.assembled import assemble
from tests.lambda_adapter.runtime_api import Started, function, link_packages

HANDLER = "lambda_adapter.handler.handler"
FLASK = ("flask", "werkzeug", "jinja2", "markupsafe", "itsdangerous", "click", "blinker")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the function may import besides its own code: the runtime client, and Flask."""
    folder = link_packages(tmp_path_factory.mktemp("client"))
    return link_packages(folder, *FLASK)


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = assemble(tmp_path_factory.mktemp("task"), "minimal")
    with (folder / "wsgi.py").open("a") as source:
        source.write("\n\n@app.get('/leave')\ndef leave():\n    raise KeyboardInterrupt\n")
    return folder


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "log"


@pytest.fixture(scope="module")
def started(task: Path, client: Path, log: Path) -> Iterator[Started]:
    with log.open("wb") as out, function(task, client, HANDLER, out) as running:
        yield running


def test_a_request_is_answered(started: Started) -> None:
    assert json.loads(started.invoke(http_api())["body"]) == {"hello": "world"}


@pytest.mark.parametrize("other", [None, "text", {"Records": [{"eventSource": "aws:sqs"}]}])
def test_another_event_is_an_error_of_the_function(started: Started, other: object) -> None:
    with pytest.raises(AssertionError, match="UnknownEventError"):
        started.invoke(other)
    assert started.process.poll() is None


def test_a_command_runs_with_the_packages_of_the_zip(started: Started) -> None:
    command = {"arguments": ["flask", "routes"], "id": "run-1"}
    answer = started.invoke({"lambda_adapter.command": command})

    assert answer["status"] == 0
    assert "/api/items" in base64.b64decode(answer["output"]).decode()


def test_a_view_cannot_end_the_process(started: Started) -> None:
    assert started.invoke(http_api("/leave"))["statusCode"] == 500
    assert started.invoke(http_api())["statusCode"] == 200


def test_every_log_record_is_one_json_object(started: Started, log: Path) -> None:
    before = len(log.read_text().splitlines())
    started.invoke(http_api("/no-such"))

    lines = log.read_text().splitlines()[before:]
    assert [json.loads(line)["path"] for line in lines] == ["/no-such"]


@pytest.mark.parametrize("name", [name for name in applications.FACTORIES if "broken" in name])
def test_lambda_learns_why_a_broken_application_does_not_start(
    tmp_path: Path, client: Path, name: str
) -> None:
    folder = assemble(tmp_path, name)
    with function(folder, client, HANDLER, None) as running:
        kind, body = running.api.answers.get(timeout=15)

    found = json.loads(body)
    assert (kind, found["errorType"]) == ("init error", "ApplicationError")
    assert found["errorMessage"].startswith("'wsgi:")
