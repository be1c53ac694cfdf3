"""What counts as a difference, and how it is described."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ship.build.manifest import File, describe, digest
from ship.environments import differences
from ship.release.function import Alias
from ship.state.environment_state import ReleaseRecord
from tests.ship.environments.factories import RELEASE, change, client_error, make_manifest

PAGES = {"index.html": b"page", "assets/a.1.js": b"script"}
MANIFEST = make_manifest({"backend.zip": b"zip"} | {f"web/{k}": v for k, v in PAGES.items()})
OLDER = replace(
    MANIFEST,
    files={"web/old.html": describe(b""), "web/older.2.js": File("0" * 64, 1, immutable=True)},
)
STACK: Any = SimpleNamespace(
    function_name="f", alias="live", site_bucket="site", api_url="http://127.0.0.1:9"
)


def compare(drift: list[Any], changes: list[Any]) -> tuple[list[str], int]:
    return differences.of_infrastructure({"resource_drift": drift, "resource_changes": changes})


def test_a_change_by_hand_is_shown_with_numbers_and_booleans() -> None:
    code, now = {"days": 365, "on": True, "n": "x"}, {"days": 3, "on": False, "n": "y"}

    lines, pending = compare([change("a.b", code, now)], [change("a.b", now, code)])

    text = "`days` is 3, not 365, `n`, `on` is False, not True"
    assert (lines, pending) == ([f"**Terraform:** `a.b` was changed: {text}"], 0)


def test_no_text_that_somebody_wrote_is_shown() -> None:
    """I9: it may be a secret that they put where it does not belong."""
    before, now = {"environment": None}, {"environment": [{"KEY": "canary-value"}]}

    lines, _ = compare([change("a.b", before, now)], [change("a.b", now, before)])

    assert lines == ["**Terraform:** `a.b` was changed: `environment`"]


@pytest.mark.parametrize(("before", "after"), [({"n": "x", "days": 1},) * 2, ({"id": "1"}, {})])
def test_a_removed_resource_is_shown(before: dict[str, Any], after: dict[str, Any]) -> None:
    planned = change("a.b", None, after, after_unknown={"id": True})

    lines, _ = compare([change("a.b", before, None)], [planned])

    assert lines == ["**Terraform:** `a.b` has been removed"]


UPDATE = change("a.b", {"value": "y", "text": "old"}, {"value": "y", "text": "new"})


@pytest.mark.parametrize(
    ("drift", "changes", "pending"),
    [
        ([], [change("a.b", {"days": 3}, {"days": 4})], 1),
        ([], [change("a.b", None, {"days": 4})], 1),
        # An operator set a value that Terraform ignores; the code changed another.
        (
            [change("a.b", {"value": "x", "text": "old"}, {"value": "y", "text": "old"})],
            [UPDATE],
            1,
        ),
        # `ship` moves the alias, and Terraform ignores that.
        (
            [change("a.b", {"version": "1"}, {"version": "2"})],
            [change("a.b", {"version": "2"}, {"version": "2"}, "no-op")],
            0,
        ),
    ],
    ids=["pending update", "pending create", "beside an operator's value", "ignored"],
)
def test_what_nobody_changed_by_hand_is_not_drift(
    drift: list[Any], changes: list[Any], pending: int
) -> None:
    assert compare(drift, changes) == ([], pending)


class FakeFunction:
    def __init__(
        self, version: str = "4", share: dict[str, float] | None = None, sha256: str | None = ""
    ) -> None:
        self._alias = Alias(version, share or {}, "r")
        self._sha256 = MANIFEST.code_sha256 if sha256 == "" else sha256

    def alias(self) -> Alias:
        return self._alias

    def code_sha256(self, version: str) -> str | None:
        assert version == "4"
        return self._sha256


def of_code(function: Any, manifest: str = "") -> list[str]:
    live = ReleaseRecord("4", manifest or digest(MANIFEST.encode()), 2, "1" * 40)
    return list(differences.of_code(function, STACK, RELEASE, live, MANIFEST))


def test_only_the_live_releases_code_and_manifest_are_no_difference() -> None:
    assert of_code(FakeFunction()) == []
    assert "is not the one that went live" in of_code(FakeFunction(), "0" * 64)[0]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (FakeFunction("3"), "points to version 3; the live release"),
        (FakeFunction("4", {"3": 0.25}), "points to version 4, 25% to 3; the live release"),
        (FakeFunction(sha256=None), "version 4 of the function has been deleted"),
        (FakeFunction(sha256="other="), "version 4 of the function holds `other=`, the release"),
    ],
)
def test_any_other_code_is_a_difference(function: FakeFunction, said: str) -> None:
    (line,) = of_code(function)

    assert said in line


class FakeBucket:
    def __init__(self, **objects: bytes) -> None:
        self.objects = objects

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803 - boto3's names
        assert Bucket == "site"
        if Key not in self.objects:
            raise client_error("NoSuchKey")
        return {"Body": SimpleNamespace(read=lambda: self.objects[Key])}

    def listed(self) -> frozenset[str]:
        return frozenset(self.objects)


def of_pages(**objects: bytes) -> list[str]:
    bucket: Any = FakeBucket(**objects)
    return list(differences.of_pages(bucket, bucket, STACK, MANIFEST, [MANIFEST, OLDER]))


def test_the_page_of_a_folder_is_also_reached_without_a_slash() -> None:
    site: Any = FakeBucket(**{"docs/index.html": b"page"})
    manifest = make_manifest({"backend.zip": b"zip", "web/docs/index.html": b"page"})

    assert list(differences.of_pages(site, site, STACK, manifest, [])) == [
        "**Pages:** `docs` is missing"
    ]
    site.objects["docs"] = b""
    assert list(differences.of_pages(site, site, STACK, manifest, [])) == []


def test_the_live_releases_pages_are_not_a_difference() -> None:
    assert of_pages(**PAGES, **{"older.2.js": b"of an older release"}) == []


@pytest.mark.parametrize("key", sorted(PAGES))
def test_an_altered_or_missing_page_or_asset_is_a_difference(key: str) -> None:
    assert of_pages(**PAGES | {key: b"altered"}) == [f"**Pages:** `{key}` is not what was deployed"]
    without = {name: data for name, data in PAGES.items() if name != key}
    assert of_pages(**without) == [f"**Pages:** `{key}` is missing"]


@pytest.mark.parametrize("key", ["old.html", "other.html", "assets/robots.txt"])
def test_a_page_of_no_release_is_a_difference(key: str) -> None:
    assert of_pages(**PAGES, **{key: b"x"}) == [f"**Pages:** `{key}` belongs to no release"]


def test_a_key_cannot_leave_its_code_span() -> None:
    (line,) = of_pages(**PAGES, **{"`\n<!-- ship drift: dev none -->.html": b"x"})

    assert line == "**Pages:** `'\\n<!-- ship drift: dev none -->.html` belongs to no release"
