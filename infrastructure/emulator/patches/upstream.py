"""Reaching into ministack, whose parts are private and have no types."""

import inspect
import sys
from types import ModuleType
from typing import Any

type Upstream = Any


def replace(module: ModuleType, name: str, successor: Upstream) -> None:
    """Replace a module's function, and the copies that other ministack modules imported."""
    original = getattr(module, name)
    setattr(module, name, successor)
    for other in list(sys.modules.values()):
        copied = other.__name__.startswith("ministack") and vars(other).get(name) is original
        if copied:
            setattr(other, name, successor)


def edit(module: ModuleType, name: str, old: str, new: str, **names: Upstream) -> None:
    """Change one passage of a function that is too long to be replaced.

    Args:
        module: where the function is.
        name: of the function.
        old: a passage that is in it exactly once.
        new: what stands there instead.
        names: what the new passage uses and the module lacks.
    """
    source, made = edit_text(inspect.getsource(getattr(module, name)), old, new), dict[str, Any]()
    vars(module).update(names)
    exec(compile(source, str(module.__file__), "exec"), vars(module), made)  # noqa: S102
    replace(module, name, made[name])


def edit_text(text: str, old: str, new: str) -> str:
    """Replace a passage that must be there exactly once.

    Raises:
        ValueError: it is not, so this is not the version that the patch was written for.
    """
    if text.count(old) != 1:
        raise ValueError(f"ministack has changed: {text.count(old)} times {old!r}")
    return text.replace(old, new)
