"""The release engine: makes a release live in one environment, or puts one back.

It changes nothing that users see before every preflight has passed, and notes what it is about
to do before it does it. Whatever dies at whatever step, the next run finds the note and repairs.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ship.aws import aws_call
from ship.build import manifest
from ship.build.builder import code_sha256
from ship.config import is_preview
from ship.errors import InconsistentStateError, RolledBackError, ShipError
from ship.release import canary, pre_traffic
from ship.release.function import Function
from ship.release.site import Site
from ship.release.smoke import Expected, smoke
from ship.state import lock
from ship.state.environment_state import ReleaseRecord
from ship.state.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ship.aws import Clients
    from ship.build.builder import Build
    from ship.build.manifest import Manifest
    from ship.config import Run, Shift
    from ship.output import Progress
    from ship.state.environment_state import EnvironmentState, Operation
    from ship.state.store import Store

_AT_ONCE = ()
# How long a new distribution may take to reach every edge.
_EDGE_SECONDS = 600.0


@dataclass(frozen=True)
class Outcome:
    """What a command made live, and how long each step took (seconds)."""

    environment: str
    release: str
    previous: str | None
    function_version: str
    live_seconds: float
    seconds: float
    steps: dict[str, float]


@dataclass(frozen=True)
class _Target:
    """A release on its way to users: its version exists, its files are checked."""

    manifest: Manifest
    version: str
    pages: dict[str, bytes]

    def stored(self) -> ReleaseRecord:
        return ReleaseRecord(
            self.version,
            manifest.digest(self.manifest.encode()),
            self.manifest.sequence,
            self.manifest.commit,
        )


class Engine:
    """Moves releases in one environment."""

    def __init__(
        self, clients: Clients, store: Store, run: Run, locks: Path, progress: Progress
    ) -> None:
        self._clients = clients
        self._store = store
        self._run = run
        self._locks = locks
        self._progress = progress
        self._stack = store.stack()
        self._transaction = Transaction(store, run, self._stack.environment)
        self._function = Function(
            clients.client("lambda"), self._stack.function_name, self._stack.alias
        )
        self._site = Site(clients.client("s3"), self._stack.site_bucket)
        self._steps: dict[str, float] = {}
        self._live_seconds = 0.0

    @property
    def state(self) -> EnvironmentState:
        """The environment's head, as last read or written."""
        return self._transaction.head

    def deploy(self, build: Build, shift: Shift, reason: str) -> Outcome:
        """Make a build live.

        Raises:
            ShipError: refused, or failed before users could see it.
            RolledBackError: failed after that; the release before is live again.
        """
        with self._step("preflight"):
            self.check_deployable(build)
            self._check_contract(build.manifest)
        with self._operation("deploy", build.manifest):
            self._check_deployable(build.manifest)
            target = self._published(build)
            with self._putting_back("deploy", target):
                self._go_live(target, shift.shares, shift.bake_seconds)
                return self._recorded("live", target, self._swept(self._deployed(target)), reason)

    def check_deployable(self, build: Build) -> None:
        """Refuse a build that must not go live here and now: altered, bad, older, or frozen out.

        Raises:
            ShipError: it must not.
        """
        build.verified()
        self._check_deployable(build.manifest)

    def rollback(self, to: str | None, reason: str) -> Outcome:
        """Make an older release live again, and freeze the environment.

        Raises:
            ShipError: there is no such release to go to, or it is bad or altered.
            RolledBackError: it failed its tests; the release before is live again.
        """
        with self._step("preflight"):
            target = self._rollback_target(to)
        with self._operation("rollback", target.manifest):
            target = self._with_version(target)
            with self._putting_back("rollback", target):
                self._go_live(target, _AT_ONCE, 0)
                head = _rolled_back(self.state, target, reason)
                head = replace(head, frozen=self._transaction.freeze(reason))
                return self._recorded("rolled back", target, head, reason)

    def repair(self, force: str | None = None) -> bool:
        """Finish or put back what an ended run left behind; whether there was something.

        `force` names the run whose end nobody can find out about, but a person knows of.

        Raises:
            ShipError: a run is at work, or the named one is not the one that holds the lock.
        """
        left = self.state.operation
        if left is None:
            return False
        if force is None:
            self._transaction.check_unlocked()
        elif force != left.owner.run:
            raise ShipError(
                f"the lock is held by {left.owner.run}, not by {force}",
                f"look with `ship status {self._stack.environment}`",
            )
        with lock.hold_lock(self._run, self._locks) as owner, self._step("repair"):
            self._transaction.resume(owner)
            self._repair(left)
        return True

    def change(
        self,
        event: str,
        release: str | None,
        reason: str,
        change: Callable[[EnvironmentState], EnvironmentState],
    ) -> EnvironmentState:
        """Note something about the environment or one of its releases (a freeze, a mark, a pin).

        Raises:
            ShipError: an operation is under way.
        """
        self.repair()
        with lock.hold_lock(self._run, self._locks) as owner:
            head = self.state
            self._transaction.begin(
                event, release, head.live, self._function.alias().version, owner
            )
            self._transaction.record(event, release or head.live, head.live, reason)
            self._transaction.commit(change(self.state))
        return self.state

    def freeze(self, reason: str) -> EnvironmentState:
        """Keep automatic deploys away until a person lifts it."""
        freeze = self._transaction.freeze(reason)
        return self.change("frozen", None, reason, lambda head: replace(head, frozen=freeze))

    def check(self) -> float:
        """Smoke-test what is live; how many seconds that took.

        Raises:
            ShipError: nothing is live.
            CheckFailedError: a check failed.
        """
        live = self._live()
        started = time.monotonic()
        found = self._store.manifest(live)
        self._smoke(Expected(live, self.state.releases[live].version, found.pages))
        return time.monotonic() - started

    # --- preflight -----------------------------------------------------------------------------

    def _check_contract(self, found: Manifest) -> None:
        low, high = found.contract
        if not low <= self._stack.contract <= high:
            raise ShipError(
                f"release {found.release} needs a stack of contract {low} to {high}, "
                f"{self._stack.environment} has {self._stack.contract}",
                "apply the infrastructure that fits, or choose another release",
            )

    def _check_deployable(self, found: Manifest) -> None:
        """Refuse what must not go live here and now."""
        name, head = self._stack.environment, self.state
        if found.release in head.bad:
            raise ShipError(
                f"release {found.release} is marked bad in {name}: {head.bad[found.release]}",
                "deploy a newer one; if the mark is wrong: "
                f"`ship mark {name} {found.release} --good --reason TEXT`",
            )
        if head.frozen and self._run.automatic:
            raise ShipError(
                f"{name} is frozen since {head.frozen.at} by {head.frozen.by}: "
                f"{head.frozen.reason}",
                f"lift it with `ship unfreeze {name} --reason TEXT`, then run this again",
            )
        live = head.releases[head.live] if head.live else None
        # A preview's branch may be rebased: its newest push is the newer one, however many commits
        # it counts. Which one that is, `previews` asks GitHub.
        if live and found.sequence < live.sequence and not is_preview(name):
            raise ShipError(
                f"release {found.release} is older than {head.live}, which is live in {name}",
                "deploy a newer commit; to go back there is "
                f"`ship rollback {name} --to RELEASE --reason TEXT`",
            )

    def _rollback_target(self, to: str | None) -> _Target:
        release = self._rollback_release(to)
        stored = self.state.releases[release]
        found = self._store.manifest(release)
        if manifest.digest(found.encode()) != stored.manifest:
            raise ShipError(
                f"the manifest of {release} is not the one that was live",
                f"use another release; the good ones are: {self._good()}",
            )
        self._check_contract(found)
        with ThreadPoolExecutor(8) as pool:
            read = pool.map(self._reader(found), found.files)
            contents = dict(zip(found.files, read, strict=True))
        pages = {key: contents[f"web/{key}"] for key in found.pages}
        return _Target(found, self._checked_version(found, stored), pages)

    def _rollback_release(self, to: str | None) -> str:
        head, name = self.state, self._stack.environment
        hint = f"the good releases are: {self._good()}"
        release = to or head.previous
        if release is None:
            raise ShipError(f"{name} has no earlier good release to go back to", hint)
        if release == head.live:
            raise ShipError(f"{release} is live in {name} already", hint)
        if release in head.bad:
            raise ShipError(f"{release} is marked bad in {name}: {head.bad[release]}", hint)
        if release not in head.releases:
            raise ShipError(f"{release} was never live in {name}, or is no longer kept", hint)
        return release

    def _checked_version(self, found: Manifest, stored: ReleaseRecord) -> str:
        """The function version of an older release; empty when somebody has removed it."""
        there = self._function.code_sha256(stored.version)
        if there not in (None, code_sha256(found.files[manifest.ZIP].sha256)):
            raise ShipError(
                f"function version {stored.version} is not the code of {found.release}",
                f"use another release; the good ones are: {self._good()}",
            )
        return stored.version if there else ""

    def _good(self) -> str:
        return ", ".join(self.state.rollback_candidates) or "none"

    def _reader(self, found: Manifest) -> Callable[[str], bytes]:
        return lambda path: self._store.read(found, path)

    # --- the operation -------------------------------------------------------------------------

    @contextmanager
    def _operation(self, kind: str, found: Manifest) -> Iterator[None]:
        """Hold the lock; what fails before users can see it leaves nothing but a history entry."""
        self.repair()
        safe = found.release if kind == "rollback" else self.state.live
        with lock.hold_lock(self._run, self._locks) as owner:
            before = self._function.alias().version
            self._transaction.begin(kind, found.release, safe, before, owner)
            self._transaction.record(f"{kind} started", found.release, self.state.live, "")
            try:
                yield
            except (RolledBackError, InconsistentStateError):
                raise
            except BaseException as error:
                self._transaction.record(
                    f"{kind} failed", found.release, self.state.live, str(error)
                )
                self._transaction.commit(self.state)
                raise

    def _published(self, build: Build) -> _Target:
        """Bring a build into the environment, where nobody sees it yet."""
        found = build.manifest
        with self._step("publish"):
            self._store.store(build)
            missing = set(found.assets) - self._site.listed()
            self._site.add(missing, lambda key: build.read(f"web/{key}"))
        pages = {key: build.read(f"web/{key}") for key in found.pages}
        return self._with_version(_Target(found, "", pages))

    def _with_version(self, target: _Target) -> _Target:
        """The target with its function version, which is made from the stored zip if need be."""
        if target.version:
            return target
        with self._step("version"):
            expected = code_sha256(target.manifest.files[manifest.ZIP].sha256)
            key = self._store.zip_key(target.manifest.release)
            version = self._function.publish(self._store.bucket, key, expected)
        return replace(target, version=version)

    @contextmanager
    def _putting_back(self, kind: str, target: _Target) -> Iterator[None]:
        """Put back what was live before, when anything fails that users could have seen.

        Raises:
            RolledBackError: it failed; what was live before is live again.
            InconsistentStateError: and that could not be put back either.
        """
        try:
            yield
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            why = "interrupted" if interrupted else str(error) or type(error).__name__
            with self._step("reverted"):
                # A release is not bad because somebody cancelled its run.
                self._put_back(kind, target, why, blamed=not interrupted)
            raise RolledBackError(
                f"{kind} of {target.manifest.release} failed: {why}",
                f"{self.state.live or 'nothing'} is live in {self._stack.environment} as before; "
                f"see `ship logs {self._stack.environment}`",
            ) from error

    def _go_live(self, target: _Target, shares: tuple[int, ...], bake_seconds: float) -> None:
        """Try the version, shift the traffic, show the pages, and smoke-test both doors."""
        with self._step("try"):
            pre_traffic.try_version(self._function, target.version, target.manifest.release)
        with self._step("shift"):
            self._shift(target, shares if self.state.live else _AT_ONCE, bake_seconds)
        with self._step("show"):
            self._show(target)
        self._live_seconds = self._progress.elapsed()
        with self._step("smoke"):
            self._smoke(Expected(target.manifest.release, target.version, tuple(target.pages)))

    def _shift(self, target: _Target, shares: tuple[int, ...], bake_seconds: float) -> None:
        if shares:
            cloudwatch = self._clients.client("cloudwatch")
            before = canary.alarming(cloudwatch, self._stack)
            live = self.state.releases[str(self.state.live)].version
            for share in shares if live != target.version else _AT_ONCE:
                self._progress.note(f"{share} % of the traffic for {bake_seconds:g} s")
                self._function.point(live, {target.version: share / 100})
                canary.bake(cloudwatch, self._stack, target.version, bake_seconds, before)
        self._function.point(target.version)

    def _show(self, target: _Target) -> None:
        there, read = self._site.listed(), self._reader(target.manifest)
        self._site.add(set(target.manifest.assets) - there, lambda key: read(f"web/{key}"))
        self._site.show(target.pages)
        self._site.remove(key for key in there if "/" not in key and key not in target.pages)

    def _smoke(self, expected: Expected) -> None:
        first, deadline = self.state.live is None, time.monotonic() + _EDGE_SECONDS
        smoke(
            self._stack,
            expected,
            lambda: first and time.monotonic() < deadline and self._reaching_the_edge(),
        )

    def _reaching_the_edge(self) -> bool:
        """Whether the distribution was made lately, and not every edge has it yet."""
        found = aws_call(
            lambda: self._clients.client("cloudfront").get_distribution(
                Id=self._stack.distribution_id
            ),
            f"the distribution {self._stack.distribution_id} cannot be read",
            "check the credentials, then run the command again",
        )
        return bool(found["Distribution"]["Status"] != "Deployed")

    def _recorded(
        self, event: str, target: _Target, head: EnvironmentState, reason: str
    ) -> Outcome:
        previous = self.state.live
        with self._step("record"):
            self._transaction.record(
                event,
                target.manifest.release,
                previous,
                reason,
                self._live_seconds,
                target.stored(),
            )
            self._transaction.commit(head)
        return Outcome(
            environment=self._stack.environment,
            release=target.manifest.release,
            previous=previous,
            function_version=target.version,
            live_seconds=round(self._live_seconds, 3),
            seconds=round(self._progress.elapsed(), 3),
            steps=self._steps,
        )

    def _deployed(self, target: _Target) -> EnvironmentState:
        head = self.state.with_live(target.manifest.release, target.stored())
        return replace(head, frozen=None)

    def _swept(self, head: EnvironmentState) -> EnvironmentState:
        """Remove what no rollback and no open page can need any more.

        It comes after the smoke tests and under the lock. What it cannot remove waits for the
        next deploy; that is no reason to fail this one.
        """
        try:
            with self._step("sweep"):
                return self._sweep(head)
        except ShipError as fault:
            self._progress.note(f"the clean-up is left to the next deploy: {fault}")
            return head

    def _sweep(self, head: EnvironmentState) -> EnvironmentState:
        kept = head.retained
        versions = {head.releases[release].version for release in kept & set(head.releases)}
        for version in set(self._function.versions()) - versions:
            self._function.delete(version)
        gone = (self._store.releases() | set(head.releases)) - kept
        if gone:
            found = [self._store.manifest(release) for release in kept]
            assets = {key for one in found for key in one.assets}
            self._site.remove(k for k in self._site.listed() if "/" in k and k not in assets)
        for release in gone:
            self._store.remove(release)
        return head.forgetting(frozenset(gone))

    # --- putting back --------------------------------------------------------------------------

    def _put_back(self, kind: str, target: _Target, why: str, *, blamed: bool) -> None:
        head, release = self.state, target.manifest.release
        if (operation := head.operation) is None:
            return  # It was all done and recorded when the failure came.
        if blamed and release != head.live:
            head = head.with_bad(release, f"{kind} failed: {why}")
        operation = replace(operation, restore_to=head.live)
        head = replace(head, operation=operation)
        try:
            self._transaction.write(head)
            self._converge(head, operation)
            self._transaction.record("reverted", head.live, release, why)
            self._transaction.commit(head)
        except BaseException as error:
            raise InconsistentStateError(
                f"{kind} of {release} failed ({why}), and putting back failed too: {error}",
                f"run `ship repair {self._stack.environment}` as soon as AWS answers again",
            ) from error

    def _repair(self, left: Operation) -> None:
        self._converge(self.state, left)
        head = self.state
        if left.kind == "rollback" and left.restore_to and left.restore_to != head.live:
            reason = "finished a rollback whose run had died"
            found = self._store.manifest(left.restore_to)
            target = _Target(found, head.releases[left.restore_to].version, {})
            head = replace(
                _rolled_back(head, target, reason), frozen=self._transaction.freeze(reason)
            )
        self._transaction.record("repaired", head.live, left.release, f"{left.kind} had died")
        self._transaction.commit(head)

    def _converge(self, head: EnvironmentState, operation: Operation) -> None:
        """Bring code and pages to the operation's safe release, whatever they are now."""
        if operation.restore_to is None:
            self._function.point(operation.previous_version)
            self._site.remove(key for key in self._site.listed() if "/" not in key)
            return
        found = self._store.manifest(operation.restore_to)
        read = self._reader(found)
        self._function.point(head.releases[operation.restore_to].version)
        self._show(_Target(found, "", {key: read(f"web/{key}") for key in found.pages}))

    # --- small things --------------------------------------------------------------------------

    def _live(self) -> str:
        if self.state.live is None:
            raise ShipError(
                f"nothing is live in {self._stack.environment}",
                f"deploy with `ship deploy {self._stack.environment}`",
            )
        return self.state.live

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        with self._progress.step(name):
            yield
        self._steps[name] = round(time.monotonic() - started, 3)


def _rolled_back(head: EnvironmentState, target: _Target, reason: str) -> EnvironmentState:
    """The head after a rollback: what was left for an older release is marked bad."""
    release, left = target.manifest.release, head.live
    order = head.order
    back = left in order and release in order and order.index(release) < order.index(left)
    moved = head.with_live(release, target.stored())
    return moved.with_bad(left, reason) if left and back else moved
