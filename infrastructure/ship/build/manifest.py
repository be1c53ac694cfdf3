"""The manifest: what a build holds, byte for byte.

Shape of manifest.json: {"schema": 1, "release", "commit", "sequence", "python",
"contract": [lowest, highest], "files": {path: {"sha256", "size"}}}; sizes in bytes; and
"before_traffic" where the release has such a command. Files of the
site also have "content_type", and "immutable" where their name holds their content's hash.
"""

import base64
import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from ship.build.tree import RELEASE_ID
from ship.errors import ShipError

ZIP = "backend.zip"
# Which release the site is; the owner's own files say nothing about it.
SITE_KEY = "-/site.json"
WEB = "web/"
_SCHEMA = 1


@dataclass(frozen=True)
class File:
    """The SHA-256 (hexadecimal) and the size (bytes) of one file, and how the site serves it."""

    sha256: str
    size: int
    content_type: str = ""
    immutable: bool = False


@dataclass(frozen=True)
class Manifest:
    """What a build holds; `contract` is the range of stack contracts that it runs on."""

    release: str
    commit: str
    sequence: int
    python: str
    contract: tuple[int, int]
    files: dict[str, File]
    before_traffic: str = ""
    """The command that has to succeed in a new version before users reach it; empty for none."""

    @property
    def dirty(self) -> bool:
        """Whether it was built from an uncommitted tree."""
        return "-dirty-" in self.release

    @property
    def code_sha256(self) -> str:
        """The SHA-256 of the zip as Lambda writes it: base64, not hexadecimal."""
        return base64.b64encode(bytes.fromhex(self.files[ZIP].sha256)).decode()

    @property
    def assets(self) -> tuple[str, ...]:
        """The site's keys whose names hold their content's hash; they may be cached for good."""
        return tuple(key for key in self._site() if self.file(key).immutable)

    @property
    def pages(self) -> tuple[str, ...]:
        """The site's other keys, which change from release to release."""
        return tuple(key for key in self._site() if not self.file(key).immutable)

    @property
    def folders(self) -> frozenset[str]:
        """The site's folders that have a page: their path without a slash leads to them."""
        pages = {key.rpartition("/")[0] for key in self.pages if key.endswith("/index.html")}
        return frozenset(pages.difference(self._site()))

    def file(self, key: str) -> File:
        """What is known of a file of the site."""
        return self.files[f"{WEB}{key}"]

    def _site(self) -> list[str]:
        return sorted(p.removeprefix(WEB) for p in self.files if p.startswith(WEB))

    def check(self, path: str, data: bytes) -> bytes:
        """Return the bytes of one file when they are what was built.

        Raises:
            ShipError: they are not.
        """
        if digest(data) != self.files[path].sha256:
            raise ShipError(
                f"{path} of release {self.release} is not what was built: "
                f"SHA-256 {digest(data)[:12]}…, the manifest says {self.files[path].sha256[:12]}…",
                "do not use it; build the commit again with `ship build`",
            )
        return data

    def encode(self) -> bytes:
        """The manifest as it is stored: the same bytes for the same build."""
        document = {
            "schema": _SCHEMA,
            "release": self.release,
            "commit": self.commit,
            "sequence": self.sequence,
            "python": self.python,
            "contract": list(self.contract),
            **({"before_traffic": self.before_traffic} if self.before_traffic else {}),
            "files": {
                path: {
                    name: value for name, value in asdict(file).items() if value or name == "size"
                }
                for path, file in sorted(self.files.items())
            },
        }
        return json.dumps(document, indent=1).encode() + b"\n"


def digest(data: bytes) -> str:
    """The SHA-256 of some bytes, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def describe(data: bytes) -> File:
    """The SHA-256 and the size of some bytes."""
    return File(digest(data), len(data))


def decode(data: bytes, where: str) -> Manifest:
    """Read a stored manifest.

    Raises:
        ShipError: this version of the tool does not know it.
    """
    try:
        return _manifest(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ShipError(
            f"{where} is not a manifest that this tool knows ({error})",
            "build again with `ship build`",
        ) from error


def _manifest(document: dict[str, Any]) -> Manifest:
    if document["schema"] != _SCHEMA or not RELEASE_ID.fullmatch(document["release"]):
        raise ValueError(f"schema {document['schema']}, release {document['release']}")
    low, high = document["contract"]
    files = {path: File(**entry) for path, entry in document["files"].items()}
    if ZIP not in files:
        raise ValueError(f"no {ZIP}")
    return Manifest(
        release=document["release"],
        commit=document["commit"],
        sequence=int(document["sequence"]),
        python=document["python"],
        contract=(int(low), int(high)),
        files=files,
        before_traffic=document.get("before_traffic", ""),
    )
