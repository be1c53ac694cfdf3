"""The head of an environment: what is live, what may follow, and who works on it right now.

It is one small object, replaced only by whoever read its latest state. That makes it the lock,
the fence and the journal in one: there is nothing to agree with each other.

Shape of state.json: {"schema": 1, "counter", "live", "order": [ids, oldest first],
"releases": {id: {"version", "manifest", "sequence", "commit"}}, "bad": {id: reason},
"pinned": [ids], "frozen": null | {"by", "at", "reason"}, "operation": null | {…}}.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ship.errors import ShipError

_SCHEMA = 1
KEPT = 5


@dataclass(frozen=True)
class ReleaseRecord:
    """A release that was live: its function version, its manifest's SHA-256, its place in time."""

    version: str
    manifest: str
    sequence: int
    commit: str


@dataclass(frozen=True)
class Freeze:
    """Why nothing is deployed on its own for now."""

    by: str
    at: str
    reason: str


@dataclass(frozen=True)
class Owner:
    """Who holds the lock: `run` tells runs apart and is what a takeover has to name."""

    actor: str
    run: str
    url: str = ""


@dataclass(frozen=True)
class Operation:
    """What is under way, and where to go back to when it dies.

    `safe` is the release that a repair makes live: the one before for a deploy, the target for a
    rollback. `before` is the function version that the alias named when it began.
    """

    id: str
    kind: str
    release: str
    restore_to: str | None
    previous_version: str
    owner: Owner
    at: str


@dataclass(frozen=True)
class EnvironmentState:
    """The state of one environment."""

    counter: int = 0
    live: str | None = None
    order: tuple[str, ...] = ()
    releases: dict[str, ReleaseRecord] = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)
    pinned: tuple[str, ...] = ()
    frozen: Freeze | None = None
    operation: Operation | None = None

    @property
    def previous(self) -> str | None:
        """Where a rollback goes: the newest good release that was live before the live one."""
        rollback_candidates = self.rollback_candidates
        earlier = self.order[: self.order.index(self.live)] if self.live in self.order else ()
        return next((name for name in reversed(earlier) if name in rollback_candidates), None)

    @property
    def rollback_candidates(self) -> tuple[str, ...]:
        """The releases that a rollback may go to, newest first."""
        good = (name for name in reversed(self.order) if name not in self.bad)
        return tuple(name for name in good if name != self.live and name in self.releases)

    @property
    def retained(self) -> frozenset[str]:
        """The releases that a clean-up leaves alone: live, the newest others, and pinned.

        The newest are counted twice: all of them, because pages that are still open ask for
        their assets, and the good ones, because a rollback may need them.
        """
        newest, good = self.order[-KEPT:], self.rollback_candidates[: KEPT - 1]
        working = (self.live, self.operation.restore_to if self.operation else None)
        return frozenset(name for name in (*newest, *good, *self.pinned, *working) if name)

    def with_live(self, release: str, stored: ReleaseRecord) -> EnvironmentState:
        """The head after a release went live; one that returns keeps its place in the order."""
        order = self.order if release in self.order else (*self.order, release)
        return replace(self, live=release, order=order, releases={**self.releases, release: stored})

    def with_bad(self, release: str, reason: str) -> EnvironmentState:
        """The head after a release was found bad."""
        return replace(self, bad={**self.bad, release: reason})

    def without_bad(self, release: str) -> EnvironmentState:
        """The head after a release was found good after all."""
        return replace(self, bad={k: v for k, v in self.bad.items() if k != release})

    def forgetting(self, releases: frozenset[str]) -> EnvironmentState:
        """The head after releases were removed; what was bad stays known as bad."""
        return replace(
            self,
            order=tuple(name for name in self.order if name not in releases),
            releases={k: v for k, v in self.releases.items() if k not in releases},
        )

    def encode(self) -> bytes:
        """The head as it is stored."""
        return json.dumps({"schema": _SCHEMA, **asdict(self)}, indent=1).encode() + b"\n"


def decode(data: bytes, where: str) -> EnvironmentState:
    """Read a stored head.

    Raises:
        ShipError: it is none that this version of the tool knows.
    """
    try:
        return _head(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ShipError(
            f"{where} is not a head that this tool knows ({error!r})",
            "restore its last version in the versioned bucket, or use the tool that wrote it",
        ) from error


def _head(document: dict[str, Any]) -> EnvironmentState:
    if document["schema"] != _SCHEMA:
        raise ValueError(f"schema {document['schema']}")
    operation = document["operation"]
    return EnvironmentState(
        counter=int(document["counter"]),
        live=document["live"],
        order=tuple(document["order"]),
        releases={name: ReleaseRecord(**value) for name, value in document["releases"].items()},
        bad=dict(document["bad"]),
        pinned=tuple(document["pinned"]),
        frozen=Freeze(**document["frozen"]) if document["frozen"] else None,
        operation=Operation(**{**operation, "owner": Owner(**operation["owner"])})
        if operation
        else None,
    )
