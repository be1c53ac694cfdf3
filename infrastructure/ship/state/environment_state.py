"""The state of an environment: what is live, what a rollback may reach, and who works on it.

It is one small object, replaced only by a run that has read its latest version. So it is lock,
fence and transaction log in one, and nothing has to agree with anything else.

Shape of state.json: {"schema": 1, "counter", "live", "order": [ids, oldest first],
"releases": {id: {"version", "manifest", "sequence", "commit"}}, "bad": {id: reason},
"pinned": [ids], "frozen": null | {"by", "at", "reason", "until"}, "operation": null | {…},
"commands": [{"release", "command", "until"}]}.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ship.errors import ShipError

_SCHEMA = 1
# How many of the newest releases stay in an environment.
RETAINED = 5
_COMMANDS = 20


@dataclass(frozen=True)
class ReleaseRecord:
    """A release that was live: its function version, its manifest's SHA-256, and its commit."""

    version: str
    manifest: str
    sequence: int
    commit: str


@dataclass(frozen=True)
class Freeze:
    """Who stopped automatic deploys, when and why, and when it ends (ISO 8601; empty: lifted)."""

    by: str
    at: str
    reason: str
    until: str = ""

    def is_over(self, now: str) -> bool:
        """Whether it has ended by itself at this time, which is written as `until` is."""
        return bool(self.until) and self.until <= now

    def __str__(self) -> str:
        end = f" until {self.until}" if self.until else ""
        return f"frozen since {self.at}{end} by {self.by}: {self.reason}"


@dataclass(frozen=True)
class Owner:
    """Who holds the lock; `run` identifies the run and is what `ship unlock --run` has to name."""

    actor: str
    run: str
    url: str = ""


@dataclass(frozen=True)
class Operation:
    """What is under way, and what a repair makes live when its run dies.

    `restore_to` is the release that was live before a deploy, or the target of a rollback.
    `previous_version` is the function version that the alias pointed at when it began.
    """

    id: str
    kind: str
    release: str
    restore_to: str | None
    previous_version: str
    owner: Owner
    at: str


@dataclass(frozen=True)
class CommandRecord:
    """What a release ran alone, as its `before_traffic`, and until when it may run.

    No rollback undoes it.

    `until` is UTC in ISO 8601, empty when the command is known to have ended.
    """

    release: str
    command: str
    until: str


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
    commands: tuple[CommandRecord, ...] = ()
    """The newest, the last one last."""

    @property
    def previous(self) -> str | None:
        """Where a rollback goes: the newest good release that was live before the live one."""
        earlier = self.order[: self.order.index(self.live)] if self.live in self.order else ()
        return next((name for name in self.rollback_candidates if name in earlier), None)

    @property
    def rollback_candidates(self) -> tuple[str, ...]:
        """The releases that a rollback may go to, newest first."""
        good = (name for name in reversed(self.order) if name not in self.bad)
        return tuple(name for name in good if name != self.live and name in self.releases)

    @property
    def retained(self) -> frozenset[str]:
        """The releases that are not pruned: live, the newest others, and pinned.

        The newest are counted twice: all of them, because pages that are still open ask for
        their assets, and the good ones, because a rollback may need them.
        """
        newest, good = self.order[-RETAINED:], self.rollback_candidates[: RETAINED - 1]
        in_use = (self.live, self.operation.restore_to if self.operation else None)
        return frozenset(name for name in (*newest, *good, *self.pinned, *in_use) if name)

    def with_live(self, release: str, record: ReleaseRecord) -> EnvironmentState:
        """The state after a release went live; one that returns keeps its place in the order."""
        order = self.order if release in self.order else (*self.order, release)
        return replace(self, live=release, order=order, releases={**self.releases, release: record})

    def with_bad(self, release: str, reason: str) -> EnvironmentState:
        """The state after a release was found bad."""
        return replace(self, bad={**self.bad, release: reason})

    def without_bad(self, release: str) -> EnvironmentState:
        """The state after a release was found good after all."""
        return replace(self, bad={k: v for k, v in self.bad.items() if k != release})

    def with_command(self, record: CommandRecord) -> EnvironmentState:
        """The state after a release's command began or ended."""
        same = record.release, record.command
        others = tuple(one for one in self.commands if (one.release, one.command) != same)
        return replace(self, commands=(*others, record)[-_COMMANDS:])

    def commands_since(self, release: str) -> tuple[CommandRecord, ...]:
        """The commands that ran after those of a release and of the older ones."""
        older = self.order[: self.order.index(release) + 1] if release in self.order else ()
        places = [n for n, one in enumerate(self.commands, 1) if one.release in older]
        return self.commands[max(places, default=0) :]

    def without_releases(self, removed: frozenset[str]) -> EnvironmentState:
        """The state after releases were pruned; what was bad stays known as bad."""
        return replace(
            self,
            order=tuple(name for name in self.order if name not in removed),
            releases={k: v for k, v in self.releases.items() if k not in removed},
        )

    def encode(self) -> bytes:
        """The state as it is stored."""
        return json.dumps({"schema": _SCHEMA, **asdict(self)}, indent=1).encode() + b"\n"


def decode(data: bytes, where: str) -> EnvironmentState:
    """Read a stored state; one that this version of the tool does not know is a ShipError."""
    try:
        return _decode(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ShipError(
            f"{where} is not a state that this tool knows ({error!r})",
            "restore its last version in the versioned bucket, or use the tool that wrote it",
        ) from error


def _decode(document: dict[str, Any]) -> EnvironmentState:
    if document["schema"] != _SCHEMA:
        raise ValueError(f"schema {document['schema']}")
    releases, operation = document["releases"], document["operation"]
    return EnvironmentState(
        counter=int(document["counter"]),
        live=document["live"],
        order=tuple(document["order"]),
        releases={name: ReleaseRecord(**record) for name, record in releases.items()},
        bad=dict(document["bad"]),
        pinned=tuple(document["pinned"]),
        frozen=Freeze(**document["frozen"]) if document["frozen"] else None,
        operation=operation and Operation(**operation | {"owner": Owner(**operation["owner"])}),
        commands=tuple(CommandRecord(**one) for one in document.get("commands", ())),
    )
