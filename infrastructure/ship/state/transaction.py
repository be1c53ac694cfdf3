"""The journal of an environment: the one way in which its head and its history change.

An operation takes the lock by noting in the head what it is about to do, and gives it back with
the note of what came of it. Whoever reads the head next sees either nobody at work, or what was
under way and where to go back to.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from ship.errors import ShipError
from ship.state import lock
from ship.state.environment_state import Freeze, Operation
from ship.state.store import HistoryEntry, ConflictError

if TYPE_CHECKING:
    from ship.config import Run
    from ship.state.environment_state import EnvironmentState, Owner, ReleaseRecord
    from ship.state.store import Store


def now() -> str:
    """The time for a note: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class Transaction:
    """One environment's head and history, as this run reads and writes them."""

    def __init__(self, store: Store, run: Run, environment: str) -> None:
        self._store = store
        self._run = run
        self._environment = environment
        self._head, self._etag = store.read_state()

    @property
    def state(self) -> EnvironmentState:
        """The head as this run read or wrote it last."""
        return self._head

    def check_unlocked(self) -> Operation | None:
        """What an ended run left behind, if anything.

        Raises:
            ShipError: a run is at work, or nobody can tell whether it still is.
        """
        left = self._head.operation
        if left and not lock.is_finished(left.owner, self._run):
            owner = left.owner
            raise ShipError(
                f"{self._environment} is locked by {left.kind} of {left.release} "
                f"({owner.actor}, {owner.url or owner.run}, since {left.at})",
                "wait for it; if that run has ended on another machine: "
                f"`ship unlock {self._environment} --run {owner.run}`",
            )
        return left

    def begin(
        self, kind: str, release: str | None, safe: str | None, before: str, owner: Owner
    ) -> None:
        """Take the lock and note what is about to happen, in the head and then in the history.

        Raises:
            ShipError: somebody else took it first.
        """
        operation = Operation(uuid4().hex, kind, release or "", safe, before, owner, now())
        self.write(replace(self._head, operation=operation))

    def resume(self, owner: Owner) -> None:
        """Take the lock from a run that has ended."""
        if self._head.operation:
            operation = replace(self._head.operation, owner=owner)
            self.write(replace(self._head, operation=operation))

    def record(
        self,
        event: str,
        release: str | None,
        previous: str | None,
        reason: str,
        seconds: float = 0,
        stored: ReleaseRecord | None = None,
    ) -> HistoryEntry:
        """Add an entry to the history."""
        stored = stored or self._head.releases.get(release or "")
        entry = self._store.append(
            HistoryEntry(
                number=self._head.counter,
                event=event,
                release=release,
                previous=previous,
                commit=stored.commit if stored else "",
                function_version=stored.version if stored else "",
                by=self._run.actor,
                run=self._run.url or self._run.identity or "local",
                reason=reason,
                at=now(),
                seconds=round(seconds, 3),
            )
        )
        self._head = replace(self._head, counter=entry.number + 1)
        return entry

    def commit(self, head: EnvironmentState) -> None:
        """Give the lock back with the head as the operation leaves it."""
        self.write(replace(head, counter=self._head.counter, operation=None))

    def write(self, head: EnvironmentState) -> None:
        """Replace the head.

        Raises:
            ShipError: somebody else replaced it since this run read it.
        """
        try:
            self._etag = self._store.replace_state(head, self._etag)
        except ConflictError as raced:
            raise ShipError(
                f"another command works on {self._environment} at this moment",
                f"see `ship status {self._environment}`, then run the command again",
            ) from raced
        self._head = head

    def freeze(self, reason: str) -> Freeze:
        """A freeze by this run, from now on."""
        return Freeze(self._run.actor, now(), reason)
