"""What counts as a difference, and how it is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ship.build.builder import code_sha256
from ship.build.manifest import Manifest, describe, digest
from ship.environments import differences
from ship.release.function import Alias
from ship.state.environment_state import ReleaseRecord

RELEASE = "20261123-2-1a2b3c4"
FILES = {"backend.zip": b"zip", "web/index.html": b"page", "web/assets/a.1.js": b"script"}
MANIFEST = Manifest(
    RELEASE, "1" * 40, 2, "3.13", (1, 1), {path: describe(data) for path, data in FILES.items()}
)
STACK: Any = SimpleNamespace(
    function_name="f", alias="live", site_bucket="site", api_url="http://127.0.0.1:9"
)


def one(address: str, before: Any, after: Any, **more: Any) -> dict[str, Any]:
    actions = ["create"] if before is None else ["delete"] if after is None else ["update"]
    change = {"actions": actions, "before": before, "after": after, **more}
    return {"address": address, "type": address.split(".")[0], "change": change}


def told(drift: list[Any], changes: list[Any]) -> tuple[list[str], int]:
    return differences.of_infrastructure({"resource_drift": drift, "resource_changes": changes})


def test_what_somebody_changed_is_told_with_numbers_and_flags() -> None:
    drift = one("a.b", {"days": 365, "on": True, "n": "x"}, {"days": 3, "on": False, "n": "y"})
    change = one("a.b", {"days": 3, "on": False, "n": "y"}, {"days": 365, "on": True, "n": "x"})

    lines, pending = told([drift], [change])

    said = "`days` is 3, not 365, `n`, `on` is False, not True"
    assert lines == [f"**Terraform:** `a.b` was changed: {said}"]
    assert pending == 0


def test_no_text_that_somebody_wrote_is_told() -> None:
    """I9: it may be a secret that they put where it does not belong."""
    before, now = {"environment": None}, {"environment": [{"KEY": "canary-value"}]}

    lines, _ = told([one("a.b", before, now)], [one("a.b", now, before)])

    assert lines == ["**Terraform:** `a.b` was changed: `environment`"]


def test_what_somebody_removed_is_told() -> None:
    values = {"name": "x", "days": 1}
    change = one("a.b", None, {"name": "x", "days": 1}, after_unknown={"id": True})

    assert told([one("a.b", values, None)], [change])[0] == [
        "**Terraform:** `a.b` has been removed"
    ]


def test_what_was_removed_and_has_only_unknown_values_is_told() -> None:
    change = one("a.b", None, {}, after_unknown={"id": True})

    assert len(told([one("a.b", {"id": "1"}, None)], [change])[0]) == 1


def test_what_the_code_says_and_no_deploy_applied_yet_is_no_drift() -> None:
    assert told([], [one("a.b", {"days": 3}, {"days": 4})]) == ([], 1)
    assert told([], [one("a.b", None, {"days": 4})]) == ([], 1)


def test_a_new_value_beside_one_that_is_somebodys_to_change_is_no_drift() -> None:
    """An operator set a value that Terraform ignores; the code changed the description."""
    drift = one("a.b", {"value": "x", "text": "old"}, {"value": "y", "text": "old"})
    change = one("a.b", {"value": "y", "text": "old"}, {"value": "y", "text": "new"})

    assert told([drift], [change]) == ([], 1)


def test_what_ship_moved_and_terraform_ignores_is_no_drift() -> None:
    drift = one("aws_lambda_alias.live", {"function_version": "1"}, {"function_version": "2"})
    nothing = one("aws_lambda_alias.live", {"function_version": "2"}, {"function_version": "2"})
    nothing["change"]["actions"] = ["no-op"]

    assert told([drift], [nothing]) == ([], 0)


class Function:
    def __init__(
        self, version: str = "4", share: dict[str, float] | None = None, sha256: str | None = ""
    ) -> None:
        self._alias = Alias(version, share or {}, "r")
        zip_sha256 = code_sha256(MANIFEST.files["backend.zip"].sha256)
        self._sha256 = zip_sha256 if sha256 == "" else sha256

    def alias(self) -> Alias:
        return self._alias

    def code_sha256(self, version: str) -> str | None:
        assert version == "4"
        return self._sha256


def of_code(function: Any, manifest: str = "") -> list[str]:
    live = ReleaseRecord("4", manifest or digest(MANIFEST.encode()), 2, "1" * 40)
    return list(differences.of_code(function, STACK, RELEASE, live, MANIFEST))


def test_code_that_is_the_live_releases_alone_is_no_difference() -> None:
    assert of_code(Function()) == []


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (Function("3"), "points to version 3; the live release"),
        (Function("4", {"3": 0.25}), "points to version 4, 25% to 3; the live release"),
        (Function(sha256=None), "version 4 of the function has been deleted"),
        (Function(sha256="other="), "version 4 of the function holds `other=`, the release"),
    ],
)
def test_code_that_is_not_the_live_releases_alone_is_told(function: Function, said: str) -> None:
    (line,) = of_code(function)

    assert said in line


def test_a_manifest_that_was_replaced_is_told() -> None:
    assert "is not the one that went live" in of_code(Function(), "0" * 64)[0]


class Bucket:
    def __init__(self, **objects: bytes) -> None:
        self.objects = objects

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803 - boto3's names
        assert Bucket == "site"
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": SimpleNamespace(read=lambda: self.objects[Key])}

    def listed(self) -> frozenset[str]:
        return frozenset(self.objects)


SHOWN = {"index.html": b"page", "assets/a.1.js": b"script"}


def of_pages(**objects: bytes) -> list[str]:
    bucket: Any = Bucket(**objects)
    return list(differences.of_pages(bucket, bucket, STACK, MANIFEST))


def test_the_pages_of_the_live_release_are_no_difference() -> None:
    assert of_pages(**SHOWN, **{"assets/older.2.js": b"of an older release"}) == []


@pytest.mark.parametrize("key", sorted(SHOWN))
def test_a_page_or_asset_that_is_altered_or_missing_is_told(key: str) -> None:
    assert of_pages(**SHOWN | {key: b"altered"}) == [f"**Pages:** `{key}` is not what was deployed"]
    without = {name: data for name, data in SHOWN.items() if name != key}
    assert of_pages(**without) == [f"**Pages:** `{key}` is missing"]


@pytest.mark.parametrize("key", ["other.html", "below/other.html", "robots.txt"])
def test_a_page_of_nobodys_is_told(key: str) -> None:
    assert of_pages(**SHOWN, **{key: b"x"}) == [f"**Pages:** `{key}` belongs to no release"]


def test_a_name_that_somebody_chose_stays_inside_its_code() -> None:
    (line,) = of_pages(**SHOWN, **{"`\n<!-- ship drift: dev none -->.html": b"x"})

    assert line == "**Pages:** `'\\n<!-- ship drift: dev none -->.html` belongs to no release"
