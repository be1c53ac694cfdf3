"""Going back to a release that works: after a failed deploy, and after a run that died."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ship.errors import InconsistentStateError
from ship.release.environment import Target

if TYPE_CHECKING:
    from ship.release.environment import Environment
    from ship.state import EnvironmentState, Operation


def revert(environment: Environment, kind: str, release: str, why: str, *, is_bad: bool) -> None:
    """Make live again what was live before an operation failed.

    Args:
        environment: where it failed.
        kind: "deploy" or "rollback".
        release: the release that it was to make live.
        why: what failed.
        is_bad: whether a check of the release failed, so that it must not be deployed again.

    Raises:
        InconsistentStateError: that failed, too.
    """
    state = environment.state
    if (operation := state.operation) is None:
        return  # The operation was complete and recorded when the failure came.
    if is_bad and release != state.live:
        state = state.with_bad(release, f"{kind} failed: {why}")
    # From here on a repair goes back as well, also when a rollback dies.
    operation = replace(operation, restore_to=state.live)
    state = replace(state, operation=operation)
    try:
        environment.transaction.write(state)
        _converge(environment, state, operation)
        environment.transaction.record("reverted", state.live, release, why)
        environment.transaction.commit(state)
    except BaseException as error:
        raise InconsistentStateError(
            f"{kind} of {release} failed ({why}), and reverting it failed too: {error}",
            f"run `ship repair {environment.name}` as soon as AWS answers again",
        ) from error


def repair(environment: Environment, operation: Operation) -> None:
    """Finish or revert the operation of a run that died."""
    transaction, state = environment.transaction, environment.state
    version = _converge(environment, state, operation)
    restored = operation.restore_to
    if operation.kind == "rollback" and restored and restored != state.live:
        reason = "finished a rollback whose run had died"
        manifest = environment.store.manifest(restored)
        target = Target(manifest, version, {})
        state = replace(rolled_back(state, target, reason), frozen=transaction.freeze(reason))
    transaction.record("repaired", state.live, operation.release, f"{operation.kind} had died")
    transaction.commit(state)


def rolled_back(state: EnvironmentState, target: Target, reason: str) -> EnvironmentState:
    """The state after a rollback: the release that was live is bad, if the target is older."""
    order, left = state.order, state.live
    moved = state.with_live(target.release, target.record)
    if left and left in order and target.release in order[: order.index(left)]:
        return moved.with_bad(left, reason)
    return moved


def _converge(environment: Environment, state: EnvironmentState, operation: Operation) -> str:
    """Bring code and pages to the release to restore, and return its function version."""
    function, site, store = environment.function, environment.site, environment.store
    if operation.restore_to is None:
        # Nothing was live: back to the placeholder, which Terraform created the function with.
        function.point(operation.previous_version)
        site.remove(site.listed())
        return operation.previous_version
    manifest = store.manifest(operation.restore_to)
    version = state.releases[operation.restore_to].version
    # A rollback may have died while it published a version that somebody had removed.
    if function.code_sha256(version) is None:
        version = environment.publish_version(manifest)
    function.point(version)
    pages = {key: store.read(manifest, f"web/{key}") for key in manifest.pages}
    environment.publish_pages(manifest, pages)
    return version
