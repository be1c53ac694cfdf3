"""Changes to an environment's state and history.

An operation begins by writing into the state what it is about to do: that takes the lock. It ends
by committing the state that it leads to, which releases the lock. A run that reads the state in
between finds out what is under way, and what to restore if the owner has died.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from ship.errors import ShipError
from ship.state import lock
from ship.state.environment_state import Freeze, Operation
from ship.state.store import ConflictError, HistoryEntry

if TYPE_CHECKING:
    from ship.config import Run
    from ship.state.environment_state import EnvironmentState, Owner, ReleaseRecord
    from ship.state.store import Store


def now() -> str:
    """The time as the history has it: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class Transaction:
    """One environment's state and history, as this run reads and writes them.

    `state` is the state as this run read or wrote it last.
    """

    def __init__(self, store: Store, run: Run, environment: str) -> None:
        self._store = store
        self._run = run
        self._environment = environment
        self.state, self._etag = store.read_state()

    def check_unlocked(self) -> Operation | None:
        """The operation that a run which has ended left unfinished, if any.

        Raises:
            ShipError: a run is at work, or it cannot be known whether it still is.
        """
        unfinished = self.state.operation
        if unfinished and not lock.is_finished(unfinished.owner, self._run):
            owner = unfinished.owner
            raise ShipError(
                f"{self._environment} is locked by {unfinished.kind} of {unfinished.release} "
                f"({owner.actor}, {owner.url or owner.run}, since {unfinished.at})",
                "wait for it; if that run has ended on another machine: "
                f"`ship unlock {self._environment} --run {owner.run}`",
            )
        return unfinished

    def begin(
        self,
        kind: str,
        release: str | None,
        owner: Owner,
        restore_to: str | None,
        previous_version: str,
    ) -> None:
        """Take the lock, and write down what is about to happen."""
        operation = Operation(
            uuid4().hex, kind, release or "", restore_to, previous_version, owner, now()
        )
        self.write(replace(self.state, operation=operation))

    def resume(self, owner: Owner) -> None:
        """Take the lock over from a run that has ended."""
        if self.state.operation:
            operation = replace(self.state.operation, owner=owner)
            self.write(replace(self.state, operation=operation))

    def record(
        self,
        event: str,
        release: str | None,
        previous: str | None,
        reason: str,
        seconds: float = 0,
        record: ReleaseRecord | None = None,
        configuration: str = "",
    ) -> HistoryEntry:
        """Add an entry to the history."""
        record = record or self.state.releases.get(release or "")
        entry = self._store.append_history(
            HistoryEntry(
                number=self.state.counter,
                event=event,
                release=release,
                previous=previous,
                commit=record.commit if record else "",
                function_version=record.version if record else "",
                by=self._run.actor,
                run=self._run.url or self._run.identity or "local",
                reason=reason,
                at=now(),
                seconds=round(seconds, 3),
                configuration=configuration,
            )
        )
        self.state = replace(self.state, counter=entry.number + 1)
        return entry

    def commit(self, state: EnvironmentState) -> None:
        """Release the lock, with the state that the operation leads to."""
        self.write(replace(state, counter=self.state.counter, operation=None))

    def write(self, state: EnvironmentState) -> None:
        """Replace the state.

        Raises:
            ShipError: another run replaced it since this one read it.
        """
        try:
            self._etag = self._store.replace_state(state, self._etag)
        except ConflictError as error:
            raise ShipError(
                f"another command works on {self._environment} at this moment",
                f"see `ship status {self._environment}`, then run the command again",
            ) from error
        self.state = state

    def freeze(self, reason: str, until: str = "") -> Freeze:
        """A freeze by this run, from now on."""
        return Freeze(self._run.actor, now(), reason, until)
