"""Smoke tests through both public doors: API Gateway and CloudFront.

Each check is repeated until it passes or its patience ends: what users reach may lag behind what
was changed by a moment.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ship.errors import CheckFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from ship.state.store import Stack

_PAUSE_SECONDS = 0.1
_TIMEOUT_SECONDS = 10.0
_PROBLEM = "application/problem+json"
_RELEASE = re.compile(r'<meta name="release" content="([^"]*)">')
_ASSET = re.compile(r"/(assets/[A-Za-z0-9._/-]+)")
_HEADERS = (
    "content-security-policy",
    "strict-transport-security",
    "x-content-type-options",
    "referrer-policy",
)
_PATIENCE_SECONDS = 8.0


@dataclass(frozen=True)
class Expected:
    """What users shall get."""

    release: str
    function_version: str
    pages: tuple[str, ...]


@dataclass(frozen=True)
class Passed:
    """One check that passed, and after how many seconds."""

    name: str
    seconds: float


def smoke(stack: Stack, expected: Expected, waiting: Callable[[], bool]) -> list[Passed]:
    """Run all checks, the two doors side by side.

    `waiting` says, when the patience is at its end, whether there is still a reason to wait.

    Raises:
        CheckFailedError: one did not pass in time.
    """
    import httpx

    # No proxy of the machine's may stand between the check and what it checks.
    with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
        checks = _Checks(client, stack, expected)
        patience = _Patience(time.monotonic() + _PATIENCE_SECONDS, waiting)
        doors = (checks.through_api_gateway(), checks.through_cloudfront())
        with ThreadPoolExecutor(len(doors)) as pool:
            runs = [pool.submit(_run, door, patience) for door in doors]
            return [passed for run in runs for passed in run.result()]


@dataclass(frozen=True)
class _Patience:
    deadline: float
    waiting: Callable[[], bool]

    def over(self) -> bool:
        return time.monotonic() > self.deadline and not self.waiting()


def _run(checks: dict[str, Callable[[], None]], patience: _Patience) -> list[Passed]:
    passed = []
    for name, check in checks.items():
        started = time.monotonic()
        _until(name, check, patience)
        passed.append(Passed(name, time.monotonic() - started))
    return passed


def _until(name: str, check: Callable[[], None], patience: _Patience) -> None:
    import httpx

    while True:
        try:
            return check()
        except (CheckFailedError, httpx.HTTPError, ValueError) as error:
            if patience.over():
                raise CheckFailedError(
                    f"smoke test “{name}”: {error or type(error).__name__}"
                ) from error
        time.sleep(_PAUSE_SECONDS)


class _Checks:
    def __init__(self, client: httpx.Client, stack: Stack, expected: Expected) -> None:
        self._client = client
        self._stack = stack
        self._expected = expected

    def through_api_gateway(self) -> dict[str, Callable[[], None]]:
        base = self._stack.api_url
        return {
            "API Gateway: the release is live": lambda: self._version(base),
            "API Gateway: healthy": lambda: self._health(base),
            "API Gateway: settings are public": lambda: self._settings(base),
        }

    def through_cloudfront(self) -> dict[str, Callable[[], None]]:
        base = self._stack.site_url
        return {
            "CloudFront: the API's release is live": lambda: self._version(base),
            "CloudFront: the pages' release is live": self._pages,
            "CloudFront: every asset is there for good": self._assets,
            "CloudFront: the API's errors are the API's": lambda: self._problem(base),
            "CloudFront: unknown pages are not found": self._not_found,
        }

    def _version(self, base: str) -> None:
        body = self._get(f"{base}/api/version").json()
        _same("release", body.get("release"), self._expected.release)
        _same("environment", body.get("environment"), self._stack.environment)
        _same("function version", body.get("function_version"), self._expected.function_version)

    def _health(self, base: str) -> None:
        _same("status", self._get(f"{base}/api/health").json().get("status"), "ok")

    def _settings(self, base: str) -> None:
        if "title" not in self._get(f"{base}/api/config").json():
            raise CheckFailedError("/api/config has no title")

    def _problem(self, base: str) -> None:
        response = self._get(f"{base}/api/no-such", 404)
        _same("content type", response.headers.get("content-type", "").split(";")[0], _PROBLEM)

    def _pages(self) -> None:
        for key in self._expected.pages:
            response = self._get(f"{self._stack.site_url}/{'' if key == 'index.html' else key}")
            found = _RELEASE.search(response.text)
            _same(f"release of {key}", found and found.group(1), self._expected.release)
            missing = [name for name in _HEADERS if name not in response.headers]
            if missing:
                raise CheckFailedError(f"{key} comes without {', '.join(missing)}")

    def _assets(self) -> None:
        pages = [self._get(f"{self._stack.site_url}/{key}").text for key in self._expected.pages]
        names = {name for text in pages for name in _ASSET.findall(text)}
        for name in sorted(names):
            response = self._get(f"{self._stack.site_url}/{name}")
            if "immutable" not in response.headers.get("cache-control", ""):
                raise CheckFailedError(
                    f"/{name} may change: {response.headers.get('cache-control')}"
                )

    def _not_found(self) -> None:
        response = self._get(f"{self._stack.site_url}/no-such-page", 404)
        _same("content type", response.headers.get("content-type", "").split(";")[0], "text/html")

    def _get(self, url: str, status: int = 200) -> httpx.Response:
        response = self._client.get(url)
        if response.status_code != status:
            raise CheckFailedError(f"{url} answers {response.status_code}: {response.text[:200]}")
        return response


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise CheckFailedError(f"{what} is {found}, not {expected}")
