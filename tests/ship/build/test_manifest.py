from __future__ import annotations

import json
from typing import Any

import pytest

from ship.build.manifest import Manifest, decode, describe
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
        "web/index.html": describe(b"page"),
        "web/404.html": describe(b"none"),
        "web/assets/a.1.css": describe(b"css"),
    },
)


def test_a_manifest_comes_back_as_it_was_stored() -> None:
    assert decode(MANIFEST.encode(), "here") == MANIFEST


def test_pages_lie_in_the_root_and_assets_below() -> None:
    assert MANIFEST.pages == ("404.html", "index.html")
    assert MANIFEST.assets == ("assets/a.1.css",)


def test_bytes_that_are_not_the_manifests_are_refused() -> None:
    assert MANIFEST.check("backend.zip", ZIP) == ZIP
    with pytest.raises(ShipError, match=r"backend\.zip of release 20261123-7-1a2b3c4 is not what"):
        MANIFEST.check("backend.zip", b"zIp")


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"release": "../../head"},
        {"files": {}},
        {"files": None},
        {"contract": [1]},
        {"sequence": "many"},
    ],
)
def test_a_manifest_that_is_none_is_refused(change: dict[str, Any]) -> None:
    document = json.loads(MANIFEST.encode()) | change

    with pytest.raises(ShipError, match="dist is not a manifest"):
        decode(json.dumps(document).encode(), "dist")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b"\xff"])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(ShipError, match="is not a manifest"):
        decode(data, "dist")
