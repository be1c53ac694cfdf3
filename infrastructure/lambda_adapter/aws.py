"""The only place that talks to AWS: signed calls of its JSON services, without an SDK.

boto3 would add 122 ms and 23 MB to every cold start.
"""

from __future__ import annotations

import json
import os
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from lambda_adapter.connection import Connection
from lambda_adapter.errors import ConfigurationError, ServiceError
from lambda_adapter.signing import sign

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT = 1.0
"""Seconds to connect, and to answer."""
_ENDPOINT = "AWS_ENDPOINT_URL"
_MAX_PAGES = 10
_MAX_BYTES = 1_000_000
_ERROR_TYPE = re.compile(r"(?:[A-Za-z0-9._]{1,80}#)?([A-Za-z]{1,80})")
_THROTTLED = ("Throttling", "ThrottlingException", "TooManyUpdates", "RequestLimitExceeded")


class Service(NamedTuple):
    """How a service of AWS is called."""

    title: str
    signing_name: str
    """Its name in signatures, which is also what its host's name begins with."""
    actions: str
    """Its name in policies and, in capitals, in `AWS_ENDPOINT_URL_<SERVICE>`."""
    target: str
    media_type: str


class Credentials(NamedTuple):
    """Keys of the function's role; a repr, and so a trace, does not contain them."""

    access_key: str
    secret_key: str
    session_token: str = ""

    def __repr__(self) -> str:
        return "Credentials()"


class AwsSettings(NamedTuple):
    """Where AWS is called, and as whom."""

    region: str = "eu-central-1"
    credentials: Credentials | None = None
    endpoints: Mapping[str, str] = {}
    """Values of `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`, by the variable's name."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> AwsSettings:
        """Read the variables that Lambda sets, and those of the SDKs for other endpoints.

        Raises:
            ConfigurationError: an endpoint is not an http:// or https:// address.
        """
        env = os.environ if environ is None else environ
        endpoints = {name: url for name, url in env.items() if url and name.startswith(_ENDPOINT)}
        for name, url in endpoints.items():
            if not url.startswith(("http://", "https://")):
                raise ConfigurationError(
                    f"{name} is {url!r}; set it to an http:// or https:// address"
                )
        key, secret = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
        token = env.get("AWS_SESSION_TOKEN", "")
        return cls(
            region=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or cls().region,
            credentials=Credentials(key, secret, token) if key and secret else None,
            endpoints=endpoints,
        )

    def endpoint(self, service: Service) -> str:
        """Return a service's endpoint by the SDKs' rule.

        https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
        """
        name = f"{_ENDPOINT}_{service.actions.upper()}"
        given = self.endpoints.get(name) or self.endpoints.get(_ENDPOINT)
        domain = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return (given or f"https://{service.signing_name}.{self.region}.{domain}").rstrip("/")


class Client:
    """Calls one JSON service; a call has a second to connect, one to answer, and one retry."""

    def __init__(self, service: Service, settings: AwsSettings, timeout: float = TIMEOUT) -> None:
        self._service = service
        self._settings = settings
        self._timeout = timeout

    def pages(self, operation: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        """Call an operation until it names no further page.

        Raises:
            ServiceError: the service does not answer, or refuses, or does not come to an end.
        """
        pages: list[dict[str, Any]] = []
        token: dict[str, Any] = {}
        while len(pages) < _MAX_PAGES:
            page = self._call_with_retry(operation, parameters | token)
            pages.append(page)
            if not page.get("NextToken"):
                return pages
            token = {"NextToken": page["NextToken"]}
        raise ServiceError(
            f"{self._service.title} has more than {_MAX_PAGES} pages for {operation}; "
            "remove what does not belong there"
        )

    def unusable(self, operation: str) -> ServiceError:
        """Return the error for an answer that lacks what was asked for."""
        return ServiceError(
            f"{self._service.title} answered {operation} with something else; check its endpoint"
        )

    def _call_with_retry(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._call(operation, parameters)
        except ServiceError as error:
            if not error.transient:
                raise
        sleep_about(0.15)
        return self._call(operation, parameters)

    def _call(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if self._settings.credentials is None:
            raise ServiceError(
                f"there are no credentials for {self._service.title}; run as the function's role"
            )
        connection = Connection(self._settings.endpoint(self._service), self._timeout)
        body = json.dumps(parameters).encode()
        headers = sign(
            {
                "host": connection.host,
                "content-type": self._service.media_type,
                "x-amz-target": f"{self._service.target}.{operation}",
            },
            body,
            credentials=self._settings.credentials,
            region=self._settings.region,
            service=self._service.signing_name,
            now=time.time(),
        )
        try:
            connection.send("POST", "/", headers, body)
            status, content = connection.receive(_MAX_BYTES)
        except OSError as error:
            raise ServiceError(
                f"{self._service.title} did not answer ({type(error).__name__}); "
                "check the function's network and its endpoint",
                transient=True,
            ) from error
        finally:
            connection.close()
        return self._read_answer(status, content, operation)

    def _read_answer(self, status: int, content: bytes, operation: str) -> dict[str, Any]:
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if status == 200:
            if isinstance(answer, dict):
                return answer
            raise self.unusable(operation)
        # The error's type only: its message may hold what somebody else wrote.
        name = answer.get("__type") if isinstance(answer, dict) else None
        match = _ERROR_TYPE.fullmatch(name) if isinstance(name, str) else None
        kind = match[1] if match else ""
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


def sleep_about(seconds: float) -> None:
    """Wait for a third of this time at least, so that those who were refused come apart again."""
    time.sleep(seconds * (1 + os.urandom(1)[0] / 127.5) / 3)
