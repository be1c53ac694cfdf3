"""The ASGI application that all sockets serve: site ports, health, and closed internal paths."""

# ruff: noqa: SLF001 (it stands in for ministack's own, private entry)

from __future__ import annotations

import json
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from emulator.autosave import AutosaveTimer
    from emulator.site_ports import SitePorts

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

# What ministack serves to tests without credentials: reset, configuration, code, sent mail.
_INTERNAL = ("/_ministack/", "/_localstack/")
_OPEN = ("/_ministack/health", "/_ministack/ready", "/_ministack/lambda-", "/_localstack/health")


class SiteProxy:
    """Routes a request by the port that it came to.

    Args:
        ports: which environment a site port belongs to.
        port: the port that answers as AWS.
        health: what the health endpoint says.
        autosave: is told of each request to AWS.
        on_ready: is called when the state is loaded and requests can come.
    """

    def __init__(
        self,
        ports: SitePorts,
        port: int,
        health: dict[str, object],
        autosave: AutosaveTimer,
        on_ready: Callable[[], None],
    ) -> None:
        from ministack import app

        self._app = app
        self._ports = ports
        self._port = port
        self._health = json.dumps({"pid": os.getpid(), **health})
        self._autosave = autosave
        self._on_ready = on_ready

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on to ministack."""
        if scope["type"] == "lifespan":

            async def announce(message: Message) -> None:
                await send(message)
                if message["type"] == "lifespan.startup.complete":
                    self._on_ready()

            await self._app.app(scope, receive, announce)
        elif scope["server"][1] != self._port:
            await self._serve_site(scope, receive, send)
        elif scope["path"] == "/_emulator/health":
            await _respond(send, 200, self._health, "application/json")
        elif _is_closed(scope):
            text = f"{scope['path']} is closed: it would change the account without credentials.\n"
            await _respond(send, 403, text)
        else:
            try:
                await self._app.app(scope, receive, send)
            finally:
                self._autosave.after_request(scope.get("method", "GET"))

    async def _serve_site(self, scope: Message, receive: Receive, send: Send) -> None:
        environment = self._ports.environment(scope["server"][1])
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif environment is None:
            await _respond(send, 404, "This port belongs to no environment.\n")
        elif (distribution := find_distribution(environment)) is None:
            text = (
                f"{environment} has no site yet: no distribution has the comment"
                f' "<project> {environment}". Apply its stack, then load this page again.\n'
            )
            await _respond(send, 503, text)
        else:
            await self._respond_as(distribution, scope, receive, send)

    async def _respond_as(
        self, distribution: dict[str, Any], scope: Message, receive: Receive, send: Send
    ) -> None:
        client = (scope.get("client") or ("127.0.0.1",))[0]
        _enter_request(distribution["ARN"].split(":")[4], client, scope)
        headers = viewer_headers(scope["headers"], distribution["DomainName"])
        try:
            body = await self._app._read_request_body(receive, scope["method"], headers)
        except self._app._RequestBodyDisconnected:
            return
        query = scope.get("query_string", b"").decode()
        raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("ascii")
        request = (headers["host"], scope["path"], raw_path, query, scope["method"], headers, body)
        response = await self._app._handle_cloudfront_dataplane_request(
            *request, parse_qs(query, keep_blank_values=True), client
        )
        await self._app._send_if_handled(self._app._with_date_header(send), response, receive)


def _enter_request(account: str, client: str, scope: Message) -> None:
    """Set what ministack keeps for the time of a request, as its own entry does."""
    from ministack.core import iam_evaluator, responses

    responses.set_request_account_id(account)
    responses.set_request_region("us-east-1")  # The region of everything that CloudFront owns.
    responses.set_request_client_ip(client)
    iam_evaluator.pin_request_origin(client, secure_transport=True)
    iam_evaluator.pin_signed_request(scope["method"], scope["path"], {}, [])


def find_distribution(environment: str) -> dict[str, Any] | None:
    """Find the distribution of an environment: its comment is "<project> <environment>"."""
    from ministack.services import cloudfront

    for distribution in list(cloudfront._distributions._data.values()):
        words = _read_comment(distribution["config_xml"]).split()
        if len(words) == 2 and words[1] == environment:
            return dict(distribution)
    return None


@lru_cache(maxsize=64)
def _read_comment(config: str) -> str:
    from ministack.services import cloudfront

    return cloudfront._text(cloudfront.fromstring(config), "Comment") or ""


def viewer_headers(raw: list[tuple[bytes, bytes]], domain: str) -> dict[str, str]:
    """Make the headers that CloudFront gets from a browser that uses HTTPS."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        joined = "; " if key == "cookie" else ", "
        headers[key] = f"{headers[key]}{joined}{text}" if key in headers else text
    return {**headers, "host": domain, "x-forwarded-proto": "https"}


def _is_closed(scope: Message) -> bool:
    path, reads = scope["path"], scope.get("method") in ("GET", "HEAD")
    return path.startswith(_INTERNAL) and not (reads and path.startswith(_OPEN))


async def _respond(send: Send, status: int, text: str, kind: str = "text/plain") -> None:
    body = text.encode()
    headers = [
        (b"content-type", f"{kind}; charset=utf-8".encode()),
        (b"cache-control", b"no-store"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
