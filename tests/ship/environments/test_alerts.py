"""What people are told, through which channels, and that nothing depends on it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ship.config import Alerts, Run
from ship.environments import alerts
from ship.environments.alerts import Message
from ship.errors import InconsistentStateError, RolledBackError, ShipError
from tests.lambda_adapter.http_server import Answer, Received, serve
from tests.ship.environments.factories import client_error

GITHUB = Run("ann", "github:o/r:7:1", "https://github.com/o/r/actions/runs/7", True, "o/r", "")
TERMINAL = Run("ann", "", "", False, "o/r", "")
TOPIC = "arn:aws:sns:eu-west-1:111122223333:shop-live-alerts"
TEAMS = "https://x.westeurope.logic.azure.com:443/workflows/secret"


class Account:
    """A project whose environment `live` has alerts, its AWS account, and what was said."""

    is_emulator = True

    def __init__(self, webhook: str | None = None, run: Run = GITHUB) -> None:
        self.published: list[dict[str, str]] = []
        self.notes: list[str] = []
        self.roles: list[str] = []
        self.topic: str | None = TOPIC
        self.error: Exception | None = None
        self.webhook = webhook
        found = Alerts(("a@b.org",), webhook=webhook is not None)
        self.project = SimpleNamespace(name="shop", alerts={"live": found})
        self.settings = SimpleNamespace(run=run)
        self.progress = SimpleNamespace(note=self.notes.append)

    def clients(self, environment: str) -> Any:
        self.roles.append(f"deploy-{environment}")
        return self

    def read_only_clients(self) -> Any:
        self.roles.append("plan")
        return self

    def patient_client(self, _: str, seconds: float) -> Any:
        assert seconds <= 5, "nobody waits for an alert"
        return self

    def store(self, *_: object) -> Any:
        return SimpleNamespace(stack=lambda: SimpleNamespace(alert_topic=self.topic))

    def get_parameter(self, **request: object) -> Any:
        assert request == {"Name": "/shop/live/ALERT_WEBHOOK", "WithDecryption": True}
        if not self.webhook:
            raise client_error("ParameterNotFound")
        return {"Parameter": {"Value": self.webhook}}

    def publish(self, **request: str) -> None:
        if self.error:
            raise self.error
        self.published.append(request)

    def fail(self, error: ShipError, environment: str = "live") -> None:
        context: Any = self
        with (
            pytest.raises(type(error)),
            alerts.telling(context, environment, "deploy of r2"),
        ):
            raise error

    def send(self, message: Message, *, as_reader: bool = False) -> None:
        context: Any = self
        alerts.send(context, "live", message, as_reader=as_reader)


class Chat:
    """A chat's incoming webhook; it remembers what was posted."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.status = 200
        self.url = ""

    def answer(self, request: Received) -> Answer:
        self.posted.append(json.loads(request.body))
        return Answer(self.status, b"", {"Location": "/elsewhere"})


@pytest.fixture
def chat() -> Iterator[Chat]:
    made = Chat()
    with serve(made.answer) as url:
        made.url = f"{url}/services/secret"
        yield made


def reverted(why: str = "version 7 answers /api/items with 500: password=hunter2") -> ShipError:
    error = RolledBackError(f"deploy of r2 failed: {why}", "r1 is live; see `ship logs live`")
    error.__cause__ = RuntimeError(why)
    return error


def test_a_reverted_deploy_says_what_to_do_and_links_the_run_and_leaks_nothing(chat: Chat) -> None:
    account = Account(chat.url)

    account.fail(reverted())

    text = (
        "shop live: deploy of r2 failed and was reverted\n"
        "Why: version 7 answers /api/items with 500\n"
        "What to do: r1 is live; see `ship logs live`\n"
        "By ann: https://github.com/o/r/actions/runs/7"
    )
    assert chat.posted == [{"text": text}]
    (published,) = account.published
    assert (published["TopicArn"], published["MessageStructure"]) == (TOPIC, "json")
    assert published["Subject"] == "shop live: deploy of r2 failed and was reverted"
    bodies = json.loads(published["Message"])
    assert bodies["default"] == text
    custom = json.loads(bodies["https"])
    assert (custom["version"], custom["source"]) == ("1.0", "custom")
    assert custom["content"]["description"] == text
    assert account.notes == []


@pytest.mark.parametrize(
    ("run", "error", "told"),
    [
        (TERMINAL, InconsistentStateError("x", "y"), "failed and COULD NOT BE REVERTED"),
        (GITHUB, ShipError("no build", "build"), "deploy of r2 failed"),
        (TERMINAL, reverted(), "failed and was reverted"),
        # Who typed it has read it.
        (TERMINAL, ShipError("live is frozen", "lift it"), ""),
    ],
)
def test_who_is_told_of_a_failure(run: Run, error: ShipError, told: str) -> None:
    account = Account(run=run)

    account.fail(error)

    assert [one["Subject"].endswith(told) for one in account.published] == [True] * bool(told)


def test_an_environment_without_alerts_costs_nothing() -> None:
    account = Account()

    account.fail(reverted(), "dev")

    assert (account.roles, account.published, account.notes) == ([], [], [])


@pytest.mark.parametrize("status", [302, 404])
def test_a_channel_that_fails_breaks_nothing_and_names_no_secret(
    chat: Chat, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    account, chat.status = Account(chat.url), status
    account.error = client_error("AuthorizationError")

    account.fail(reverted())

    topic, webhook = account.notes
    assert topic.startswith(f"not everybody was told of this: {TOPIC} takes no message")
    assert webhook.endswith(f"the webhook takes no message ({status}); see ALERT_WEBHOOK")
    assert len(chat.posted) == 1, "a redirection is not followed"
    warnings = capsys.readouterr().err
    assert warnings.count("::warning") == 2
    assert "secret" not in f"{account.notes}{warnings}"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"topic": None}, "there is no topic; make it with `ship apply live`"),
        ({"error": KeyError("secret")}, "KeyError"),
        ({"webhook": ""}, "live has no ALERT_WEBHOOK; set it with"),
        ({"webhook": "https:///secret"}, "no https address"),
        ({"webhook": "http://chat.example/secret"}, "no https address"),
        ({"webhook": "file:///secret"}, "no https address"),
        ({"webhook": "http://127.0.0.1/secret", "is_emulator": False}, "no https address"),
    ],
)
def test_what_cannot_be_told_is_a_warning(change: dict[str, Any], problem: str) -> None:
    account = Account(change.get("webhook"))
    vars(account).update(change)

    account.fail(reverted())

    (note,) = account.notes
    assert problem in note
    assert "secret" not in note


def test_nobody_waits_for_a_channel_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    account, release, threads = Account(), threading.Event(), list[threading.Thread]()
    monkeypatch.setattr(alerts, "_LIMIT_SECONDS", 0.01)

    def publish(**_: str) -> None:
        threads.append(threading.current_thread())
        release.wait(10)

    monkeypatch.setattr(account, "publish", publish)

    account.fail(reverted())
    release.set()

    assert all(thread.daemon for thread in threads), "the command would wait for it at its end"
    assert account.notes == ["not everybody was told of this: nothing was accepted within 0.01 s"]


def test_the_role_that_plans_tells_the_topic_alone() -> None:
    account = Account("https://chat.example/secret")

    account.send(Message("drift: 2 differences", "", "undo them"), as_reader=True)

    assert account.roles == ["plan"]
    assert "Why" not in json.loads(account.published[0]["Message"])["default"]


def test_teams_gets_a_card_and_slack_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[dict[str, Any]] = []

    def stream(_: str, url: str, *, json: dict[str, Any], timeout: float) -> Any:
        posted.append(json)
        raise ShipError("enough", url.partition(":")[0])

    monkeypatch.setattr("httpx.stream", stream)
    message = Message("r2 was rolled back to r1", "<!channel> & more", "look")
    Account(TEAMS).send(message)
    Account("https://hooks.slack.com/services/secret").send(message)

    card = posted[0]["attachments"][0]["content"]
    assert card["type"] == "AdaptiveCard"
    assert [line["text"] for line in card["body"]][1] == "Why: <!channel> & more"
    assert "\nWhy: &lt;!channel&gt; &amp; more\n" in posted[1]["text"]


def test_a_long_subject_is_cut_to_what_sns_takes() -> None:
    account = Account()
    account.project.name = "shöp" * 40

    account.send(Message("rolled back to r1", "", "nothing"))

    subject = account.published[0]["Subject"]
    assert (len(subject), subject.isascii()) == (99, True)
