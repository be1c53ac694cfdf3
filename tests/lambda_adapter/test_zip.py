"""The zip that ships, with an application of somebody else's in it."""

import json
from pathlib import Path

import pytest

from ship.build import tree
from tests.fixtures.events import http_api
from tests.lambda_adapter.built import build
from tests.lambda_adapter.runtime_api import function, link_packages


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unzipped build of a checkout whose `backend/` is another application."""
    return build(tmp_path_factory.mktemp("zip"), "minimal")


def test_the_application_lies_at_the_root_beside_its_dependencies_and_the_adapter(
    task: Path,
) -> None:
    assert (task / "wsgi.py").is_file()
    assert (task / "flask/app.py").is_file()
    assert (task / "lambda_adapter/handler.py").is_file()
    assert not list(task.glob("requirements.*"))


def test_the_release_says_what_was_built_from(task: Path) -> None:
    release = json.loads((task / "lambda_adapter/release.json").read_text())

    assert release.keys() == {"release", "commit", "sequence", "factory"}
    assert release["factory"] == "wsgi:app"
    assert tree.RELEASE_ID.fullmatch(release["release"])


def test_it_runs_under_the_real_runtime_client_without_any_other_service(
    task: Path, tmp_path: Path
) -> None:
    release = json.loads((task / "lambda_adapter/release.json").read_text())["release"]
    client = link_packages(tmp_path / "client")
    with function(
        task, client, "lambda_adapter.handler.handler", None, ENVIRONMENT="dev"
    ) as started:
        hello, health, version = (
            json.loads(started.invoke(http_api(path))["body"])
            for path in ("/api/hello", "/-/health", "/-/version")
        )

    assert (hello, health) == ({"hello": "world"}, {"status": "ok"})
    assert (version["release"], version["environment"]) == (release, "dev")
    assert (version["function_version"], version["cold_start"]) == ("1", False)
