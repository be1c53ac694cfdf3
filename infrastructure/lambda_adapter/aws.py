"""The only place that talks to AWS: signed calls of its JSON services, without an SDK.

boto3 would add 122 ms and 23 MB to every cold start. What this needs from the standard
library is imported at the first call, because most cold starts never make one.
"""

from __future__ import annotations

import json
import random
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from lambda_adapter.errors import ServiceError
from lambda_adapter.signing import sign

if TYPE_CHECKING:
    import ssl
    from http.client import HTTPConnection

    from lambda_adapter.config import Settings

TIMEOUT = 1.0
"""Seconds to connect, and to answer."""
_RETRY_AFTER = (0.05, 0.15)
_MAX_PAGES = 10
_MAX_BYTES = 1_000_000
_KIND = re.compile(r"(?:[A-Za-z0-9._]{1,80}#)?([A-Za-z]{1,80})")
_THROTTLED = ("Throttling", "ThrottlingException", "TooManyUpdates", "RequestLimitExceeded")


class Service(NamedTuple):
    """How a service of AWS is spoken to."""

    title: str
    signing_name: str
    actions: str
    """What the names of its actions begin with in policies."""
    target: str
    media_type: str


_PARAMETER_STORE = Service(
    "Parameter Store", "ssm", "ssm", "AmazonSSM", "application/x-amz-json-1.1"
)


class Client:
    """Calls one service; each call has a second to connect, one to answer, and one more try."""

    def __init__(
        self, service: Service, endpoint: str, settings: Settings, timeout: float = TIMEOUT
    ) -> None:
        self._service = service
        self._endpoint = endpoint
        self._settings = settings
        self._timeout = timeout

    def pages(self, operation: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Call an operation until it names no further page. Raises ServiceError."""
        found: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while len(found) < _MAX_PAGES:
            page = self._call_twice(operation, asked | more)
            found.append(page)
            if not page.get("NextToken"):
                return found
            more = {"NextToken": page["NextToken"]}
        raise ServiceError(
            f"{self._service.title} has more than {_MAX_PAGES} pages for {operation}; "
            "remove what does not belong there"
        )

    def unusable(self, operation: str) -> ServiceError:
        """Return the error for an answer that lacks what was asked for."""
        return ServiceError(
            f"{self._service.title} answered {operation} with something else; check its endpoint"
        )

    def _call_twice(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._call(operation, asked)
        except ServiceError as fault:
            if not fault.transient:
                raise
        time.sleep(random.uniform(*_RETRY_AFTER))  # noqa: S311
        return self._call(operation, asked)

    def _call(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        from http.client import HTTPException

        connection = self._connect()
        try:
            body, headers = self._request(connection.host, connection.port, operation, asked)
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            return self._answer(response.status, response.read(_MAX_BYTES), operation)
        except (OSError, HTTPException) as fault:
            raise ServiceError(
                f"{self._service.title} did not answer ({type(fault).__name__}); "
                "check the function's network and its endpoint",
                transient=True,
            ) from fault
        finally:
            connection.close()

    def _connect(self) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        scheme, _, address = self._endpoint.partition("://")
        if scheme == "http":
            return HTTPConnection(address, timeout=self._timeout)
        return HTTPSConnection(address, timeout=self._timeout, context=tls())

    def _request(
        self, host: str, port: int, operation: str, asked: dict[str, Any]
    ) -> tuple[bytes, dict[str, str]]:
        if self._settings.credentials is None:
            raise ServiceError(
                f"there are no credentials for {self._service.title}; run as the function's role"
            )
        body = json.dumps(asked).encode()
        headers = {
            "host": host if port in (80, 443) else f"{host}:{port}",
            "content-type": self._service.media_type,
            "x-amz-target": f"{self._service.target}.{operation}",
        }
        return body, sign(
            headers,
            body,
            credentials=self._settings.credentials,
            region=self._settings.region,
            service=self._service.signing_name,
            now=time.time(),
        )

    def _answer(self, status: int, content: bytes, operation: str) -> dict[str, Any]:
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if status == 200:
            if isinstance(answer, dict):
                return answer
            raise self.unusable(operation)
        kind = _kind(answer)
        transient = status >= 500 or status == 429 or kind in _THROTTLED
        hint = (
            "it is asked again, after a while"
            if transient
            else f"check that the function's role may call {self._service.actions}:{operation}"
        )
        raise ServiceError(
            f"{self._service.title} answered {status} {kind or 'without an error type'}; {hint}",
            transient=transient,
        )


def _kind(answer: object) -> str:
    """Return the name of an error, and nothing else that somebody may have written there."""
    kind = answer.get("__type") if isinstance(answer, dict) else None
    found = _KIND.fullmatch(kind) if isinstance(kind, str) else None
    return found[1] if found else ""


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """Return the one TLS context of the process: making it takes 20 ms."""
    import ssl

    return ssl.create_default_context()


@dataclass(frozen=True)
class Parameter:
    """One parameter, its name without the prefix."""

    name: str
    value: str
    secret: bool


class ParameterStore:
    """Reads the parameters right below one path, and no others."""

    def __init__(self, settings: Settings, timeout: float = TIMEOUT) -> None:
        self._prefix = settings.parameter_prefix
        self._client = Client(_PARAMETER_STORE, settings.ssm_endpoint, settings, timeout)

    def read(self) -> tuple[Parameter, ...]:
        """Read all pages. Raises ServiceError.

        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
        """
        operation = "GetParametersByPath"
        asked = {"Path": self._prefix, "Recursive": False, "MaxResults": 10}
        pages = self._client.pages(operation, asked)
        if not all(isinstance(page.get("Parameters"), list) for page in pages):
            raise self._client.unusable(operation)
        return tuple(
            Parameter(
                name=entry["Name"].removeprefix(f"{self._prefix}/"),
                value=entry["Value"],
                secret=entry.get("Type") == "SecureString",
            )
            for page in pages
            for entry in page["Parameters"]
            if _is_below(self._prefix, entry)
        )


def _is_below(prefix: str, entry: object) -> bool:
    """Whatever the service answers, only names below the prefix count."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("Name"), str)
        and isinstance(entry.get("Value"), str)
        and entry["Name"].startswith(f"{prefix}/")
    )
