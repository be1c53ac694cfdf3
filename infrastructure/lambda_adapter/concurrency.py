"""Keeps several environments of the function warm. Loaded when the schedule asks for it."""

from __future__ import annotations

import json
import os
import re
import time
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING

from lambda_adapter.aws import tls
from lambda_adapter.errors import ServiceError
from lambda_adapter.schedule import HOLD, SOURCE
from lambda_adapter.signing import sign

if TYPE_CHECKING:
    from lambda_adapter.config import Settings

_ALIAS = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:([A-Za-z0-9_-]{1,64}):([A-Za-z0-9_-]{1,128})"
)
_EVENT = json.dumps({"source": SOURCE, "detail-type": HOLD, "detail": {}}).encode()
_MAX_BYTES = 1_000  # Whatever these are, they nest too little to exhaust the stack.


@lru_cache(maxsize=1)
def identity() -> str:
    """Return a name for this process, which is one environment of the function."""
    return os.urandom(8).hex()


def warm(wanted: int, context: object, settings: Settings, seconds: float) -> tuple[int, str]:
    """Have this many environments at work at the same time, this one among them.

    Returns how many there were, and what was wrong, in words for an operator. Never raises.
    """
    if wanted == 1:
        return 1, ""
    try:
        found = _hold_others(wanted - 1, context, settings, seconds)
    except (OSError, HTTPException) as fault:
        return 1, (
            f"Lambda did not answer ({type(fault).__name__}), so only this environment is warm; "
            "check the function's network and its endpoint"
        )
    except ServiceError as fault:
        return 1, str(fault)
    environments = {identity(), *(answer for answer, status in found if status == 200)}
    return len(environments), _shortage(len(environments), wanted, {s for _, s in found})


def _hold_others(
    count: int, context: object, settings: Settings, seconds: float
) -> list[tuple[str, int]]:
    """Invoke the alias that this invocation came through; return each answer and its status.

    All connections stand before the first request leaves. So the requests arrive together, and
    while each is held no other can be given its environment.
    """
    path, headers = _request(context, settings)
    connections: list[HTTPConnection] = []
    try:
        for _ in range(count):
            connections.append(_connect(settings.lambda_endpoint, seconds))
            connections[-1].connect()
        for connection in connections:
            connection.request("POST", path, _EVENT, headers)
        return [_answer(connection) for connection in connections]
    finally:
        for connection in connections:
            connection.close()


def _connect(endpoint: str, seconds: float) -> HTTPConnection:
    scheme, _, host = endpoint.partition("://")
    if scheme == "http":
        return HTTPConnection(host, timeout=seconds)
    return HTTPSConnection(host, timeout=seconds, context=tls())


def _request(context: object, settings: Settings) -> tuple[str, dict[str, str]]:
    """https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""
    arn = getattr(context, "invoked_function_arn", None)
    alias = _ALIAS.fullmatch(arn) if isinstance(arn, str) else None
    if alias is None or settings.credentials is None:
        raise ServiceError(
            "this was invoked without an alias or a role, so only this environment is warm; "
            "let the schedule invoke the alias"
        )
    path = f"/2015-03-31/functions/{alias[1]}/invocations"
    query = f"Qualifier={alias[2]}"
    headers = sign(
        {"host": settings.lambda_endpoint.partition("://")[2], "content-type": "application/json"},
        _EVENT,
        credentials=settings.credentials,
        region=settings.region,
        service="lambda",
        now=time.time(),
        path=path,
        query=query,
    )
    return f"{path}?{query}", headers


def _answer(connection: HTTPConnection) -> tuple[str, int]:
    response = connection.getresponse()
    try:
        answer = json.loads(response.read(_MAX_BYTES))
    except ValueError:
        answer = None
    name = answer.get("environment") if isinstance(answer, dict) else None
    return name if isinstance(name, str) else identity(), response.status


def _shortage(warm: int, wanted: int, statuses: set[int]) -> str:
    if warm == wanted:
        return ""
    if 429 in statuses:
        hint = "raise function_reserved_concurrency, or lower warm_up_environments"
    elif 403 in statuses:
        hint = "check that the function's role may call lambda:InvokeFunction on its own alias"
    else:
        hint = "look at the function's log under this time"
    answered = ", ".join(str(status) for status in sorted(statuses))
    return f"{warm} of {wanted} environments are warm, as Lambda answered {answered}; {hint}"
