"""The only place that talks to AWS: one call of Parameter Store, without an SDK.

boto3 would add 122 ms and 23 MB to every cold start. What this needs from the standard
library is imported at the first call, because most cold starts never make one.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backend.errors import ParameterStoreError
from backend.signing import sign

if TYPE_CHECKING:
    import ssl
    from http.client import HTTPConnection

    from backend.config import Settings

_TIMEOUT = 1.0
_RETRY_AFTER = (0.05, 0.15)
_MAX_PAGES = 10
_MAX_BYTES = 1_000_000
_THROTTLED = ("ThrottlingException", "TooManyUpdates", "RequestLimitExceeded")


@dataclass(frozen=True)
class Parameter:
    """One parameter, its name without the prefix."""

    name: str
    value: str
    secret: bool


class ParameterStore:
    """Reads the parameters right below one path, and no others."""

    def __init__(self, settings: Settings, timeout: float = _TIMEOUT) -> None:
        self._settings = settings
        self._timeout = timeout
        self._tls: ssl.SSLContext | None = None

    def read(self) -> tuple[Parameter, ...]:
        """Read all pages; each call has a second to connect, one to answer, and one more try.

        Raises ParameterStoreError.
        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
        """
        found: list[Parameter] = []
        token = ""
        for _ in range(_MAX_PAGES):
            page = self._call_twice(token)
            found += _parameters(page, self._settings.parameter_prefix)
            token = page.get("NextToken") or ""
            if not token:
                return tuple(found)
        raise ParameterStoreError(
            f"more than {_MAX_PAGES} pages lie below {self._settings.parameter_prefix}; "
            "remove what is not a public setting"
        )

    def _call_twice(self, token: str) -> dict[str, Any]:
        try:
            return self._call(token)
        except ParameterStoreError as fault:
            if not fault.transient:
                raise
        time.sleep(random.uniform(*_RETRY_AFTER))  # noqa: S311
        return self._call(token)

    def _call(self, token: str) -> dict[str, Any]:
        from http.client import HTTPException

        connection = self._connect()
        try:
            connection.request("POST", "/", *self._request(connection.host, connection.port, token))
            response = connection.getresponse()
            return _page(response.status, response.read(_MAX_BYTES))
        except (OSError, HTTPException) as fault:
            raise ParameterStoreError(
                f"Parameter Store did not answer ({type(fault).__name__}); "
                "check the function's network and its endpoint",
                transient=True,
            ) from fault
        finally:
            connection.close()

    def _connect(self) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        scheme, _, address = self._settings.ssm_endpoint.partition("://")
        if scheme == "http":
            return HTTPConnection(address, timeout=self._timeout)
        if self._tls is None:
            import ssl

            self._tls = ssl.create_default_context()
        return HTTPSConnection(address, timeout=self._timeout, context=self._tls)

    def _request(self, host: str, port: int, token: str) -> tuple[bytes, dict[str, str]]:
        if self._settings.credentials is None:
            raise ParameterStoreError(
                "there are no credentials to read parameters with; run as the function's role"
            )
        body = json.dumps(
            {"Path": self._settings.parameter_prefix, "Recursive": False, "MaxResults": 10}
            | ({"NextToken": token} if token else {})
        ).encode()
        headers = {
            "host": host if port in (80, 443) else f"{host}:{port}",
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": "AmazonSSM.GetParametersByPath",
        }
        return body, sign(
            headers,
            body,
            credentials=self._settings.credentials,
            region=self._settings.region,
            service="ssm",
            now=time.time(),
        )


def _page(status: int, content: bytes) -> dict[str, Any]:
    try:
        page = json.loads(content)
    except (ValueError, RecursionError):
        page = None
    if status == 200 and isinstance(page, dict) and isinstance(page.get("Parameters"), list):
        return page
    kind = str(page.get("__type", "")).rpartition("#")[2] if isinstance(page, dict) else ""
    raise ParameterStoreError(
        f"Parameter Store answered {status} {kind or 'without an error type'}; "
        "check that the function's role may call ssm:GetParametersByPath on the public prefix",
        transient=status >= 500 or status == 429 or kind in _THROTTLED,
    )


def _parameters(page: dict[str, Any], prefix: str) -> list[Parameter]:
    return [
        Parameter(
            name=entry["Name"].removeprefix(f"{prefix}/"),
            value=entry["Value"],
            secret=entry.get("Type") == "SecureString",
        )
        for entry in page["Parameters"]
        if _is_below(prefix, entry)
    ]


def _is_below(prefix: str, entry: object) -> bool:
    """Whatever the service answers, only names below the prefix count."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("Name"), str)
        and isinstance(entry.get("Value"), str)
        and entry["Name"].startswith(f"{prefix}/")
    )
