"""Settings of an environment, and a small Parameter Store on loopback that obeys."""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from lambda_adapter.config import Release, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "/serverless-flask/dev/public"
ALARM_PREFIX = "serverless-flask-staging-"
SETTINGS = Settings(
    environment="staging",
    release=Release("20261123-42-1a2b3c4", "1a2b3c4" + "0" * 33),
    function_version="7",
    lambda_endpoint="http://127.0.0.1:9",
)


@dataclass(frozen=True)
class Scripted:
    """One answer out of turn; status 0 cuts the connection."""

    status: int = 200
    body: bytes = b"{}"
    delay: float = 0.0

    @classmethod
    def fault(cls, kind: str, status: int = 400) -> Scripted:
        body = {"__type": f"com.amazonaws.ssm#{kind}", "message": "secret words"}
        return cls(status, json.dumps(body).encode())


@dataclass
class Double(ABC):
    """A service on loopback: what it was asked, and what it answers out of turn."""

    url: str = ""
    script: list[Scripted] = field(default_factory=list)
    always: Scripted | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def answer(self, operation: str, asked: dict[str, Any]) -> Scripted:
        if self.script:
            return self.script.pop(0)
        return self.always or Scripted(body=json.dumps(self.regular(operation, asked)).encode())

    @abstractmethod
    def regular(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """What it answers when nothing is out of turn."""

    @abstractmethod
    def empty(self) -> None:
        """Forget what it holds."""


@dataclass
class ParameterStoreDouble(Double):
    parameters: dict[str, Any] = field(default_factory=dict)
    """Full names and values; a value that is a dictionary stands for the whole entry."""

    def regular(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        start = int(asked.get("NextToken", "0"))
        names = sorted(name for name in self.parameters if name.startswith(asked["Path"] + "/"))
        page = names[start : start + asked["MaxResults"]]
        more = {"NextToken": str(start + len(page))} if start + len(page) < len(names) else {}
        return {"Parameters": [self._entry(name) for name in page]} | more

    def _entry(self, name: str) -> dict[str, Any]:
        value = self.parameters[name]
        entry = {"Name": name, "Type": "String", "Value": value}
        return entry | value if isinstance(value, dict) else entry

    def empty(self) -> None:
        self.parameters = {}

    def set(self, **values: str) -> None:
        self.parameters = {f"{PREFIX}/{name}": value for name, value in values.items()}


@dataclass
class CloudWatchDouble(Double):
    points: dict[str, dict[int, float]] = field(default_factory=dict)
    """By the id of a query: values by the second at which their slice begins."""
    alarms: list[dict[str, Any]] = field(default_factory=list)
    page: int = 1000
    """How many points, or alarms, fit on a page."""

    def regular(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        start = int(asked.get("NextToken", "0"))
        whole = {"DescribeAlarms": self._alarms, "GetMetricData": self._results}[operation](
            asked, start
        )
        left = max(len(self.alarms), *(len(found) for found in self.points.values()), 0)
        return whole | ({"NextToken": str(start + self.page)} if left > start + self.page else {})

    def empty(self) -> None:
        self.points, self.alarms = {}, []

    def _alarms(self, asked: dict[str, Any], start: int) -> dict[str, Any]:
        return {"MetricAlarms": self.alarms[start : start + self.page], "CompositeAlarms": []}

    def _results(self, asked: dict[str, Any], start: int) -> dict[str, Any]:
        return {
            "MetricDataResults": [
                self._result(query["Id"], start) for query in asked["MetricDataQueries"]
            ],
            "Messages": [],
        }

    def _result(self, name: str, start: int) -> dict[str, Any]:
        newest_first = sorted(self.points.get(name, {}).items(), reverse=True)
        page = newest_first[start : start + self.page]
        return {
            "Id": name,
            "Label": name,
            "StatusCode": "Complete",
            "Timestamps": [float(at) for at, _ in page],
            "Values": [value for _, value in page],
        }


def alarm(name: str, state: str = "ALARM", **more: Any) -> dict[str, Any]:
    """One entry of DescribeAlarms."""
    return {
        "AlarmName": f"{ALARM_PREFIX}{name}",
        "AlarmArn": f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{ALARM_PREFIX}{name}",
        "AlarmDescription": f"About {name}.",
        "StateValue": state,
        "StateReason": "secret words",
        "StateUpdatedTimestamp": 1773119783.6,
        **more,
    }


def running_parameter_store() -> AbstractContextManager[ParameterStoreDouble]:
    return _running(ParameterStoreDouble())


def running_cloudwatch() -> AbstractContextManager[CloudWatchDouble]:
    return _running(CloudWatchDouble(alarms=[alarm("errors", "OK"), alarm("duration", "OK")]))


@contextmanager
def _running[D: Double](double: D) -> Iterator[D]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            asked = json.loads(body)
            double.asked.append(asked)
            double.bodies.append(body)
            double.headers.append({name.lower(): value for name, value in self.headers.items()})
            operation = self.headers["x-amz-target"].rpartition(".")[2]
            scripted = double.answer(operation, asked)
            time.sleep(scripted.delay)
            if scripted.status:
                self._send(scripted)

        def _send(self, scripted: Scripted) -> None:
            try:
                self.send_response(scripted.status)
                self.send_header("Content-Length", str(len(scripted.body)))
                self.end_headers()
                self.wfile.write(scripted.body)
            except OSError:
                """The caller did not wait."""

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    double.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
