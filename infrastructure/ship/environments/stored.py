"""Releases that an environment keeps: downloaded again, to make them live elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ship.build.builder import Build
from ship.environments import provenance
from ship.errors import ShipError

if TYPE_CHECKING:
    from ship.aws import Clients
    from ship.environments.context import Context
    from ship.state.store import Store


def fetch(context: Context, store: Store, release: str) -> Build:
    """Download a stored release, each file compared with the manifest."""
    # It refuses a release that is not there, or whose name leads out of the folder.
    manifest = store.manifest(release)
    folder = context.caches / "releases" / release
    shutil.rmtree(folder, ignore_errors=True)
    with ThreadPoolExecutor(8) as pool:
        contents = pool.map(lambda path: store.read(manifest, path), manifest.files)
        for path, data in zip(manifest.files, contents, strict=True):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    (folder / "manifest.json").write_bytes(manifest.encode())
    return Build(folder, manifest)


def fetch_good(context: Context, source: str, clients: Clients, release: str | None) -> Build:
    """Download the release that is live in an environment, or another good one that was."""
    store = context.store(source, clients)
    state, _ = store.read_state()
    release = release or state.live
    if release is None:
        raise ShipError(f"nothing is live in {source}", f"deploy with `ship deploy {source}`")
    good = [name for name in (state.live, *state.rollback_candidates) if name not in state.bad]
    if release not in good:
        why = f"marked bad: {state.bad[release]}" if release in state.bad else "not there any more"
        raise ShipError(
            f"{release} was never live in {source}, or is {why}",
            f"name one of its good releases: {', '.join(filter(None, good)) or 'none'}",
        )
    with context.progress.step(f"fetch {release} from {source}"):
        return fetch(context, store, release)


def fetch_for(context: Context, environment: str, release: str | None, *, hotfix: bool) -> Build:
    """Download what may be promoted to an environment, and verify where it came from.

    Args:
        context: the project.
        environment: the permanent environment that it is for.
        release: the release; none takes the live one.
        hotfix: take it from the first environment, and skip what lies between.

    Raises:
        ShipError: there is nothing to take it from, it is no good release there, or nothing proves
            that it was built from a commit of this branch.
    """
    names = context.project.environments
    if environment not in names[1:]:
        raise ShipError(
            f"nothing is promoted to {environment}",
            f"choose one of {', '.join(names[1:]) or 'several environments'}",
        )
    source = names[0 if hotfix else names.index(environment) - 1]
    build = fetch_good(context, source, context.read_only_clients(), release).verified()
    commit = build.manifest.commit
    # The job that deploys checks this commit out and runs its `ship`.
    ancestor = ["git", "merge-base", "--is-ancestor", commit, "HEAD"]
    if (
        not re.fullmatch("[0-9a-f]{40}", commit)
        or subprocess.run(ancestor, cwd=context.project.root, check=False).returncode
    ):
        raise ShipError(f"{commit} is not a commit of main", "promote what Deploy has built")
    if context.project.attest:
        provenance.check_attested(build, context.settings.run.repository)
    return build
