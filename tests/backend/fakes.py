"""A small Parameter Store and CloudWatch, and the settings that name them."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from werkzeug import Request, Response

from app.config import Settings

PREFIX = "/serverless-flask/staging/public"
ALARM_PREFIX = "serverless-flask-staging-"
SETTINGS = Settings(
    environment="staging",
    parameter_prefix=PREFIX,
    metrics_namespace="serverless-flask",
    alarm_prefix=ALARM_PREFIX,
    aws_timeout=0.5,
)

type Body = dict[str, Any]


def alarm(name: str, state: str = "ALARM", **more: Any) -> Body:
    """One entry of DescribeAlarms."""
    return {
        "AlarmName": f"{ALARM_PREFIX}{name}",
        "AlarmDescription": f"About {name}.",
        "StateValue": state,
        "StateReason": "secret words",
        "StateUpdatedTimestamp": 1773119783.6,
        **more,
    }


def error(kind: str, status: int = 400) -> Response:
    """An error as both services word it."""
    body = {"__type": f"com.amazonaws#{kind}", "message": "secret words"}
    return Response(json.dumps(body), status)


def slow() -> Response:
    """No answer in time, for a timeout of 0.1 s."""
    time.sleep(0.3)
    return Response("{}")


@dataclass
class FakeAws:
    """Answers by what it holds; `instead` has other answers, by operation."""

    parameters: dict[str, str | Body] = field(default_factory=dict)
    """Values by full name, or whole entries of GetParametersByPath."""
    points: dict[str, dict[int, float]] = field(default_factory=dict)
    """By the id of a query: values by the second at which their slice begins."""
    alarms: list[Body] = field(default_factory=lambda: [alarm("errors", "OK")])
    page: int = 1000
    """How many parameters, points or alarms fit on a page."""
    instead: dict[str, Callable[[], Response]] = field(default_factory=dict)
    requests: list[tuple[str, Body]] = field(default_factory=list)
    """Operations and bodies."""
    raw: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    """The same as headers, with lower-case names, and bytes."""

    def set(self, **values: str) -> None:
        """Set public parameters, and remove the others."""
        self.parameters = {f"{PREFIX}/{name}": value for name, value in values.items()}

    def asked(self, operation: str) -> list[Body]:
        """The bodies that an operation got."""
        return [body for name, body in self.requests if name == operation]

    def respond(self, request: Request) -> Response:
        """Answer a request of the JSON protocol."""
        operation = request.headers["X-Amz-Target"].rpartition(".")[2]
        body = json.loads(request.get_data())
        self.requests.append((operation, body))
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.raw.append((headers, request.get_data()))
        if operation in self.instead:
            return self.instead[operation]()
        return Response(json.dumps(self.answer(operation, body)))

    def answer(self, operation: str, body: Body) -> Body:
        """The body of a good answer, page by page."""
        start = int(body.get("NextToken", 0))
        end = start + self.page
        if operation == "GetParametersByPath":
            found = sorted(n for n in self.parameters if n.startswith(body["Path"] + "/"))
            count = len(found)
            answer: Body = {"Parameters": [self._parameter(name) for name in found[start:end]]}
        elif operation == "DescribeAlarms":
            count = len(self.alarms)
            answer = {"MetricAlarms": self.alarms[start:end], "CompositeAlarms": []}
        else:
            count = max(map(len, self.points.values()), default=0)
            queries = body["MetricDataQueries"]
            answer = {"MetricDataResults": [self._result(one["Id"], start) for one in queries]}
        return answer | ({"NextToken": str(end)} if count > end else {})

    def _parameter(self, name: str) -> Body:
        value = self.parameters[name]
        entry = value if isinstance(value, dict) else {"Value": value}
        return {"Name": name, "Type": "String", **entry}

    def _result(self, name: str, start: int) -> Body:
        newest_first = sorted(self.points.get(name, {}).items(), reverse=True)
        page = newest_first[start : start + self.page]
        return {
            "Id": name,
            "Label": name,
            "StatusCode": "Complete",
            "Timestamps": [float(at) for at, _ in page],
            "Values": [value for _, value in page],
        }
