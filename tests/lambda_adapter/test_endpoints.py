import json
import platform

import pytest

from lambda_adapter.config import Settings
from lambda_adapter.lambda_handler import LambdaHandler
from tests.fixtures.events import http_api
from tests.lambda_adapter.in_memory import Log


@pytest.fixture
def handler(settings: Settings, log: Log) -> LambdaHandler:
    """A handler whose application must not be reached."""

    def never(environ: object, start_response: object) -> list[bytes]:
        raise AssertionError

    return LambdaHandler(never, settings, log)


@pytest.mark.parametrize(("name", "status"), [("health", "ok"), ("ready", "ready")])
def test_the_platform_says_how_it_is(handler: LambdaHandler, name: str, status: str) -> None:
    answer = handler(http_api(f"/-/{name}"), None)

    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["headers"]["cache-control"] == "no-store"
    assert json.loads(answer["body"]) == {"status": status}


def test_the_platform_says_what_runs(handler: LambdaHandler, settings: Settings) -> None:
    first, second = (json.loads(handler(http_api("/-/version"), None)["body"]) for _ in range(2))

    assert first == {
        "environment": "staging",
        "release": settings.release.id,
        "commit": settings.release.commit,
        "function_version": "7",
        "python": platform.python_version(),
        "cold_start": True,
    }
    assert second == first | {"cold_start": False}


def test_the_stage_of_an_address_is_not_in_the_way(handler: LambdaHandler) -> None:
    event = http_api("/prod/-/health")
    event["requestContext"]["stage"] = "prod"

    assert handler(event, None)["statusCode"] == 200


def test_an_answer_to_head_has_no_body(handler: LambdaHandler) -> None:
    answer = handler(http_api("/-/health", "HEAD"), None)

    assert (answer["statusCode"], answer["body"]) == (200, "")


@pytest.mark.parametrize("path", ["/-/nope", "/-/", "/-/health/", "/-/site.json"])
def test_another_path_is_a_problem(handler: LambdaHandler, path: str) -> None:
    answer = handler(http_api(path), None)

    assert answer["statusCode"] == 404
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert "/-/version; ask for one of those" in json.loads(answer["body"])["detail"]


@pytest.mark.parametrize("path", ["/-", "/-health", "/a/-/health"])
def test_the_application_has_all_other_paths(handler: LambdaHandler, log: Log, path: str) -> None:
    assert handler(http_api(path), None)["statusCode"] == 500
    assert "AssertionError" in log.records()[0]["exception"]


def test_they_are_logged_and_counted_as_requests(handler: LambdaHandler, log: Log) -> None:
    handler(http_api("/-/health"), None)

    (record,) = log.records()
    assert (record["route"], record["status"], record["requests"]) == ("/-/health", 200, 1)
