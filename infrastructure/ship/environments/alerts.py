"""Telling people what happened to an environment: by a topic of SNS, and by a chat's webhook.

Alarms reach the topic by themselves. The rest `ship` says: a release that failed, was reverted or
rolled back, drift, and an approval that waits. Who is not told has lost nothing else: it takes
seconds at most, and what goes wrong is a warning.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ship.aws import aws_call, aws_find
from ship.errors import InconsistentStateError, RolledBackError, ShipError
from ship.output import print_warning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ship.aws import Clients
    from ship.environments.context import Context

WEBHOOK = "ALERT_WEBHOOK"
_LIMIT_SECONDS = 10.0
_CALL_SECONDS = 4.0
# SNS takes a subject of fewer characters than this, and ASCII only.
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_SUBJECT_LENGTH = 100
_WHY_LENGTH = 300
# Teams' workflows take a card; Slack, Mattermost and Google Chat a text.
# https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
_TEAMS = (".logic.azure.com", ".powerplatform.com", ".webhook.office.com")
_OUTCOMES = {
    RolledBackError: " and was reverted",
    InconsistentStateError: " and COULD NOT BE REVERTED",
}


@dataclass(frozen=True)
class Message:
    """What happened, with the release, why as far as it is known, and what to run."""

    what: str
    why: str
    hint: str


def send(context: Context, environment: str, message: Message, *, as_reader: bool = False) -> None:
    """Tell people, where the project file names somebody.

    Args:
        context: the project.
        environment: where it happened.
        message: what to tell.
        as_reader: as the role that plans, which reads no secret: only to the topic.
    """
    # Who has no alerts pays not even for a question.
    if environment not in context.project.alerts:
        return
    problems: list[str] = []
    arguments = (context, environment, message, as_reader, problems)
    # A look-up of a name, or of credentials, has no time limit of its own.
    thread = Thread(target=_send, args=arguments, daemon=True)
    thread.start()
    thread.join(_LIMIT_SECONDS)
    if thread.is_alive():
        problems.append(f"nothing was accepted within {_LIMIT_SECONDS:g} s")
    for problem in problems:
        text = f"not everybody was told of this: {problem}"
        context.progress.note(text)
        if context.settings.run.on_github:
            print_warning(text)


@contextmanager
def telling(
    context: Context, environment: str, what: str, *, as_reader: bool = False
) -> Iterator[None]:
    """Tell when an operation fails: on GitHub always, at a terminal if users could have seen it.

    Args:
        context: the project.
        environment: where.
        what: the operation, such as "deploy of 20261123-42-1a2b3c4".
        as_reader: as for `send`.
    """
    try:
        yield
    except ShipError as error:
        outcome = next((text for kind, text in _OUTCOMES.items() if isinstance(error, kind)), "")
        if outcome or context.settings.run.on_github:
            message = Message(f"{what} failed{outcome}", _describe(error), error.hint)
            send(context, environment, message, as_reader=as_reader)
        raise


def read_webhook(context: Context, environment: str, clients: Clients) -> str:
    """The address of the chat's webhook, which is a secret.

    Raises:
        ShipError: it is not set, or would be called without TLS.
    """
    ssm = clients.patient_client("ssm", _CALL_SECONDS)
    name = f"/{context.project.name}/{environment}/{WEBHOOK}"
    hint = f"set it with `ship settings {environment} set {WEBHOOK}`"
    found = aws_find(
        lambda: ssm.get_parameter(Name=name, WithDecryption=True), f"{name} cannot be read"
    )
    if found is None:
        raise ShipError(f"{environment} has no {WEBHOOK}", hint)
    url = str(found["Parameter"]["Value"])
    allowed = r"https://[^/\s]+/\S*"
    if context.is_emulator:
        allowed += r"|http://(127\.0\.0\.1|localhost)(:[0-9]+)?/\S*"
    if not re.fullmatch(allowed, url):
        raise ShipError(f"{WEBHOOK} of {environment} is no https address", hint)
    return url


def _describe(error: ShipError) -> str:
    """Why it failed, without what an application has said of it: that may hold a secret."""
    cause = error.__cause__ or error
    return str(cause).partition(": ")[0][:_WHY_LENGTH] or "interrupted"


def _send(
    context: Context, environment: str, message: Message, as_reader: bool, problems: list[str]
) -> None:
    subject = f"{context.project.name} {environment}: {message.what}"
    run = context.settings.run
    lines = (
        subject,
        message.why and f"Why: {message.why}",
        f"What to do: {message.hint}",
        f"By {run.actor}{f': {run.url}' if run.url else ', at a terminal'}",
    )
    text = "\n".join(filter(None, lines))

    def attempt(call: Callable[[], None]) -> None:
        try:
            call()
        except ShipError as error:
            problems.append(f"{error}; {error.hint}")
        except Exception as error:  # Whatever it is, the release matters more.
            problems.append(type(error).__name__)

    def publish() -> None:
        clients = context.read_only_clients() if as_reader else context.clients(environment)
        _publish(context, environment, clients, subject, text)

    attempt(publish)
    if context.project.alerts[environment].webhook and not as_reader:
        attempt(
            lambda: _post(read_webhook(context, environment, context.clients(environment)), text)
        )


def _publish(context: Context, environment: str, clients: Clients, subject: str, text: str) -> None:
    topic = context.store(environment, clients).stack().alert_topic
    if topic is None:
        raise ShipError("there is no topic", f"make it with `ship apply {environment}`")
    # Amazon Q Developer, which brings a topic to Slack and Teams, subscribes by https.
    # https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
    content = {"textType": "client-markdown", "title": subject, "description": text}
    custom = json.dumps({"version": "1.0", "source": "custom", "content": content})
    sns = clients.patient_client("sns", _CALL_SECONDS)
    aws_call(
        lambda: sns.publish(
            TopicArn=topic,
            Subject=subject.encode("ascii", "replace").decode()[: _SUBJECT_LENGTH - 1],
            Message=json.dumps({"default": text, "https": custom}),
            MessageStructure="json",
        ),
        f"{topic} takes no message",
        "run `ship bootstrap --aws`; a topic of another account has to allow it, too",
    )


def _post(url: str, text: str) -> None:
    import httpx

    if (urlsplit(url).hostname or "").endswith(_TEAMS):
        lines = [{"type": "TextBlock", "text": one, "wrap": True} for one in text.splitlines()]
        card = {"type": "AdaptiveCard", "version": "1.4", "body": lines}
        kind = "application/vnd.microsoft.card.adaptive"
        payload = {"type": "message", "attachments": [{"contentType": kind, "content": card}]}
    else:
        # https://docs.slack.dev/messaging/formatting-message-text#escaping
        for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(character, entity)
        payload = {"text": text}
    try:
        with httpx.stream("POST", url, json=payload, timeout=_CALL_SECONDS) as response:
            response.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # The address is a secret, and httpx's own messages name it.
        status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else ""
        reason = status or type(error).__name__
        raise ShipError(f"the webhook takes no message ({reason})", f"see {WEBHOOK}") from None
