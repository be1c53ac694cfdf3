"""What is not as it was made: each difference is one line of Markdown, and holds no secret.

Names that somebody else chose (keys, addresses) stand in code, with their odd letters escaped;
of Terraform's attributes only numbers and flags show their values.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ship.aws import ExpectedError, aws_call
from ship.build import manifest as manifests
from ship.build.builder import code_sha256
from ship.environments.terraform import kind_of
from ship.errors import ShipError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ship.aws import Client
    from ship.build.manifest import Manifest
    from ship.release.function import Function
    from ship.release.site import Site
    from ship.state.environment_state import ReleaseRecord
    from ship.state.store import Stack

_MISSING = frozenset({"NoSuchKey"})
_HINT = "check the credentials and the network, then run the command again"
_TIMEOUT_SECONDS = 10.0
_TRIES = 2


def code(text: str) -> str:
    """Somebody's text as Markdown code on one line."""
    return f"`{ascii(text)[1:-1].replace('`', chr(0x27))}`"


def of_infrastructure(planned: dict[str, Any]) -> tuple[list[str], int]:
    """What somebody changed that Terraform made, and how many planned changes nobody made by hand.

    A plan also lists what main says and no deploy has applied yet. By hand is what differs from the
    state as well as from the code.
    """
    moved = {one["address"]: one for one in planned.get("resource_drift", [])}
    changes = [one for one in planned.get("resource_changes", []) if kind_of(one)]
    by_hand = [
        one for one in changes if _touched(one) & _touched(moved.get(one["address"], _STILL))
    ]
    return [_told(one, moved[one["address"]]) for one in by_hand], len(changes) - len(by_hand)


_STILL: dict[str, Any] = {"change": {"before": None, "after": None}}


def _touched(one: dict[str, Any]) -> set[str]:
    """The attributes that a change changes; all of them when the resource itself comes or goes."""
    before, after = one["change"]["before"] or {}, one["change"]["after"] or {}
    unknown = {name for name, is_so in _unknown(one).items() if is_so}
    return unknown | {name for name in {*before, *after} if before.get(name) != after.get(name)}


def _unknown(one: dict[str, Any]) -> dict[str, Any]:
    found = one["change"].get("after_unknown")
    return found if isinstance(found, dict) else {}


def _told(one: dict[str, Any], moved: dict[str, Any]) -> str:
    address = f"**Terraform:** {code(one['address'])}"
    if moved["change"]["actions"] == ["delete"]:
        return f"{address} has been removed"
    now, shall = one["change"]["before"] or {}, one["change"]["after"] or {}
    names = sorted(_touched(one) & _touched(moved))
    return f"{address} was changed: {', '.join(_attribute(n, now, shall) for n in names)}"


def _attribute(name: str, now: dict[str, Any], shall: dict[str, Any]) -> str:
    values = (now.get(name), shall.get(name))
    if all(isinstance(value, bool | int | float) for value in values):
        return f"{code(name)} is {values[0]}, not {values[1]}"
    return code(name)


def of_code(
    function: Function, stack: Stack, release: str, live: ReleaseRecord, found: Manifest
) -> Iterator[str]:
    """Where the alias points beside where it shall, and what the live version's code is."""
    alias = function.alias()
    if alias.version != live.version or alias.shares:
        others = "".join(f", {share:.0%} to {v}" for v, share in sorted(alias.shares.items()))
        yield (
            f"**Code:** the alias {code(stack.alias)} points to version {alias.version}{others}; "
            f"the live release {code(release)} is version {live.version} alone"
        )
    if manifests.digest(found.encode()) != live.manifest:
        yield f"**Code:** the stored manifest of {code(release)} is not the one that went live"
    there = function.code_sha256(live.version)
    expected = code_sha256(found.files[manifests.ZIP].sha256)
    if there is None:
        yield f"**Code:** version {live.version} of the function has been deleted"
    elif there != expected:
        yield (
            f"**Code:** version {live.version} of the function holds {code(there)}, "
            f"the release {code(expected)}"
        )


def of_pages(s3: Client, site: Site, stack: Stack, found: Manifest) -> Iterator[str]:
    """Pages and assets of the live release that are missing or altered, and pages of nobody's."""
    there = site.listed()
    wanted = (*found.pages, *found.assets)
    with ThreadPoolExecutor(8) as pool:
        digests = pool.map(lambda key: _digest(s3, stack.site_bucket, key), wanted)
        for key, digest in zip(wanted, digests, strict=True):
            if digest is None:
                yield f"**Pages:** {code(key)} is missing"
            elif digest != found.files[f"web/{key}"].sha256:
                yield f"**Pages:** {code(key)} is not what was deployed"
    pages = {key for key in there if "/" not in key or key.endswith(".html")}
    for key in sorted(pages - set(wanted)):
        yield f"**Pages:** {code(key)} belongs to no release"


def _digest(s3: Client, bucket: str, key: str) -> str | None:
    """The SHA-256 of what is served; none when there is nothing."""
    try:
        data: bytes = aws_call(
            lambda: s3.get_object(Bucket=bucket, Key=key)["Body"].read(),
            f"{key} cannot be read from the site",
            _HINT,
            _MISSING,
        )
    except ExpectedError:
        return None
    return manifests.digest(data)


def of_settings(stack: Stack) -> Iterator[str]:
    """What the application refuses of its public settings: it says so itself, without values.

    The values that an operator set, and it takes, are no difference.

    Raises:
        ShipError: it does not answer.
    """
    for fault in _readiness(f"{stack.api_url}/api/ready"):
        yield f"**Settings:** {code(str(fault))}"


def _readiness(url: str) -> Iterable[object]:
    import httpx

    # No proxy of the machine's may stand between the question and who answers it.
    transport = httpx.HTTPTransport(retries=_TRIES)
    with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False, transport=transport) as client:
        try:
            return list(client.get(url).json()["settings"]["faults"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise ShipError(
                f"{url} does not say what is wrong with the settings ({error!r})",
                "look whether the application answers: `ship smoke ENVIRONMENT`",
            ) from error
