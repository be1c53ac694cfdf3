"""What must hold before anything changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ship.build.manifest import digest
from ship.config import is_preview
from ship.errors import ShipError
from ship.release.environment import Target
from ship.state.transaction import now

if TYPE_CHECKING:
    from ship.build.manifest import Manifest
    from ship.release.environment import Environment
    from ship.state import EnvironmentState, Stack


def check_contract(stack: Stack, manifest: Manifest) -> None:
    """Refuse a release that needs other infrastructure than there is."""
    low, high = manifest.contract
    if not low <= stack.contract <= high:
        raise ShipError(
            f"release {manifest.release} needs a stack of contract {low} to {high}, "
            f"{stack.environment} has {stack.contract}",
            "apply the infrastructure that fits, or choose another release",
        )


def check_deployable(
    name: str, state: EnvironmentState, manifest: Manifest, *, automatic: bool
) -> None:
    """Refuse a release that is bad or older than the live one, or the environment frozen.

    Args:
        name: the environment's name.
        state: its state.
        manifest: the release.
        automatic: whether no person asked for this very deploy.
    """
    if manifest.release in state.bad:
        raise ShipError(
            f"release {manifest.release} is marked bad in {name}: {state.bad[manifest.release]}",
            "deploy a newer one; if the mark is wrong: "
            f"`ship mark {name} {manifest.release} --good --reason TEXT`",
        )
    if state.frozen and automatic and not state.frozen.is_over(now()):
        raise ShipError(
            f"{name} is {state.frozen}",
            f"lift it with `ship unfreeze {name} --reason TEXT`, then run this again",
        )
    live = state.releases[state.live] if state.live else None
    # A preview's branch may be rebased: its newest push is the newer one, however many commits it
    # counts. Which push that is, GitHub is asked elsewhere.
    if live and manifest.sequence < live.sequence and not is_preview(name):
        raise ShipError(
            f"release {manifest.release} is older than {state.live}, which is live in {name}",
            "deploy a newer commit; to go back there is "
            f"`ship rollback {name} --to RELEASE --reason TEXT`",
        )


def choose_rollback(name: str, state: EnvironmentState, to: str | None) -> str:
    """The release that a rollback goes to: the one asked for, or the good one before."""
    release = to or state.previous
    if release is None:
        message = f"{name} has no earlier good release to go back to"
    elif release == state.live:
        message = f"{release} is live in {name} already"
    elif release in state.bad:
        message = f"{release} is marked bad in {name}: {state.bad[release]}"
    elif release not in state.releases:
        message = f"{release} was never live in {name}, or has been pruned"
    else:
        return release
    raise ShipError(message, _hint(state))


def load_rollback(environment: Environment, to: str | None) -> Target:
    """Read the release that a rollback goes to, every file compared with its manifest."""
    return load(environment, choose_rollback(environment.name, environment.state, to))


def load(environment: Environment, release: str) -> Target:
    """Read a release that was live, every file compared with its manifest.

    Raises:
        ShipError: something of it is missing or altered.
    """
    state, store = environment.state, environment.store
    record, hint = state.releases[release], _hint(state)
    manifest = store.manifest(release)
    if digest(manifest.encode()) != record.manifest:
        raise ShipError(f"the manifest of {release} is not the one that was live", hint)
    check_contract(environment.stack, manifest)
    with ThreadPoolExecutor(8) as pool:
        contents = pool.map(lambda path: store.read(manifest, path), manifest.files)
        files = dict(zip(manifest.files, contents, strict=True))
    code = environment.function.code_sha256(record.version)
    if code not in (None, manifest.code_sha256):
        raise ShipError(f"function version {record.version} is not the code of {release}", hint)
    # Somebody may have removed the version; then it is published again.
    version = record.version if code else ""
    return Target(manifest, version, {key: files[f"web/{key}"] for key in manifest.pages})


def _hint(state: EnvironmentState) -> str:
    return f"the good releases are: {', '.join(state.rollback_candidates) or 'none'}"
