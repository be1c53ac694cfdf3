"""What a release touches in one environment, a release on its way to users, and its arrival."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ship.build.manifest import SITE_KEY, digest
from ship.errors import ShipError
from ship.state import ReleaseRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from ship.build.manifest import Manifest
    from ship.release.function import Function
    from ship.release.site import Site
    from ship.state import EnvironmentState, Stack, Store, Transaction


@dataclass(frozen=True)
class Target:
    """A release on its way to users: its files are checked; its version exists unless empty."""

    manifest: Manifest
    version: str
    pages: dict[str, bytes]

    @property
    def release(self) -> str:
        """The release's id."""
        return self.manifest.release

    @property
    def record(self) -> ReleaseRecord:
        """What the environment's state keeps of it."""
        found = self.manifest
        return ReleaseRecord(self.version, digest(found.encode()), found.sequence, found.commit)


@dataclass(frozen=True)
class Outcome:
    """What a command made live, and how long each step took (seconds).

    `configuration` is how the function's configuration differs from the one that was live before,
    `kept` what newer releases ran before their traffic and a rollback does not undo.
    """

    environment: str
    release: str
    previous: str | None
    function_version: str
    live_seconds: float
    seconds: float
    steps: dict[str, float]
    configuration: str = ""
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Environment:
    """One environment: its stack, its artifact bucket and state, its function and its site."""

    stack: Stack
    store: Store
    transaction: Transaction
    function: Function
    site: Site

    @property
    def name(self) -> str:
        """Its name."""
        return self.stack.environment

    @property
    def state(self) -> EnvironmentState:
        """Its state, as this run read or wrote it last."""
        return self.transaction.state

    def publish_version(self, manifest: Manifest) -> str:
        """Publish the function version of a stored release, and return its number."""
        key = self.store.zip_key(manifest.release)
        return self.function.publish(self.store.bucket, key, manifest.code_sha256)

    def publish_pages(self, manifest: Manifest, pages: dict[str, bytes]) -> None:
        """Make the pages of a stored release the ones that users get, and remove all others."""
        operation, retained = self.state.operation, self.state.retained
        # Also the release that is being reverted: pages that are open ask for their assets.
        named = {operation.release} if operation and operation.release else set()
        present, others = self.site.listed(), self.store.manifests(retained | named)
        # Those of an older release may have been pruned since it was live.
        missing = _missing(manifest, present, others)
        self.site.put(manifest, missing, lambda key: self.store.read(manifest, f"web/{key}"))
        # The file that says which release the site is comes last: then the others are there.
        self.site.put(manifest, pages.keys() - {SITE_KEY}, pages.__getitem__)
        self.site.put_folders(manifest)
        self.site.put(manifest, pages.keys() & {SITE_KEY}, pages.__getitem__)
        assets = {key for one in (manifest, *others) for key in one.assets}
        self.site.remove(present - pages.keys() - assets - manifest.folders)

    def add_assets(self, manifest: Manifest, read: Callable[[str], bytes]) -> None:
        """Add the assets of a release that is not live yet.

        Raises:
            ShipError: one has other content than another release's asset of the same name.
        """
        others = self.store.manifests(self.state.retained)
        for other in others:
            for key in set(manifest.assets) & set(other.assets):
                if manifest.file(key).sha256 != other.file(key).sha256:
                    raise ShipError(
                        f"{key} is another file in release {other.release}, and its name makes "
                        "browsers keep that for a year",
                        "give it another name; one without a hash is revalidated at each use",
                    )
        self.site.put(manifest, _missing(manifest, self.site.listed(), others), read)

    def prune(self, state: EnvironmentState) -> EnvironmentState:
        """Remove versions, assets and releases that are not retained; the state after it."""
        retained = state.retained
        versions = {state.releases[name].version for name in retained & set(state.releases)}
        for version in set(self.function.versions()) - versions:
            self.function.delete(version)
        removed = (self.store.releases() | set(state.releases)) - retained
        if removed:
            # Assets are shared: a file that did not change has the same name in many releases.
            manifests = {name: self.store.manifest(name) for name in retained}
            used = {key for manifest in manifests.values() for key in manifest.assets}
            if state.live:
                used |= {*manifests[state.live].pages, *manifests[state.live].folders}
            self.site.remove(self.site.listed() - used)
        for release in removed:
            self.store.remove(release)
        return state.without_releases(frozenset(removed))


def _missing(manifest: Manifest, present: frozenset[str], others: list[Manifest]) -> set[str]:
    """The assets that are not in the bucket as this release has them."""
    # A failed release, or one that serves the file in another way, may have left it there.
    known = {
        key
        for key in manifest.assets
        if any(other.files.get(f"web/{key}") == manifest.file(key) for other in others)
    }
    return set(manifest.assets) - (present & known)
