"""The site as it is published: assets named by their content, and pages that name them so.

Sources name an asset by its absolute path, "/assets/site.css"; that is what gets replaced.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from ship.errors import Fault
from ship.manifest import digest

_ASSETS = "assets/"
_TEXT = {".html", ".css", ".js", ".mjs", ".svg", ".json", ".webmanifest", ".txt", ".xml"}
_REFERENCE = re.compile(r"/assets/[A-Za-z0-9._/-]*[A-Za-z0-9]")
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
        Fault: its ending is not known.
    """
    try:
        return _TYPES[PurePosixPath(key).suffix]
    except KeyError:
        raise Fault(
            f"web/{key} has an ending whose content type is not known",
            f"use one of {', '.join(sorted(_TYPES))}, or add it to ship/pages.py",
        ) from None


def publishable(files: dict[str, bytes], release: str) -> dict[str, bytes]:
    """Turn the site's sources into what is published under a release id.

    Raises:
        Fault: a page carries no release, names an asset that is not there, two assets name each
            other, or a file is neither a page nor an asset.
    """
    return _Site(files, release).files()


class _Site:
    def __init__(self, sources: dict[str, bytes], release: str) -> None:
        self._sources = sources
        self._release = release
        self._hashed: dict[str, tuple[str, bytes]] = {}
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
            raise Fault(
                f"web/{path} is neither a page nor an asset",
                "put pages (.html) into web/ and everything else into web/assets/",
            )
        text, count = _RELEASE.subn(rf"\g<1>{self._release}\g<2>", self._rewritten(path))
        if count != 1:
            raise Fault(
                f"web/{path} does not carry its release once",
                'write <meta name="release" content="development"> into its head',
            )
        return path, text.encode()

    def _asset(self, path: str) -> tuple[str, bytes]:
        if path in self._open:
            raise Fault(
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
            raise Fault(f"web/{path} is not UTF-8 ({error})", "save it as UTF-8") from error
        return _REFERENCE.sub(lambda match: self._reference(path, match.group()), text)

    def _reference(self, path: str, name: str) -> str:
        if name[1:] not in self._sources:
            raise Fault(
                f"web/{path} names {name}, which is not in web/assets", "add it or mend the name"
            )
        return "/" + self._asset(name[1:])[0]
