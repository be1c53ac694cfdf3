"""How a mend takes the place of something in ministack."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType


def replace(module: ModuleType, name: str, successor: Any) -> None:  # noqa: ANN401
    """Replace a module's function, and the copies that other ministack modules imported."""
    original = getattr(module, name)
    setattr(module, name, successor)
    for other in list(sys.modules.values()):
        copied = other.__name__.startswith("ministack") and vars(other).get(name) is original
        if copied:
            setattr(other, name, successor)
