"""The site as it is published: assets named by their content, and pages that name them so.

Sources name an asset by its absolute path, "/assets/site.css"; that is what gets replaced. Pages
also say what each style sheet and script must hold, so that a browser refuses altered ones.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import PurePosixPath

from ship.build.manifest import digest
from ship.errors import ShipError

_ASSETS = "assets/"
_TEXT = {".html", ".css", ".js", ".mjs", ".svg", ".json", ".webmanifest", ".txt", ".xml"}
_REFERENCE = re.compile(r"/assets/[A-Za-z0-9._/-]*[A-Za-z0-9]")
_MODULES = (".js", ".mjs")
# Elements whose integrity browsers check. https://www.w3.org/TR/SRI/
_CHECKED = re.compile(r'<(?:link|script)\b[^>]*?\b(?:href|src)="/(assets/[^"]+\.(?:css|m?js))"')
_RELEASE = re.compile(r'(<meta name="release" content=")development(")')
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/xml",
}


def content_type(key: str) -> str:
    """The media type that a file of the site is served with.

    Raises:
        ShipError: its ending is not known.
    """
    try:
        return _TYPES[PurePosixPath(key).suffix]
    except KeyError:
        raise ShipError(
            f"web/{key} has an ending whose content type is not known",
            f"use one of {', '.join(sorted(_TYPES))}, or add it to ship/pages.py",
        ) from None


def publishable(files: dict[str, bytes], release: str) -> dict[str, bytes]:
    """Turn the site's sources into what is published under a release id.

    Raises:
        ShipError: a page carries no release, names an asset that is not there, two assets name each
            other, or a file is neither a page nor an asset.
    """
    return _Site(files, release).files()


class _Site:
    def __init__(self, sources: dict[str, bytes], release: str) -> None:
        self._sources = sources
        self._release = release
        self._hashed: dict[str, tuple[str, bytes]] = {}
        self._named_by: dict[str, set[str]] = {}
        self._open: list[str] = []

    def files(self) -> dict[str, bytes]:
        published: dict[str, bytes] = {}
        for path in sorted(self._sources):
            content_type(path)
            name, data = self._asset(path) if path.startswith(_ASSETS) else self._page(path)
            published[name] = data
        return published

    def _page(self, path: str) -> tuple[str, bytes]:
        if "/" in path or not path.endswith(".html"):
            raise ShipError(
                f"web/{path} is neither a page nor an asset",
                "put pages (.html) into web/ and everything else into web/assets/",
            )
        checked = self._with_integrity(path, self._rewritten(path))
        text, count = _RELEASE.subn(rf"\g<1>{self._release}\g<2>", checked)
        if count != 1:
            raise ShipError(
                f"web/{path} does not carry its release once",
                'write <meta name="release" content="development"> into its head',
            )
        return path, text.encode()

    def _with_integrity(self, path: str, text: str) -> str:
        """Say what the page's style sheets and scripts hold.

        A module that another one imports is checked where the page preloads it, and nowhere else.
        https://html.spec.whatwg.org/multipage/links.html#link-type-modulepreload
        """
        data = dict(self._hashed.values())
        checked = set(_CHECKED.findall(text))
        unchecked = sorted(
            source
            for source in self._reachable(path)
            if source.endswith(_MODULES) and self._hashed[source][0] not in checked
        )
        if unchecked:
            raise ShipError(
                f"web/{path} does not preload {unchecked[0]}, so no browser would check it",
                f'write <link rel="modulepreload" href="/{unchecked[0]}"> into its head',
            )
        return _CHECKED.sub(
            lambda match: f'{match.group()} integrity="{integrity(data[match[1]])}"', text
        )

    def _reachable(self, path: str) -> set[str]:
        """The assets that a file names, and those that they name."""
        found: set[str] = set()
        ahead = [path]
        while ahead:
            named = self._named_by.get(ahead.pop(), set()) - found
            found |= named
            ahead += named
        return found

    def _asset(self, path: str) -> tuple[str, bytes]:
        if path in self._open:
            raise ShipError(
                f"these assets name each other: {' → '.join([*self._open, path])}",
                "let one of them go without the other's name: a content hash needs an order",
            )
        if path not in self._hashed:
            self._open.append(path)
            self._hashed[path] = self._named(path)
            self._open.pop()
        return self._hashed[path]

    def _named(self, path: str) -> tuple[str, bytes]:
        pure = PurePosixPath(path)
        data = self._rewritten(path).encode() if pure.suffix in _TEXT else self._sources[path]
        return str(pure.with_name(f"{pure.stem}.{digest(data)[:16]}{pure.suffix}")), data

    def _rewritten(self, path: str) -> str:
        try:
            text = self._sources[path].decode()
        except UnicodeDecodeError as error:
            raise ShipError(f"web/{path} is not UTF-8 ({error})", "save it as UTF-8") from error
        return _REFERENCE.sub(lambda match: self._reference(path, match.group()), text)

    def _reference(self, path: str, name: str) -> str:
        if name[1:] not in self._sources:
            raise ShipError(
                f"web/{path} names {name}, which is not in web/assets", "add it or mend the name"
            )
        self._named_by.setdefault(path, set()).add(name[1:])
        return "/" + self._asset(name[1:])[0]


def integrity(data: bytes) -> str:
    """What a browser compares with what it got, in the form of https://www.w3.org/TR/SRI/ ."""
    return "sha384-" + base64.b64encode(hashlib.sha384(data).digest()).decode()
