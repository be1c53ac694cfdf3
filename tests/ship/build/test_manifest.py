import base64
import hashlib
import json
from typing import Any

import pytest

from ship.build.manifest import File, Manifest, decode, describe
from ship.errors import ShipError

ZIP = b"zip"
MANIFEST = Manifest(
    release="20261123-7-1a2b3c4",
    commit="1a2b3c4" + "0" * 33,
    sequence=7,
    python="3.13",
    contract=(1, 1),
    files={
        "backend.zip": describe(ZIP),
        "web/index.html": File("0" * 64, 4, "text/html"),
        "web/404.html": describe(b"none"),
        "web/blog/index.html": describe(b"blog"),
        "web/assets/a.1.css": File("1" * 64, 3, "text/css", immutable=True),
        "web/assets/empty.css": describe(b""),
    },
    before_traffic="flask db upgrade",
)


def test_a_manifest_comes_back_as_it_was_stored() -> None:
    found = decode(MANIFEST.encode(), "here")

    assert found == MANIFEST
    # Assets are what is immutable.
    assert found.pages == ("404.html", "assets/empty.css", "blog/index.html", "index.html")
    assert found.assets == ("assets/a.1.css",)
    assert found.folders == {"blog"}
    # Lambda writes the same digest in base64.
    assert found.code_sha256 == base64.b64encode(hashlib.sha256(ZIP).digest()).decode()


def test_altered_bytes_are_refused() -> None:
    assert MANIFEST.check("backend.zip", ZIP) == ZIP
    with pytest.raises(ShipError, match=r"backend\.zip of release 20261123-7-1a2b3c4 is not what"):
        MANIFEST.check("backend.zip", b"zIp")


def changed(**values: Any) -> bytes:
    return json.dumps(json.loads(MANIFEST.encode()) | values).encode()


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[]", b"{}", b"null", b"\xff"),
        *(changed(schema=2), changed(release="../../state"), changed(contract=[1])),
        *(changed(files={}), changed(files=None), changed(sequence="many")),
    ],
)
def test_an_unknown_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ShipError, match="dist is not a manifest"):
        decode(data, "dist")
