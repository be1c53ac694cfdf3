"""What stands between the sockets and ministack: the doors, our health, closed back doors.

Runs in the emulator's own environment.
"""

# ruff: noqa: SLF001 (it stands in for ministack's own, private entry)

from __future__ import annotations

import json
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from emulator.keeping import Keeper
    from emulator.shared.doors import Doors

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

_HEALTH = "/_ship/health"
_OPEN = ("/_ministack/health", "/_ministack/ready", "/_ministack/lambda-", "/_localstack/health")
_CLOSED = ("/_ministack/", "/_localstack/")
_READING = ("GET", "HEAD")


class Edge:
    """The ASGI application that all sockets serve."""

    def __init__(
        self, doors: Doors, port: int, version: str, mended: list[str], keeper: Keeper
    ) -> None:
        from ministack import app

        self._app = app
        self._doors = doors
        self._keeper = keeper
        self._port = port
        self._health = {"pid": os.getpid(), "version": version, "mends": mended}
        self._ready: Callable[[], None] = lambda: None

    def on_ready(self, ready: Callable[[], None]) -> None:
        """Call this once the state is loaded and requests can come."""
        self._ready = ready

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on to ministack."""
        if scope["type"] == "lifespan":
            await self._app.app(scope, receive, self._announcing(send))
        elif scope["server"][1] != self._port:
            await self._door(scope, receive, send)
        elif scope["path"] == _HEALTH:
            await _answer(send, 200, json.dumps(self._health), "application/json")
        elif _is_closed(scope):
            await _answer(send, 403, _closed_text(scope["path"]))
        else:
            self._keeper.saw(scope.get("method", "GET"))
            await self._app.app(scope, receive, send)

    def _announcing(self, send: Send) -> Send:
        async def announce(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self._ready()

        return announce

    async def _door(self, scope: Message, receive: Receive, send: Send) -> None:
        environment = self._doors.environment(scope["server"][1])
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif environment is None:
            await _answer(send, 404, _NO_ENVIRONMENT)
        else:
            await self._site(environment, scope, receive, send)

    async def _site(self, environment: str, scope: Message, receive: Receive, send: Send) -> None:
        distribution = find_distribution(environment)
        if distribution is None:
            await _answer(send, 503, _NOT_UP.format(environment=environment))
            return
        self._enter(scope, *account_and_region(distribution))
        headers = viewer_headers(scope["headers"], distribution["DomainName"])
        try:
            body = await self._app._read_request_body(receive, scope["method"], headers)
        except self._app._RequestBodyDisconnected:
            return
        response = await self._view(scope, headers, body)
        await self._app._send_if_handled(self._app._with_date_header(send), response, receive)

    def _enter(self, scope: Message, account: str, region: str) -> None:
        """Set what ministack keeps for the time of a request, as its own entry does."""
        from ministack.core import iam_evaluator, responses

        client = (scope.get("client") or ("127.0.0.1",))[0]
        responses.set_request_account_id(account)
        responses.set_request_region(region)
        responses.set_request_client_ip(client)
        iam_evaluator.pin_request_origin(client, secure_transport=True)
        iam_evaluator.pin_signed_request(scope["method"], scope["path"], {}, [])

    async def _view(
        self, scope: Message, headers: dict[str, str], body: bytes
    ) -> tuple[Any, ...] | None:
        query = scope.get("query_string", b"").decode()
        response: tuple[Any, ...] | None = await self._app._handle_cloudfront_dataplane_request(
            headers["host"],
            scope["path"],
            (scope.get("raw_path") or scope["path"].encode()).decode("ascii"),
            query,
            scope["method"],
            headers,
            body,
            parse_qs(query, keep_blank_values=True),
            (scope.get("client") or ("127.0.0.1",))[0],
        )
        return response


def find_distribution(environment: str) -> dict[str, Any] | None:
    """Find the distribution of an environment: its comment is "<project> <environment>"."""
    from ministack.services import cloudfront

    found = list(cloudfront._distributions._data.values())
    return next((one for one in found if comment_names(one, environment)), None)


def comment_names(distribution: dict[str, Any], environment: str) -> bool:
    """Whether a distribution's comment is two words, the second this environment."""
    words = _comment(distribution["config_xml"]).split()
    return len(words) == 2 and words[1] == environment


@lru_cache(maxsize=64)
def _comment(config: str) -> str:
    from ministack.services import cloudfront

    return cloudfront._text(cloudfront.fromstring(config), "Comment") or ""


def account_and_region(distribution: dict[str, Any]) -> tuple[str, str]:
    """Read the owner from the distribution's ARN; CloudFront's own region is us-east-1."""
    return distribution["ARN"].split(":")[4], "us-east-1"


def viewer_headers(raw: list[tuple[bytes, bytes]], domain: str) -> dict[str, str]:
    """Make the headers that CloudFront would get from a browser that came over HTTPS."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        joined = "; " if key == "cookie" else ", "
        headers[key] = f"{headers[key]}{joined}{text}" if key in headers else text
    return {**headers, "host": domain, "x-forwarded-proto": "https"}


_NO_ENVIRONMENT = "No environment has this door. `ship status` lists the environments and theirs.\n"
_NOT_UP = "{environment} is not up yet. Run `ship up`, then load this page again.\n"


def _is_closed(scope: Message) -> bool:
    path = scope["path"]
    if not path.startswith(_CLOSED):
        return False
    return not (path.startswith(_OPEN) and scope.get("method") in _READING)


def _closed_text(path: str) -> str:
    return f"{path} is closed: it would change the account without credentials.\n"


async def _answer(send: Send, status: int, text: str, kind: str = "text/plain") -> None:
    body = text.encode()
    headers = [
        (b"content-type", f"{kind}; charset=utf-8".encode()),
        (b"cache-control", b"no-store"),
    ]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
