"""The release engine: makes a release live in one environment, or goes back to one.

It changes nothing that users see before every preflight check has passed, and writes down what it
is about to do before it does it. If it dies, the next run reads that and repairs.
"""

from __future__ import annotations

import shlex
import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from ship.errors import (
    CheckFailedError,
    InconsistentStateError,
    RolledBackError,
    ShipError,
)
from ship.release import pre_traffic, preflight, recovery
from ship.release.canary import Canary
from ship.release.command import Command, run_before_traffic, run_by_hand
from ship.release.distribution import wait_until_deployed
from ship.release.environment import Environment, Outcome, Target
from ship.release.function import Function
from ship.release.site import Site
from ship.release.smoke import Expected, smoke
from ship.state import Transaction, hold_lock
from ship.state.transaction import now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ship.aws import Clients
    from ship.build.builder import Build
    from ship.build.manifest import Manifest
    from ship.config import Run, Shift
    from ship.output import Progress
    from ship.release.command import Ended
    from ship.release.smoke import ReleaseChecks
    from ship.state import EnvironmentState, Owner, Store


class Engine:
    """Moves releases in one environment."""

    def __init__(
        self,
        clients: Clients,
        store: Store,
        run: Run,
        locks: Path,
        progress: Progress,
        checks: ReleaseChecks,
    ) -> None:
        self._clients = clients
        self._run = run
        self._locks = locks
        self._progress = progress
        self._checks = checks
        self._stack = stack = store.stack()
        self._transaction = Transaction(store, run, stack.environment)
        self._function = Function(clients.client("lambda"), stack.function_name, stack.alias)
        site = Site(clients.client("s3"), stack.site_bucket)
        self._environment = Environment(stack, store, self._transaction, self._function, site)
        self._steps: dict[str, float] = {}
        self._live_seconds = 0.0
        self._configuration = ""

    @property
    def state(self) -> EnvironmentState:
        """The environment's state, as this run read or wrote it last."""
        return self._transaction.state

    def deploy(self, build: Build, shift: Shift, reason: str) -> Outcome:
        """Make a build live.

        Raises:
            ShipError: refused, or failed before users could see it.
            RolledBackError: failed after that; the release before is live again.
            InconsistentStateError: and that could not be reverted.
        """
        manifest = build.manifest
        with self._step("preflight"):
            self.check_deployable(build)
            preflight.check_contract(self._stack, manifest)
        with self._operation("deploy", manifest):
            # Again, now that the state cannot change any more.
            self._check_state(manifest)
            with self._step("publish"):
                self._environment.store.store(build)
                self._environment.add_assets(manifest, lambda key: build.read(f"web/{key}"))
            with self._step("version"):
                version = self._environment.publish_version(manifest)
            pages = {key: build.read(f"web/{key}") for key in manifest.pages}
            target = Target(manifest, version, pages)
            with self._reverting("deploy", target):
                self._go_live(target, shift, runs_command=True)
                state = replace(self.state.with_live(target.release, target.record), frozen=None)
                return self._record("live", target, self._prune(state), reason)

    def check_deployable(self, build: Build) -> None:
        """Refuse a build that must not go live here now: altered, bad, older, or frozen out."""
        build.verified()
        self._check_state(build.manifest)

    def rollback(self, to: str | None, reason: str) -> Outcome:
        """Make an older release live again, and freeze the environment; fails as a deploy does."""
        with self._step("preflight"):
            target = preflight.load_rollback(self._environment, to)
        with self._operation("rollback", target.manifest):
            if not target.version:
                with self._step("version"):
                    version = self._environment.publish_version(target.manifest)
                    target = replace(target, version=version)
            with self._reverting("rollback", target):
                self._go_live(target, None)
                state = recovery.rolled_back(self.state, target, reason)
                state = replace(state, frozen=self._transaction.freeze(reason))
                outcome = self._record("rolled back", target, state, reason)
        kept = self.state.commands_since(target.release)
        return replace(outcome, kept=tuple(f"`{one.command}` of {one.release}" for one in kept))

    def restart(self, shift: Shift, reason: str) -> Outcome:
        """Make the live release live again in a new version: it reads its settings when it starts.

        Fails as a deploy does, and when nothing is live.
        """
        self.repair()
        with self._step("preflight"):
            target = preflight.load(self._environment, self._check_live())
        with self._operation("restart", target.manifest):
            with self._step("version"):
                # The same code and configuration would be the same version.
                self._function.describe(f"Restarted {now()} by {self._run.actor}: {reason}")
                version = self._environment.publish_version(target.manifest)
                target = replace(target, version=version)
            with self._reverting("restart", target):
                self._go_live(target, shift)
                state = self.state.with_live(target.release, target.record)
                return self._record("restarted", target, self._prune(state), reason)

    def run(
        self,
        release: str | None,
        build: Build | None,
        command: Sequence[str],
        show: Callable[[bytes], object],
        *,
        is_alone: bool = False,
    ) -> Ended:
        """Run a command in a release, by default the live one. Nothing becomes live.

        Args:
            release: a stored one.
            build: the same one where it is not stored yet.
            command: its name and its arguments.
            show: gets the output, part by part.
            is_alone: whether the environment's lock is held meanwhile. It is for what the release
                runs before traffic, in any case.

        Raises:
            ShipError: there is no such release, or it is not known how the command ended.
            InterruptedCommandError: it goes on.
        """
        name = release or self._check_live()
        manifest = build.manifest if build else self._environment.store.manifest(name)
        record = self.state.releases.get(name)
        version = record.version if record else ""
        if not version or self._function.code_sha256(version) is None:
            version = self._prepare(manifest, build)
        migration, given = (
            shlex.split(manifest.before_traffic),
            Command(command, name, version, show),
        )
        if migration and list(command[: len(migration)]) == migration:
            is_alone = True
        self._progress.note(f"{command[0]} in version {version} of {name}")
        with self._operation("run", manifest) if is_alone else nullcontext():
            ended = run_by_hand(
                self._clients, self._environment, given, self._progress, is_alone=is_alone
            )
            if is_alone:
                self._transaction.commit(self.state)
        return ended

    def _prepare(self, manifest: Manifest, build: Build | None) -> str:
        """Publish the version of a release without making it live."""
        preflight.check_contract(self._stack, manifest)
        with self._operation("preparation", manifest):
            if build:
                self._environment.store.store(build)
            with self._step("version"):
                version = self._environment.publish_version(manifest)
            self._transaction.record("prepared", manifest.release, self.state.live, "")
            self._transaction.commit(self.state)
        return version

    def repair(self, force: str | None = None) -> bool:
        """Finish or revert what a dead run left unfinished; whether there was something.

        Args:
            force: the run to take the lock from, where a person knows that it has ended and `ship`
                cannot.
        """
        unfinished = self.state.operation
        if unfinished is None:
            return False
        if force is None:
            self._transaction.check_unlocked()
        elif force != unfinished.owner.run:
            raise ShipError(
                f"the lock is held by {unfinished.owner.run}, not by {force}",
                f"look with `ship status {self._stack.environment}`",
            )
        with hold_lock(self._run, self._locks) as owner, self._step("repair"):
            self._transaction.resume(owner)
            recovery.repair(self._environment, unfinished)
        return True

    def change(
        self,
        event: str,
        release: str | None,
        reason: str,
        change: Callable[[EnvironmentState], EnvironmentState],
    ) -> EnvironmentState:
        """Change what is known of the environment or of a release: a freeze, a mark, a pin."""
        self.repair()
        with hold_lock(self._run, self._locks) as owner:
            live = self.state.live
            self._begin(event, release, live, owner)
            self._transaction.record(event, release or live, live, reason)
            self._transaction.commit(change(self.state))
        return self.state

    def freeze(self, reason: str, until: str = "") -> EnvironmentState:
        """Refuse automatic deploys until a person lifts it, or until this time (ISO 8601, UTC)."""
        frozen = self._transaction.freeze(reason, until)
        return self.change("frozen", None, reason, lambda state: replace(state, frozen=frozen))

    def check(self) -> float:
        """Smoke-test what is live; how many seconds that took.

        Raises:
            CheckFailedError: a check failed.
        """
        live, started = self._check_live(), time.monotonic()
        manifest = self._environment.store.manifest(live)
        self._smoke(manifest, self.state.releases[live].version)
        return time.monotonic() - started

    def _check_live(self) -> str:
        if self.state.live is None:
            name = self._stack.environment
            raise ShipError(f"nothing is live in {name}", f"deploy with `ship deploy {name}`")
        return self.state.live

    def _check_state(self, manifest: Manifest) -> None:
        preflight.check_deployable(
            self._stack.environment, self.state, manifest, automatic=self._run.automatic
        )

    def _begin(self, kind: str, release: str | None, restore_to: str | None, owner: Owner) -> None:
        version = self._function.alias().version
        self._transaction.begin(kind, release, owner, restore_to, previous_version=version)

    @contextmanager
    def _operation(self, kind: str, manifest: Manifest) -> Iterator[None]:
        """Hold the lock; what fails before users can see it leaves only a history entry."""
        self.repair()
        release, live = manifest.release, self.state.live
        with hold_lock(self._run, self._locks) as owner:
            self._begin(kind, release, release if kind == "rollback" else live, owner)
            self._transaction.record(f"{kind} started", release, live, "")
            try:
                yield
            except (RolledBackError, InconsistentStateError):
                raise
            except BaseException as error:
                self._transaction.record(f"{kind} failed", release, live, str(error))
                self._transaction.commit(self.state)
                raise

    @contextmanager
    def _reverting(self, kind: str, target: Target) -> Iterator[None]:
        """Revert to what was live before, when anything fails that users could have seen."""
        try:
            yield
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            why = "interrupted" if interrupted else str(error) or type(error).__name__
            # A release is not bad because its run was cancelled or AWS did not answer.
            is_bad = isinstance(error, CheckFailedError)
            with self._step("revert"):
                recovery.revert(self._environment, kind, target.release, why, is_bad=is_bad)
            kept = [one for one in self.state.commands if one.release == target.release]
            stays = f"; what `{kept[0].command}` has changed stays" if kept else ""
            raise RolledBackError(
                f"{kind} of {target.release} failed: {why}",
                f"{self.state.live or 'nothing'} is live in {self._stack.environment} as before"
                f"{stays}; see `ship logs {self._stack.environment}`",
            ) from error

    def _go_live(self, target: Target, shift: Shift | None, *, runs_command: bool = False) -> None:
        live = self.state.releases[self.state.live].version if self.state.live else ""
        if live and (found := self._function.differences(live, target.version)):
            self._configuration = ", ".join(found)
            self._progress.note(f"goes live with it: {self._configuration}")
        paths = tuple(filter(self._checks.is_application, self._checks.smoke_paths))
        # A rollback does not wait: the older pages were made for older paths and headers.
        if shift:
            cloudfront, name = self._clients.client("cloudfront"), self._stack.distribution_id
            with self._step("distribution"):
                wait_until_deployed(cloudfront, name, self._progress)
        with self._step("pre-traffic check"):
            pre_traffic.check_version(self._function, target.version, target.release)
        if runs_command and target.manifest.before_traffic:
            with self._step("before traffic"):
                run_before_traffic(self._clients, self._environment, target, self._progress)
        if paths:
            with self._step("pre-traffic smoke"):
                pre_traffic.check_paths(self._function, target.version, self._stack, paths)
        with self._step("shift"):
            watched = None
            # The same code and configuration have the same version: there is nothing to watch.
            if shift and shift.is_watched and live not in ("", target.version):
                watched = Canary(
                    self._clients, self._stack, self._function, paths, live, target.version
                )
                for share in shift.shares:
                    self._progress.note(f"{share} % of the traffic for {shift.bake_seconds:g} s")
                    self._function.point(live, {target.version: share / 100})
                    self._progress.note(watched.watch_share(shift.bake_seconds))
            self._function.point(target.version)
        with self._step("publish pages"):
            self._environment.publish_pages(target.manifest, target.pages)
        self._live_seconds = self._progress.elapsed()
        with self._step("smoke"):
            self._smoke(target.manifest, target.version)
        if watched and shift and shift.alarm_seconds:
            with self._step("watch alarms"):
                watched.watch_alarms(shift.alarm_seconds)

    def _smoke(self, manifest: Manifest, version: str) -> None:
        is_closed = self._function.is_behind_cloudfront(version)
        smoke(self._stack, Expected(manifest, version, is_closed), self._checks)

    def _prune(self, state: EnvironmentState) -> EnvironmentState:
        """Prune, still under the lock; what has gone live does not fail because of it."""
        try:
            with self._step("prune"):
                return self._environment.prune(state)
        except ShipError as error:
            self._progress.note(f"pruning is left to the next deploy: {error}")
            return state

    def _record(self, event: str, target: Target, state: EnvironmentState, reason: str) -> Outcome:
        release, previous, seconds = target.release, self.state.live, self._live_seconds
        with self._step("record"):
            self._transaction.record(
                event, release, previous, reason, seconds, target.record, self._configuration
            )
            self._transaction.commit(state)
        return Outcome(
            self._stack.environment,
            release,
            previous,
            target.version,
            live_seconds=round(seconds, 3),
            seconds=round(self._progress.elapsed(), 3),
            steps=self._steps,
            configuration=self._configuration,
        )

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        with self._progress.step(name):
            yield
        self._steps[name] = round(time.monotonic() - started, 3)
