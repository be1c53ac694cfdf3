"""What people are told of an environment: by the topic, and in a chat on this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from tests.e2e.sandbox import ACCOUNT, Sandbox
from tests.lambda_adapter.http_server import Answer, Received, serve


@dataclass(frozen=True)
class Told:
    """Messages, oldest first: those of the topic as its subscribers get them."""

    cloudwatch: Any
    """A client, to let an alarm fire."""
    chat: list[str]
    topic_arn: str
    _sqs: Any
    _queue: str
    _topic: list[dict[str, str]]

    @property
    def topic(self) -> list[dict[str, str]]:
        """With subject and text."""
        request = {"QueueUrl": self._queue, "MaxNumberOfMessages": 10}
        while found := self._sqs.receive_message(**request).get("Messages"):
            for one in found:
                body = json.loads(one["Body"])
                self._topic.append({"Subject": body["Subject"], "Message": body["Message"]})
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=one["ReceiptHandle"])
        return self._topic


@contextmanager
def listening(sandbox: Sandbox, environment: str) -> Iterator[Told]:
    """Subscribe a queue to an environment's topic, and be its chat."""
    root = sandbox.context.emulator.root()
    session = boto3.Session(
        root.access_key_id, root.secret_access_key, None, sandbox.project.region
    )

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=sandbox.endpoint)

    clients = sandbox.context.clients(environment)
    topic = sandbox.context.store(environment, clients).stack().alert_topic
    assert topic
    sqs, name = client("sqs"), "on-call"
    arn = f"arn:aws:sqs:{sandbox.project.region}:{ACCOUNT}:{name}"
    # https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
    statement = {
        "Effect": "Allow",
        "Action": ["sqs:SendMessage"],
        "Principal": {"Service": "sns.amazonaws.com"},
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    queue = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    chat: list[str] = []

    def answer(request: Received) -> Answer:
        chat.append(json.loads(request.body)["text"])
        return Answer()

    project = sandbox.root / "pyproject.toml"
    table = f"[tool.ship.environments.{environment}.alerts]\n"
    project.write_text(project.read_text().replace(table, f"{table}webhook = true\n"))
    sandbox.commit("Tell the chat, too")
    with serve(answer) as url:
        sandbox.ship("settings", environment, "set", "ALERT_WEBHOOK", piped=f"{url}/secret")
        yield Told(client("cloudwatch"), chat, topic, sqs, queue, [])
