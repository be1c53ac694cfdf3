"""The zip that ships, under the real runtime interface client."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import toolchain
from ship.build import builder as builds
from ship.build import tree
from ship.release.pre_traffic import event
from tests.e2e.sandbox import ROOT, clone
from tests.lambda_adapter.execution_environments import fleet
from tests.lambda_adapter.runtime_api import Started, client_folder, function

ODD: tuple[Any, ...] = (
    *({}, [], "text", 1, None, True),
    {"Records": [{"eventSource": "aws:sqs", "body": "x"}]},
    {"requestContext": {"connectionId": "x", "routeKey": "$connect"}},
    {**event("/api/health"), "headers": None, "cookies": None, "body": None},
    {**event("/api/health"), "body": "%%%", "isBase64Encoded": True},
    {"source": "aws.events", "detail-type": "Scheduled Event"},
)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The unzipped build of the last commit, and its release id."""
    root = clone(tmp_path_factory.mktemp("zip") / "checkout")
    source = tree.describe(root)
    made = builds.make(root, toolchain.find(ROOT), source, root / "dist", root / ".ship/cache")
    with zipfile.ZipFile(made.folder / "backend.zip") as archive:
        archive.extractall(root / "task")
    return root / "task", source.release


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "log"


@pytest.fixture(scope="module")
def started(
    release: tuple[Path, str], log: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Started]:
    folder = tmp_path_factory.mktemp("runtime")
    client = client_folder(folder / "client")
    with (
        log.open("wb") as out,
        function(
            release[0],
            client,
            "lambda_adapter.handler.handler",
            out,
            ENVIRONMENT="dev",
            PARAMETER_PREFIX="/serverless-flask/dev/public",
            AWS_ENDPOINT_URL="http://127.0.0.1:9",
            AWS_ACCESS_KEY_ID="x",
            AWS_SECRET_ACCESS_KEY="x",
        ) as found,
    ):
        yield found


def body(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def test_it_is_healthy_without_any_other_service(started: Started) -> None:
    answer = started.invoke(event("/api/health"))

    assert answer["statusCode"] == 200
    assert body(answer) == {"status": "ok"}


def test_it_says_which_release_runs_where(started: Started, release: tuple[Path, str]) -> None:
    started.invoke(event("/api/health"))
    found = body(started.invoke(event("/api/version")))

    assert found.keys() >= {
        "environment",
        "release",
        "commit",
        "function_version",
        "python",
        "cold_start",
    }
    assert found["release"] == release[1]
    assert found["environment"] == "dev"
    assert found["function_version"] == "1"
    assert found["python"].startswith("3.13")
    assert found["cold_start"] is False


def test_it_serves_defaults_when_parameter_store_does_not_answer(started: Started) -> None:
    answer = started.invoke(event("/api/config"))

    assert answer["statusCode"] == 200
    assert "title" in body(answer)


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_whatever_comes_it_answers(started: Started, odd: object) -> None:
    answer = started.invoke(odd)

    assert isinstance(answer, dict)
    assert "Traceback" not in json.dumps(answer)
    assert started.process.poll() is None


def test_an_event_for_many_environments_warms_as_many_and_a_further_one_no_more(
    release: tuple[Path, str], tmp_path: Path
) -> None:
    with fleet(
        release[0], client_folder(tmp_path / "client"), "lambda_adapter.handler.handler"
    ) as found:
        detail = {"environments": 4, "address": found.url}
        order = {"source": "serverless-flask.schedule", "detail-type": "warm-up", "detail": detail}
        warm = {"status": "warm", "environments": 4, "available": 1, "faults": []}

        assert found.invoke(order) == warm
        assert len(found.environments) == 4
        assert found.invoke(order) == warm
        assert len(found.environments) == 4
        # Each time one event, three that hold, and the check of the public address.
        assert found.invocations == 2 * 5


def test_every_log_line_is_one_json_object(started: Started, log: Path) -> None:
    started.invoke(event("/api/no-such"))

    lines = [line for line in log.read_text().splitlines() if line.strip()]
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)
