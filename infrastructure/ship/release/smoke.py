"""Smoke tests through both public endpoints: API Gateway and CloudFront.

Each check is repeated until it passes or time is up: what users reach may lag behind a change by a
moment.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from threading import Event
from typing import TYPE_CHECKING
from urllib.parse import quote

import toolchain
from ship.build.manifest import SITE_KEY, digest
from ship.errors import CheckFailedError, ShipError
from ship.release.browser import complaints
from ship.release.pre_traffic import OWN_HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator
    from pathlib import Path

    import httpx

    from ship.build.manifest import Manifest
    from ship.state import Stack

_PAUSE_SECONDS = 0.1
_TIMEOUT_SECONDS = 10.0
_PATIENCE_SECONDS = 8.0
_UNKNOWN_PAGE = "no-such-page"
_OK = 200
_FORBIDDEN = 403
_GOOD = range(200, 400)


@dataclass(frozen=True)
class ReleaseChecks:
    """What an owner says about checking a release.

    `application_paths` are the patterns that CloudFront sends to the application, `smoke_paths`
    what is asked besides the platform's own checks, `fallback` the page that answers the site's
    unknown paths, `site_folders` the paths below which the site answers whatever the patterns say.
    With `in_browser` the pages among the smoke paths are opened in this machine's browser, if any.
    """

    application_paths: tuple[str, ...]
    smoke_paths: tuple[str, ...] = ()
    fallback: str = ""
    site_folders: tuple[str, ...] = ()
    in_browser: bool = False

    def is_application(self, path: str) -> bool:
        """Whether the application answers a path; otherwise the site does."""
        # CloudFront matches without the query; `*` also matches a slash, as it does here.
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
        path = path.partition("?")[0]
        return not path.startswith(self.site_folders) and any(
            fnmatchcase(path, pattern) for pattern in self.application_paths
        )


@dataclass(frozen=True)
class Expected:
    """What users are to get: a release, from a version of the function.

    `is_closed` says that the version answers nobody but CloudFront.
    """

    manifest: Manifest
    function_version: str
    is_closed: bool = False


@dataclass(frozen=True)
class Passed:
    """One check that passed, and after how many seconds."""

    name: str
    seconds: float


def smoke(stack: Stack, expected: Expected, checks: ReleaseChecks) -> list[Passed]:
    """Run all checks, those of the two endpoints side by side.

    Raises:
        CheckFailedError: a check did not pass in time.
        ShipError: an endpoint cannot be reached.
    """
    import httpx

    # No proxy of the machine's may stand between the check and what it checks.
    with (
        httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False, headers=OWN_HEADERS) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        tests = _Smoke(client, pool, stack, expected, checks)

        def run(endpoint: Iterator[tuple[str, Callable[[], object]]]) -> list[Passed]:
            try:
                return [_repeat(name, check, deadline, failed) for name, check in endpoint]
            except BaseException:
                failed.set()
                raise

        # Set when an endpoint has failed: nobody waits for what cannot succeed any more.
        failed = Event()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        with ThreadPoolExecutor(2) as endpoints:
            runs = endpoints.map(run, (tests.through_api_gateway(), tests.through_cloudfront()))
            return [passed for one in runs for passed in one]


def _repeat(name: str, check: Callable[[], object], deadline: float, failed: Event) -> Passed:
    import httpx

    started = time.monotonic()
    while True:
        try:
            check()
            return Passed(name, time.monotonic() - started)
        except (CheckFailedError, httpx.HTTPError, ValueError) as error:
            if failed.is_set() or time.monotonic() > deadline:
                message = f"smoke test “{name}”: {error or type(error).__name__}"
                # The release answers behind an address of AWS's, which is there without it.
                if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                    raise ShipError(message, "check the network, then run it again") from error
                raise CheckFailedError(message) from error
        time.sleep(_PAUSE_SECONDS)


class _Smoke:
    def __init__(
        self,
        client: httpx.Client,
        pool: ThreadPoolExecutor,
        stack: Stack,
        expected: Expected,
        checks: ReleaseChecks,
    ) -> None:
        self._client = client
        self._pool = pool
        self._stack = stack
        self._expected = expected
        self._checks = checks

    def through_api_gateway(self) -> Iterator[tuple[str, Callable[[], object]]]:
        base = self._stack.api_url
        if self._expected.is_closed:
            yield "API Gateway: closed to all but CloudFront", self._check_closed
            return
        yield "API Gateway: the release is live", lambda: self._check_version(base)
        yield "API Gateway: healthy", lambda: self._check_health(base)
        for path in filter(self._checks.is_application, self._checks.smoke_paths):
            yield f"API Gateway: {path}", partial(self._get, f"{base}{path}", _GOOD)

    def through_cloudfront(self) -> Iterator[tuple[str, Callable[[], object]]]:
        base, manifest = self._stack.site_url, self._expected.manifest
        yield "CloudFront: the application's release is live", lambda: self._check_version(base)
        yield "CloudFront: healthy", lambda: self._check_health(base)
        yield "CloudFront: the site's release is live", self._check_site
        yield (
            "CloudFront: every page is what was built",
            lambda: list(self._pool.map(self._check_page, filter(self._is_site, manifest.pages))),
        )
        yield (
            "CloudFront: every asset is what was built",
            lambda: list(self._pool.map(self._check_asset, filter(self._is_site, manifest.assets))),
        )
        for folder in list(filter(self._is_site, sorted(manifest.folders)))[:1]:
            yield f"CloudFront: /{folder} leads to /{folder}/", partial(self._check_folder, folder)
        if self._is_site(_UNKNOWN_PAGE) and self._checks.fallback in manifest.pages:
            yield f"CloudFront: unknown pages are {self._checks.fallback}", self._check_fallback
        elif self._is_site(_UNKNOWN_PAGE):
            yield "CloudFront: unknown pages are not found", self._check_unknown_page
        is_opening = self._checks.in_browser and self._checks.smoke_paths
        browser = toolchain.installed_browser() if is_opening else None
        for path in self._checks.smoke_paths:
            yield f"CloudFront: {path}", partial(self._get, f"{base}{path}", _GOOD)
            if browser:
                yield f"browser: {path}", partial(self._open, browser, f"{base}{path}")

    def _is_site(self, key: str) -> bool:
        """Whether a file of the site is reached, and no path of the application hides it."""
        paths = (f"/{_address(key)}", f"/{key}")
        return key == SITE_KEY or not any(map(self._checks.is_application, paths))

    def _check_version(self, base: str) -> None:
        found = self._get(f"{base}/-/version").json()
        for name, value in (
            ("release", self._expected.manifest.release),
            ("environment", self._stack.environment),
            ("function_version", self._expected.function_version),
        ):
            _check_equal(name.replace("_", " "), found.get(name), value)

    def _check_health(self, base: str) -> None:
        _check_equal("status", self._get(f"{base}/-/health").json().get("status"), "ok")

    def _check_closed(self) -> None:
        paths = filter(self._checks.is_application, self._checks.smoke_paths)
        for path in ("/-/version", *paths):
            self._get(f"{self._stack.api_url}{path}", (_FORBIDDEN,))

    def _check_site(self) -> None:
        found = self._get(f"{self._stack.site_url}/{SITE_KEY}").json().get("release")
        _check_equal("release", found, self._expected.manifest.release)

    def _check_page(self, key: str) -> None:
        response = self._get_file(key)
        # A page may need what its headers allow: an older value is as wrong as none.
        for name, value in self._stack.site_headers.items():
            _check_equal(f"{key}'s {name}", response.headers.get(name), value)

    def _check_asset(self, key: str) -> None:
        caching = self._get_file(key).headers.get("cache-control", "")
        if "immutable" not in caching:
            raise CheckFailedError(f"{key} is not immutable: its cache-control is {caching!r}")

    def _check_folder(self, folder: str) -> None:
        response = self._get(f"{self._stack.site_url}/{quote(folder)}", (200, 301, 403, 404))
        if response.headers.get("location", "") != f"/{quote(folder)}/":
            raise CheckFailedError(
                f"{response.url} is answered with {response.status_code} and leads nowhere; "
                f"`ship apply {self._stack.environment}` makes CloudFront know folders"
            )

    def _check_unknown_page(self) -> None:
        # S3 answers 403 for what is not there to a reader that may not list the bucket; CloudFront
        # makes that a 404, with the site's own page where it has one.
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/creating-custom-error-pages.html
        own_page = "404.html" in self._expected.manifest.pages
        allowed = (404,) if own_page else (403, 404)
        response = self._get(f"{self._stack.site_url}/{_UNKNOWN_PAGE}", allowed)
        if own_page and digest(response.content) != self._sha256("404.html"):
            raise CheckFailedError(f"{response.url} is not answered with 404.html")

    def _check_fallback(self) -> None:
        response = self._get(f"{self._stack.site_url}/{_UNKNOWN_PAGE}", (200, 403, 404))
        expected = self._sha256(self._checks.fallback)
        if response.status_code != _OK or digest(response.content) != expected:
            raise CheckFailedError(
                f"{response.url} is answered with {response.status_code}, not with "
                f"{self._checks.fallback}; `ship apply {self._stack.environment}` makes CloudFront "
                "know the fallback"
            )

    def _open(self, browser: Path, url: str) -> None:
        if self._get(url, _GOOD).headers.get("content-type", "").startswith("text/html"):
            for complaint in complaints(browser, url):
                raise CheckFailedError(
                    f"{url} does not work in a browser: {' '.join(complaint.split())[:300]} "
                    "(`browser = false` in [tool.ship.smoke] opens no page)"
                )

    def _get_file(self, key: str) -> httpx.Response:
        """One file of the site, compared with the manifest."""
        response = self._get(f"{self._stack.site_url}/{quote(_address(key))}")
        found, expected = digest(response.content), self._sha256(key)
        if found != expected:
            raise CheckFailedError(f"{key} has the SHA-256 {found[:12]}…, not {expected[:12]}…")
        return response

    def _sha256(self, key: str) -> str:
        return self._expected.manifest.file(key).sha256

    def _get(self, url: str, allowed: Container[int] = (200,)) -> httpx.Response:
        response = self._client.get(url)
        if response.status_code not in allowed:
            text = " ".join(response.text[:400].split())
            raise CheckFailedError(f"{url} is answered with {response.status_code}: {text[:200]}")
        return response


def _address(key: str) -> str:
    """Where users ask for a file of the site: a folder's index.html is the folder's page."""
    folder, slash, name = key.rpartition("/")
    return f"{folder}{slash}" if name == "index.html" else key


def _check_equal(name: str, found: object, expected: object) -> None:
    if found != expected:
        raise CheckFailedError(f"{name} is {found}, not {expected}")
