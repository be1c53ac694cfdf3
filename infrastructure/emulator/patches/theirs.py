"""Getting at ministack's own parts, which are private and have no types."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

type Theirs = Any


def replace(module: ModuleType, name: str, successor: Theirs) -> None:
    """Replace a module's function, and the copies that other ministack modules imported."""
    original = getattr(module, name)
    setattr(module, name, successor)
    for other in list(sys.modules.values()):
        copied = other.__name__.startswith("ministack") and vars(other).get(name) is original
        if copied:
            setattr(other, name, successor)
