"""An application with forms, as a browser reaches it through CloudFront: event after event."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from lambda_adapter.application import load_application
from lambda_adapter.config import CloudFront, Settings
from lambda_adapter.lambda_handler import LambdaHandler
from ship.release import pre_traffic
from tests.fixtures import applications
from tests.fixtures.events import http_api
from tests.lambda_adapter.fake_services import Context
from tests.lambda_adapter.in_memory import Log

SITE = "https://d123.cloudfront.net"
SECRET, BEFORE = "4f1d-secret", "3e0c-secret"
NOT_CLOUDFRONT = ("guessed", "", ",", "5a2e-secret,4f1d", f"{SECRET} {BEFORE}", "2d9b-secret")


class Visitor:
    """A browser with cookies, whose requests arrive from ever another edge location."""

    def __init__(self, handler: LambdaHandler) -> None:
        self.handler = handler
        self._cookies: list[str] = []
        self._edges = iter(range(2, 250))

    def ask(self, path: str, method: str = "GET", **changes: Any) -> dict[str, Any]:
        edge = f"130.176.1.{next(self._edges)}"
        headers = {"x-origin-verify": SECRET, "x-forwarded-for": f"203.0.113.9, {edge}"}
        headers |= {"origin": SITE, "referer": f"{SITE}/desk/"} | changes.pop("headers", {})
        event = http_api(path, method, headers=headers, cookies=self._cookies, **changes)
        event["requestContext"]["http"]["sourceIp"] = edge
        answer: dict[str, Any] = self.handler(event, Context())
        self._cookies = [one.partition(";")[0] for one in answer["cookies"]] or self._cookies
        return answer

    def post(self, path: str, *, headers: dict[str, str] | None = None, **form: str) -> Any:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.ask(path, "POST", headers=kind | (headers or {}), body=urlencode(form))

    def token(self) -> str:
        found = re.search('csrf_token" value="([0-9a-f]+)"', self.ask("/desk/")["body"])
        assert found
        return found[1]


@pytest.fixture(params=["open", "closed"])
def visitor(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    log: Log,
    request: pytest.FixtureRequest,
) -> Visitor:
    factory = applications.install("forms", tmp_path / "backend")
    monkeypatch.syspath_prepend(str(tmp_path / "backend"))
    known = Settings(
        environment="staging",
        release=settings.release,
        cloudfront=CloudFront("https", "d123.cloudfront.net", f"{SECRET},{BEFORE}"),
        behind_cloudfront=request.param == "closed",
    )
    return Visitor(LambdaHandler(load_application(factory), known, log))


def test_a_form_with_a_csrf_check_posts_and_the_login_survives_another_edge(
    visitor: Visitor,
) -> None:
    moved = visitor.post("/desk/login", csrf_token=visitor.token(), user="Ann")

    assert (moved["statusCode"], moved["headers"]["location"]) == (302, f"{SITE}/desk/")
    assert "Welcome, Ann" in visitor.ask("/desk/")["body"]
    assert '<p id="user">Ann</p>' in visitor.ask("/desk/")["body"]


def test_a_form_of_another_site_does_not(visitor: Visitor) -> None:
    token = visitor.token()
    other = {"origin": "https://evil.example", "referer": "https://evil.example/"}

    assert visitor.post("/desk/login", headers=other, csrf_token=token)["statusCode"] == 400
    assert visitor.post("/desk/login", csrf_token="guessed")["statusCode"] == 400


def test_the_application_knows_its_visitor_and_its_address(visitor: Visitor) -> None:
    assert json.loads(visitor.ask("/desk/where")["body"]) == {
        "client": "203.0.113.9",
        "host": "d123.cloudfront.net",
        "scheme": "https",
        "url": f"{SITE}/desk/",
    }


def test_a_403_travels_as_a_200_that_the_distribution_changes_back(
    visitor: Visitor, log: Log
) -> None:
    answer = visitor.ask("/desk/status/403")

    assert answer["statusCode"] == 200
    assert answer["headers"]["x-viewer-status"] == "403"
    assert answer["body"] == "the application says 403"
    assert log.records()[0]["status"] == 403


@pytest.mark.parametrize("status", [200, 401, 404, 500])
def test_other_statuses_travel_as_they_are(visitor: Visitor, status: int) -> None:
    answer = visitor.ask(f"/desk/status/{status}")

    assert answer["statusCode"] == status
    assert "x-viewer-status" not in answer["headers"]


@pytest.mark.parametrize(
    "sent", [f"{SECRET},{BEFORE}", f"5a2e-secret,{SECRET}", BEFORE, f"{BEFORE},2d9b-secret"]
)
def test_a_value_is_good_until_the_one_after_the_next_is_drawn(visitor: Visitor, sent: str) -> None:
    answer = visitor.ask("/desk/where", headers={"x-origin-verify": sent})

    assert json.loads(answer["body"])["client"] == "203.0.113.9"


@pytest.mark.parametrize("visitor", ["closed"], indirect=True)
@pytest.mark.parametrize("path", ["/desk/", "/desk/status/500", "/-/version", "/-/health", "/none"])
@pytest.mark.parametrize("sent", NOT_CLOUDFRONT)
def test_who_asks_a_closed_api_learns_nothing_of_the_application(
    visitor: Visitor, log: Log, path: str, sent: str
) -> None:
    answer = visitor.ask(path, headers={"x-origin-verify": sent})

    assert answer["statusCode"] == 403
    assert "site's address" in json.loads(answer["body"])["detail"]
    (record,) = log.records()
    assert (record["status"], record["path"]) == (403, path)
    # Neither the values nor what was guessed in their place is for the log.
    assert "secret" not in json.dumps(record).replace("site's address", "")


@pytest.mark.parametrize("visitor", ["closed"], indirect=True)
def test_who_may_invoke_the_function_is_answered(visitor: Visitor) -> None:
    made = pre_traffic.event("/desk/where")
    answer: dict[str, Any] = visitor.handler(made, Context())

    assert answer["statusCode"] == 200


def test_who_asks_the_api_itself_gets_the_403(visitor: Visitor) -> None:
    answer = visitor.ask("/desk/status/403", headers={"x-origin-verify": "guessed"})

    assert answer["statusCode"] == 403
    assert "x-viewer-status" not in answer["headers"]
