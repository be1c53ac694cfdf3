"""Which files of a bundler's output have their content's hash in their name.

A browser keeps them for a year, so a file that only looks like one would be a trap: dates, numbers
and words are no hash, and what could be either is revalidated, which costs a request.
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

# webpack, Parcel and Next.js write hexadecimal digits; a UUID is a name, not a hash.
_HEX = re.compile(r"(?:^|[.-])(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{8,}(?=\.)")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Rollup (Vite, Astro, SvelteKit) writes 8 characters of base64url, esbuild (Angular) of base32.
_EIGHT = re.compile(
    r"(?:^|(?<=[.-]))(?:(?=[^.]*[a-z])(?=[^.]*[A-Z])[\w-]{8}|[A-Z2-7]{8})(?=\.)", re.A
)
# Words begin with a capital, or are all capitals; two of them and two numbers may be a name.
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_LEAST_WORDS = 5
_PLAIN_WORDS = re.compile(
    r"[A-Z]?[a-z]+(?:[-_][A-Z]?[a-z]+)*|[A-Z]+|[A-Z]+\d+|[A-Z]?[a-z]+[-_]?\d+"
)
# Only a bundler gives such names to scripts and style sheets.
_CHUNKS = (".js", ".mjs", ".css", ".map")


def find(paths: Iterable[str]) -> frozenset[str]:
    """The paths whose names hold a hash of the content."""
    names = {path: PurePosixPath(path) for path in paths}
    certain = {path for path, pure in names.items() if _is_certain(pure.name)}
    # Beside a chunk that is certain, a chunk whose hash could be two words has a hash, too.
    folders = {names[path].parent for path in certain if path.endswith(_CHUNKS)}
    likely = {
        path
        for path, pure in names.items()
        if pure.parent in folders and path.endswith(_CHUNKS) and _is_likely(pure)
    }
    return frozenset(certain | likely)


def _is_certain(name: str) -> bool:
    found = (_WORD.findall(part) for part in _EIGHT.findall(name))
    return _HEX.search(_UUID.sub("", name)) is not None or any(
        len(words) >= _LEAST_WORDS for words in found
    )


def _is_likely(path: PurePosixPath) -> bool:
    # A name that is nothing but such a word is a module's that somebody wrote.
    parts = [part for part in _EIGHT.findall(path.name) if not path.name.startswith(part)]
    return any(not _PLAIN_WORDS.fullmatch(part) for part in parts)
