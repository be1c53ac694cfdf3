"""How an environment differs from what was made: one line of Markdown each, without secrets.

Names that others chose (keys, addresses) are shown as code, with unusual characters escaped; of
Terraform's attributes only numbers and booleans show their values.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ship.aws import aws_find
from ship.build import manifest as manifests
from ship.environments.terraform import changed_attributes, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ship.aws import Client
    from ship.build.manifest import Manifest
    from ship.release.function import Function
    from ship.release.site import Site
    from ship.state.environment_state import ReleaseRecord
    from ship.state.store import Stack

_UNCHANGED: dict[str, Any] = {"change": {"before": None, "after": None}}


def code(text: str) -> str:
    """Somebody's text as Markdown code on one line."""
    return f"`{ascii(text)[1:-1].replace('`', chr(0x27))}`"


def of_infrastructure(plan: dict[str, Any]) -> tuple[list[str], int]:
    """What was changed by hand, and how many planned changes were not."""
    # A plan also lists what main says and no deploy has applied yet. Changed by hand is what
    # differs from the state as well as from the code.
    # https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
    drifted = {one["address"]: one for one in plan.get("resource_drift", [])}
    lines, pending = [], 0
    for one in plan.get("resource_changes", []):
        drift = drifted.get(one["address"], _UNCHANGED)
        names = sorted(changed_attributes(one) & changed_attributes(drift))
        if not kind_of(one):
            continue
        if not names:
            pending += 1
            continue
        address = f"**Terraform:** {code(one['address'])}"
        if drift["change"]["actions"] == ["delete"]:
            lines.append(f"{address} has been removed")
            continue
        now, wanted = one["change"]["before"] or {}, one["change"]["after"] or {}
        texts = []
        for name in names:
            values = now.get(name), wanted.get(name)
            is_plain = all(isinstance(value, bool | int | float) for value in values)
            texts.append(code(name) + (f" is {values[0]}, not {values[1]}" if is_plain else ""))
        lines.append(f"{address} was changed: {', '.join(texts)}")
    return lines, pending


def of_code(
    function: Function, stack: Stack, release: str, live: ReleaseRecord, manifest: Manifest
) -> Iterator[str]:
    """Where the alias points, and what the live version's code is."""
    alias = function.alias()
    if alias.version != live.version or alias.shares:
        others = "".join(f", {share:.0%} to {v}" for v, share in sorted(alias.shares.items()))
        yield (
            f"**Code:** the alias {code(stack.alias)} points to version {alias.version}{others}; "
            f"the live release {code(release)} is version {live.version} alone"
        )
    if manifests.digest(manifest.encode()) != live.manifest:
        yield f"**Code:** the stored manifest of {code(release)} is not the one that went live"
    found, expected = function.code_sha256(live.version), manifest.code_sha256
    if found is None:
        yield f"**Code:** version {live.version} of the function has been deleted"
    elif found != expected:
        yield (
            f"**Code:** version {live.version} of the function holds {code(found)}, "
            f"the release {code(expected)}"
        )


def of_pages(
    s3: Client, site: Site, stack: Stack, manifest: Manifest, stored: Iterable[Manifest]
) -> Iterator[str]:
    """Pages and assets of the live release that are missing or altered, and unknown pages."""
    wanted = (*manifest.pages, *manifest.assets)
    with ThreadPoolExecutor(8) as pool:
        digests = pool.map(lambda key: _digest(s3, stack.site_bucket, key), wanted)
        for key, digest in zip(wanted, digests, strict=True):
            if digest is None:
                yield f"**Pages:** {code(key)} is missing"
            elif digest != manifest.files[f"web/{key}"].sha256:
                yield f"**Pages:** {code(key)} is not what was deployed"
    # Assets of earlier releases stay for pages that are still open.
    others = {key for one in stored for key in one.assets}
    listed = site.listed()
    for key in sorted(manifest.folders - listed):
        yield f"**Pages:** {code(key)} is missing"
    for key in sorted(listed - {*wanted, *others, *manifest.folders}):
        yield f"**Pages:** {code(key)} belongs to no release"


def _digest(s3: Client, bucket: str, key: str) -> str | None:
    """The SHA-256 of what is served; none when there is nothing."""
    # The ETag is no digest of the content for every way of uploading it.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    data: bytes | None = aws_find(
        lambda: s3.get_object(Bucket=bucket, Key=key)["Body"].read(),
        f"{key} cannot be read from the site",
    )
    return None if data is None else manifests.digest(data)
