"""The corpus of odd events, `odd.json`: whole ones, and good ones with something changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from tests.events.factory import load


class Odd(NamedTuple):
    """One odd event, and the status of its answer."""

    name: str
    event: Any
    status: int


def corpus() -> list[Odd]:
    """Read the corpus; every event is a fresh one."""
    entries = json.loads(Path(__file__).with_name("odd.json").read_text("utf-8"))
    return [Odd(entry["name"], _event(entry), entry["status"]) for entry in entries]


def mutations(event: Any, *, depth: int = 3) -> list[Any]:
    """Return the event with each of its members, in turn, missing or of another kind."""
    others: tuple[Any, ...] = (None, "", "x", 0, -1, 1.5, True, [], ["x"], [None], {}, {"x": None})
    found: list[Any] = []
    for name, value in event.items():
        found.append({other: event[other] for other in event if other != name})
        found += [event | {name: other} for other in others]
        if isinstance(value, dict) and depth:
            found += [event | {name: inner} for inner in mutations(value, depth=depth - 1)]
    return found


def _event(entry: dict[str, Any]) -> Any:
    if "event" in entry:
        return entry["event"]
    event = load(entry["base"])
    for path, value in entry.get("set", {}).items():
        holder, name = _holder(event, path)
        holder[name] = value
    for path in entry.get("remove", []):
        holder, name = _holder(event, path)
        holder.pop(name, None)
    return event


def _holder(event: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    *parents, name = path.split(".")
    for parent in parents:
        event = event[parent]
    return event, name
