"""The site as it is published: which names its files get, and which may be cached for good.

Where the build names files by their content (`hash`), a file below `assets/` gets a hash into its
name, and text files that refer to it, by absolute or relative path, get the new name. Pages also
say what each style sheet and script holds, so that a browser refuses altered ones. Otherwise every
file is published byte for byte as it is, and what a bundler has named by its content is cached.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import PurePosixPath
from urllib.parse import unquote

from ship.build import hashed_names, references
from ship.build.content_types import content_type
from ship.build.manifest import SITE_KEY, digest
from ship.errors import ShipError
from ship.site_config import SiteSettings

_PLATFORM = "-/"
_ASSETS = "assets/"
# Goes into every name's hash. Raise it when the same sources come out as other bytes: an asset that
# is published is never written again.
_FORMAT = b"2"
_TEXT = {".html", ".css", ".js", ".mjs", ".svg", ".json", ".map", ".webmanifest", ".txt", ".xml"}
# Served as UTF-8, and misread if they are not.
_UTF8 = {".html", ".css", ".js", ".mjs"}
_PLAIN = re.compile(r"[\w@./-]+\.\w+", re.ASCII)
_PATH = re.compile(
    r"(?<![\w.~%\x80-\U0010ffff-])(?P<host>(?:[a-z]+:)?//[^\s\"'<>()/]+)?"
    r"(?P<path>(?:/|(?:\.\.?/)+)?[\w@][\w@./-]*\.\w+)",
    re.ASCII,
)
# Paths with blanks, umlauts and the like, escaped or not, are found as what stands between quotes
# or parentheses as a whole, or between blanks.
_DELIMITED = [
    re.compile(pattern)
    for pattern in (
        *(rf"(?<={mark})[^{mark}<>\n]+(?={mark})" for mark in "\"'`"),
        r"(?<=\()[^()\"'<>\n]+(?=\))",
        r"[^\s\"'`<>(),=]+",
    )
]
# Where a bare word is a file's name.
_NAMED = re.compile(r"(?:\b(?:src|href)[\"']?\s*[=:]\s*[\"']?|sourceMappingURL=)$")
_COMMENTS = {
    ".css": re.compile(r"/\*.*?\*/", re.DOTALL),
    **dict.fromkeys((".html", ".svg", ".xml"), re.compile(r"<!--.*?-->", re.DOTALL)),
}
# Elements whose integrity browsers check. https://www.w3.org/TR/SRI/
_CHECKED = re.compile(
    r"<!--.*?-->|<(?:link|script)\b(?![^>]*\bintegrity=)[^>]*?"
    r"(?<![\w-])(?:href|src)=(?P<quote>[\"']?)(?P<path>[^\"'\s>]+\.(?:css|m?js))(?P=quote)",
    re.DOTALL,
)
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_SHOWN = 5


@dataclass(frozen=True)
class SiteFile:
    """A file as it is published; one that is immutable never gets other content under its name."""

    data: bytes
    content_type: str
    immutable: bool


def publishable(
    files: dict[str, bytes],
    release: str,
    settings: SiteSettings | None = None,
    application_paths: tuple[str, ...] = (),
) -> dict[str, SiteFile]:
    """Turn the site's sources into what is published under a release id.

    Args:
        files: the sources, by their path in the site's folder.
        release: the release's id.
        settings: how the owner wants them published.
        application_paths: the path patterns that the application answers.

    Raises:
        ShipError: a file cannot be published, or refers to one that is not there.
    """
    settings = settings or SiteSettings()
    _check_files(files, settings)
    texts = {path: _text(settings.source(path), data) for path, data in files.items()}
    if settings.check_references:
        _check_references(texts, settings, application_paths)
    contents, names = files, dict[str, str]()
    if settings.hash:
        assets = _Assets(
            path for path in files if path.startswith(_ASSETS) and not settings.is_mounted(path)
        )
        sources = {path: _Source(path, files[path], texts[path], assets) for path in files}
        names = {path: _hashed_name(path, sources) for path in assets}
        contents = {names.get(path, path): one.render(names) for path, one in sources.items()}
        for path in files.keys() - names.keys():
            if path.endswith(".html"):
                text = contents[path].decode()
                contents[path] = _with_integrity(path, text, contents, names).encode()
    # Only files that come from elsewhere than the site's folder have names that a tool has hashed.
    named = [path for path in files if not settings.hash or settings.is_mounted(path)]
    immutable = {*names.values(), *hashed_names.find(named)}
    immutable |= {
        key
        for key in contents
        if any(fnmatchcase(key, pattern) for pattern in settings.immutable)
        and not key.endswith(".html")
    }
    contents = {**contents, SITE_KEY: json.dumps({"release": release}).encode() + b"\n"}
    return {
        key: SiteFile(data, content_type(key, settings.content_types), key in immutable)
        for key, data in contents.items()
    }


def integrity(data: bytes) -> str:
    """What a browser compares the bytes with, in the form of https://www.w3.org/TR/SRI/ ."""
    return "sha384-" + base64.b64encode(hashlib.sha384(data).digest()).decode()


def _check_files(files: dict[str, bytes], settings: SiteSettings) -> None:
    folder, fallback = settings.folder, settings.fallback
    if folder != SiteSettings.folder and not files:
        raise ShipError(
            f"there is no file in {folder}/, which [tool.ship.site] names as folder",
            "make the site with your bundler before `ship build`, or correct the folder",
        )
    if fallback and fallback not in files:
        raise ShipError(
            f"{folder}/{fallback}, the fallback of [tool.ship.site], is not there",
            "add it, or correct the fallback in pyproject.toml",
        )
    for path, data in files.items():
        if path.startswith(_PLATFORM):
            raise ShipError(
                f"{settings.source(path)} lies where the platform's own files go", "move it"
            )
        if data.startswith(_LFS_POINTER):
            raise ShipError(
                f"{settings.source(path)} is a Git LFS pointer, not the file itself",
                "run `git lfs pull` (in a workflow: `lfs: true` for actions/checkout)",
            )


def _check_references(
    texts: dict[str, str | None],
    settings: SiteSettings,
    application_paths: tuple[str, ...],
) -> None:
    def is_there(path: str) -> bool:
        return (
            path in texts
            or path.startswith(_PLATFORM)
            or (
                not settings.is_mounted(path)
                and any(fnmatchcase(f"/{path}", pattern) for pattern in application_paths)
            )
        )

    written = {path: text for path, text in texts.items() if text is not None}
    found = list(references.missing(written, is_there))
    if not found:
        return
    lines = [
        f"{settings.source(one.path)} refers to {one.reference}, but there is no "
        f"{settings.source(one.target)}"
        for one in found[:_SHOWN]
    ]
    rest = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    raise ShipError(
        "; ".join(lines) + rest,
        "add the file or correct the reference (or publish it all the same, with "
        "`check_references = false` in [tool.ship.site])",
    )


def _text(path: str, data: bytes) -> str | None:
    ending = PurePosixPath(path).suffix
    if ending not in _TEXT:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if ending in _UTF8:
            raise ShipError(f"{path} is not UTF-8 ({error})", "save it as UTF-8") from error
        return None


class _Assets(frozenset[str]):
    """What gets a hash into its name."""

    @cached_property
    def are_plain(self) -> bool:
        """Whether no name has a character that is written in more than one way."""
        return all(_PLAIN.fullmatch(path) for path in self)


class _Source:
    """One file of the site, and where it names which assets."""

    def __init__(self, path: str, data: bytes, text: str | None, assets: _Assets) -> None:
        self._path = path
        self._assets = assets
        self._text = text
        self.data = data
        self._ending = PurePosixPath(path).suffix
        self._base = references.base_of(text) if text and self._ending == ".html" else ""
        # Where a name's ending begins, in the text, and the asset of that name.
        self._named = dict(self._find(text)) if text is not None else {}
        self.names = set(self._named.values())

    def render(self, names: dict[str, str]) -> bytes:
        """The file with the published name in the place of each asset's own."""
        if not self._named or self._text is None:
            return self.data
        parts, done = [], 0
        for position, asset in sorted(self._named.items()):
            ending = PurePosixPath(asset).suffix
            inserted = names[asset][len(asset) - len(ending) :].removesuffix(ending)
            parts += [self._text[done:position], inserted]
            done = position
        return "".join([*parts, self._text[done:]]).encode()

    def _find(self, text: str) -> Iterator[tuple[int, str]]:
        pattern = _COMMENTS.get(self._ending)
        comments = [match.span() for match in pattern.finditer(text)] if pattern else []
        for start, raw, is_bare in self._candidates(text):
            asset = self._asset(raw, is_bare=is_bare)
            if asset is None or any(first <= start < last for first, last in comments):
                continue
            ending = PurePosixPath(asset).suffix
            if raw.endswith(ending):
                yield start + len(raw) - len(ending), asset

    def _candidates(self, text: str) -> Iterator[tuple[int, str, bool]]:
        """Where a path may begin, the path, and whether a file's name may stand alone there."""
        always = self._ending == ".css"
        for match in _PATH.finditer(text):
            if not match["host"]:
                start = match.start("path")
                is_bare = always or _NAMED.search(text, max(0, start - 40), start) is not None
                yield start, match["path"], is_bare
        if self._assets.are_plain:
            return
        for pattern in _DELIMITED:
            for match in pattern.finditer(text):
                raw = match.group()
                if not _PLAIN.fullmatch(raw):
                    raw = re.split("[?#]", raw, maxsplit=1)[0]
                    yield match.start(), raw, "/" not in raw

    def _asset(self, raw: str, *, is_bare: bool) -> str | None:
        """Which asset a path in the text names; none when it is something else."""
        path = html.unescape(raw) if self._ending in (".html", ".svg", ".xml") else raw
        beside = references.resolve(self._path, path, self._base)
        if path.startswith(("/", ".")) or is_bare:
            candidates = [beside]
        else:
            # A bare word in a text is rarely a file. Bundlers name chunks from the root.
            candidates = [beside, unquote(path)] if "/" in path else []
        for name in candidates:
            if name in self._assets:
                return name
        return None


def _hashed_name(path: str, sources: dict[str, _Source]) -> str:
    """The name that holds the hash of a file and of everything it names, however far away.

    Of the sources, not of what is published: so files may name each other, as bundlers' chunks do.
    """
    reached, ahead = {path}, [path]
    while ahead:
        fresh = sources[ahead.pop()].names - reached
        reached |= fresh
        ahead += fresh
    content = (f"{name} {digest(sources[name].data)}\n".encode() for name in sorted(reached))
    pure = PurePosixPath(path)
    hashed = digest(b"".join([_FORMAT, path.encode(), *content]))[:16]
    return str(pure.with_name(f"{pure.stem}.{hashed}{pure.suffix}"))


def _with_integrity(path: str, text: str, contents: dict[str, bytes], names: dict[str, str]) -> str:
    base, hashed = references.base_of(text), set(names.values())

    def add(match: re.Match[str]) -> str:
        target = references.resolve(path, match["path"], base) if match["path"] else None
        if target not in hashed:
            return match.group()
        return f'{match.group()} integrity="{integrity(contents[target])}"'

    return _CHECKED.sub(add, text)
