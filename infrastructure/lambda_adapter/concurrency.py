"""Keeps several execution environments of the function warm.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

import json
import os
import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from lambda_adapter.aws import Service
from lambda_adapter.connection import Connection
from lambda_adapter.errors import ServiceError
from lambda_adapter.lambda_handler import SCHEDULE
from lambda_adapter.signing import sign

if TYPE_CHECKING:
    from lambda_adapter.aws import AwsSettings

KEEP_BUSY = "keep-busy"
LAMBDA = Service("Lambda", "lambda", "lambda", "", "application/json")
_ALIAS = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:([A-Za-z0-9_-]{1,64}):([A-Za-z0-9_-]{1,128})"
)
_EVENT = json.dumps({"source": SCHEDULE, "detail-type": KEEP_BUSY, "detail": {}}).encode()
_MAX_BYTES = 1_000  # Too few to nest so deep that the stack ends.


@lru_cache(maxsize=1)
def identity() -> str:
    """Return a name for this process, which is one execution environment of the function."""
    return os.urandom(8).hex()


def warm_up(wanted: int, context: object, aws: AwsSettings, seconds: float) -> tuple[int, str]:
    """Have this many execution environments busy at the same time, this one among them.

    Returns how many there were, and what is wrong, for an operator. Never raises.
    """
    if wanted == 1:
        return 1, ""
    try:
        answers = _keep_others_busy(wanted - 1, context, aws, seconds)
    except OSError as error:
        return 1, (
            f"Lambda did not answer ({type(error).__name__}), so only this execution environment "
            "is warm; check the function's network and its endpoint"
        )
    except ServiceError as error:
        return 1, str(error)
    count = len({identity(), *(name for name, status in answers if status == 200)})
    if count == wanted:
        return count, ""
    statuses = sorted({status for _, status in answers})
    if 429 in statuses:
        hint = "raise function_reserved_concurrency, or lower warm_up_environments"
    elif 403 in statuses:
        hint = "check that the function's role may call lambda:InvokeFunction on its own alias"
    else:
        hint = "look at the function's log of this time"
    return count, (
        f"{count} of {wanted} execution environments are warm, as Lambda answered "
        f"{', '.join(map(str, statuses))}; {hint}"
    )


def _keep_others_busy(
    count: int, context: object, aws: AwsSettings, seconds: float
) -> list[tuple[str, int]]:
    """Invoke the alias that this invocation came through; return each answer and its status.

    All connections are open before the first request leaves. So the requests arrive together, and
    while one keeps its execution environment busy no other can be given the same.
    """
    path, headers = _sign_invocation(context, aws)
    connections: list[Connection] = []
    try:
        for _ in range(count):
            connections.append(Connection(aws.endpoint(LAMBDA), seconds))
            connections[-1].open()
        for connection in connections:
            connection.send("POST", path, headers, _EVENT)
        return [_read_answer(connection) for connection in connections]
    finally:
        for connection in connections:
            connection.close()


def _sign_invocation(context: object, aws: AwsSettings) -> tuple[str, dict[str, str]]:
    """https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""
    arn = getattr(context, "invoked_function_arn", None)
    alias = _ALIAS.fullmatch(arn) if isinstance(arn, str) else None
    if alias is None or aws.credentials is None:
        raise ServiceError(
            "the function was invoked without an alias or a role, so only this execution "
            "environment is warm; let the schedule invoke the alias"
        )
    path = f"/2015-03-31/functions/{alias[1]}/invocations"
    query = f"Qualifier={alias[2]}"
    headers = sign(
        {"host": aws.endpoint(LAMBDA).partition("://")[2], "content-type": LAMBDA.media_type},
        _EVENT,
        credentials=aws.credentials,
        region=aws.region,
        service=LAMBDA.signing_name,
        now=time.time(),
        path=path,
        query=query,
    )
    return f"{path}?{query}", headers


def _read_answer(connection: Connection) -> tuple[str, int]:
    status, content = connection.receive(_MAX_BYTES)
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    name = answer.get("environment") if isinstance(answer, dict) else None
    return name if isinstance(name, str) else identity(), status
