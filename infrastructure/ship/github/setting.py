"""One setting of a repository, and the call that changes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """One setting: its name, its value, the value it must have, and the call that sets it."""

    name: str
    found: object
    wanted: object
    method: str
    path: str
    body: object

    @property
    def differs(self) -> bool:
        """Whether it has to be changed."""
        return self.found != self.wanted


def compare_fields(name: str, path: str, found: dict[str, Any], wanted: dict[str, Any]) -> Setting:
    """A setting of several fields, of which others than the wanted ones do not count."""
    return Setting(name, {key: found.get(key) for key in wanted}, wanted, "PUT", path, wanted)
