"""Reading the project file: which keys a table may have, and what their values may be."""

from __future__ import annotations

import difflib
import re
from typing import Any

from ship.errors import ShipError


class Table:
    """One table: every key is known, every value is checked when it is read."""

    def __init__(self, name: str, values: Any, keys: str = "") -> None:
        self.name = name
        if not isinstance(values, dict):
            raise ShipError(f"{name} in pyproject.toml is not a table", f"write [{name}]")
        self.values: dict[str, Any] = values
        known = keys.split() or list(values)
        for key in values.keys() - known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0)[0]
            raise ShipError(
                f"[{name}] in pyproject.toml has the unknown key {key!r}",
                f"did you mean {nearest!r}? Known are {', '.join(known)}",
            )

    def table(self, key: str, keys: str = "") -> Table:
        """The table below a key; one that is left out is empty."""
        return Table(f"{self.name}.{key}", self.values.get(key, {}), keys)

    def text(self, key: str, pattern: str, example: str, default: str | None = None) -> str:
        """A text that matches a pattern."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise self.error(key, f'write for example {key} = "{example}"')
        return value

    def texts(
        self,
        key: str,
        pattern: str,
        example: str,
        default: tuple[str, ...],
        *,
        most: int | None = None,
    ) -> tuple[str, ...]:
        """A list of texts that match a pattern, each once, and at most so many."""
        values = self.values.get(key, default)
        if not isinstance(values, list | tuple) or not all(
            isinstance(value, str) and re.fullmatch(pattern, value) for value in values
        ):
            raise self.error(key, f"write for example {key} = {example}")
        found = tuple(dict.fromkeys(values))
        if most is not None and len(found) > most:
            raise self.error(key, f"write at most {most}: `*` in one stands for many")
        return found

    def number(self, key: str, lowest: float, highest: float, default: float) -> float:
        """Return a number within limits."""
        value = self.values.get(key, default)
        # TOML has nan and inf; a bool is an int in Python.
        if type(value) not in (int, float) or not lowest <= value <= highest:
            raise self.error(key, f"write a number from {lowest:g} to {highest:g}")
        return float(value)

    def whole(self, key: str, lowest: int, highest: int, default: int) -> int:
        """Return a whole number within limits."""
        found = self.number(key, lowest, highest, default)
        if not found.is_integer():
            raise self.error(key, f"write a whole number from {lowest} to {highest}")
        return int(found)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, "write true or false")
        return value

    def error(self, key: str, hint: str) -> ShipError:
        """What is wrong with the value of a key."""
        found = f"{key} = {self.values[key]!r}" if key in self.values else f"no {key}"
        return ShipError(f"[{self.name}] in pyproject.toml has {found}", hint)
