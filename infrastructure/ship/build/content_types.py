"""The media type that a file of the site is served with: the same on every machine."""

from collections.abc import Mapping
from mimetypes import MimeTypes
from pathlib import PurePosixPath
from types import MappingProxyType

# Python's own list, without the machine's, and what it lacks or leaves to an encoding: S3 would
# serve a .gz with the type of what is in it, and nothing would say that it is packed.
_STANDARD = MimeTypes(filenames=())
_TYPES = {
    **_STANDARD.types_map[False],
    **_STANDARD.types_map[True],
    ".atom": "application/atom+xml",
    ".avif": "image/avif",
    ".bz2": "application/x-bzip2",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".gz": "application/gzip",
    ".ico": "image/x-icon",
    ".jsonld": "application/ld+json",
    ".jxl": "image/jxl",
    ".m4a": "audio/mp4",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".otf": "font/otf",
    ".rss": "application/rss+xml",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
    ".xz": "application/x-xz",
    ".zst": "application/zstd",
}
# https://developer.apple.com/documentation/xcode/supporting-associated-domains
_NAMES = {"apple-app-site-association": "application/json"}
_NONE: Mapping[str, str] = MappingProxyType({})


def content_type(key: str, overrides: Mapping[str, str] = _NONE) -> str:
    """The media type of a file; `overrides` name others by ending or by path."""
    path = PurePosixPath(key)
    ending = path.suffix.lower()
    if found := overrides.get(key) or overrides.get(ending):
        return found
    found = _NAMES.get(path.name) or _TYPES.get(ending, "application/octet-stream")
    return f"{found}; charset=utf-8" if found.startswith("text/") else found
