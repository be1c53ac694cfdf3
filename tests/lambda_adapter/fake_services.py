"""What the schedule talks to, on loopback: Lambda's Invoke API, and the site."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lambda_adapter.aws import AwsSettings, Credentials
from tests.lambda_adapter.http_server import Answer, Received, serve

ARN = "arn:aws:lambda:eu-central-1:000000000000:function:serverless-flask-dev:live"


class Context:
    """Lambda's context of an invocation, by default through the alias, with some seconds left."""

    aws_request_id = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"

    def __init__(self, seconds: float = 10.0, arn: str = ARN) -> None:
        self._seconds = seconds
        self.invoked_function_arn = arn

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


@dataclass
class FakeServices:
    """Answers each invocation as another execution environment; all of a round at the same time."""

    url: str = ""
    together: int = 0
    """How many invocations have to be here before any is answered."""
    invocation: Answer | None = None
    """What every invocation is answered with, in the place of an execution environment's answer."""
    site: Answer = field(default_factory=lambda: Answer(body=b'{"status":"ok"}\n'))
    received: list[Received] = field(default_factory=list)
    late: int = 0
    _arrived: int = 0
    _turn: threading.Condition = field(default_factory=threading.Condition)

    @property
    def aws(self) -> AwsSettings:
        keys = Credentials("AKIDEXAMPLE", "secret", "token")
        return AwsSettings(credentials=keys, endpoints={"AWS_ENDPOINT_URL": self.url})

    def respond(self, request: Received) -> Answer:
        self.received.append(request)
        if request.method == "GET":
            return self.site
        with self._turn:
            self._arrived += 1
            number = self._arrived
            self._turn.notify_all()
            if not self._turn.wait_for(lambda: self._arrived >= self.together, timeout=2):
                self.late += 1
        body = json.dumps({"status": "warm", "environment": f"environment-{number}"})
        return self.invocation or Answer(body=body.encode())


@contextmanager
def fake_services() -> Iterator[FakeServices]:
    services = FakeServices()
    with serve(services.respond) as url:
        services.url = url
        yield services
