"""What the application imports, found without importing it: its dependencies are Lambda's."""

import ast
import symtable
from collections.abc import Iterator, Mapping
from pathlib import Path

from ship.errors import ShipError


def check_defined(spec: str, files: Mapping[str, Path], key: str) -> None:
    """Look up among the files of `backend/` what a key of `[tool.ship.application]` names.

    Raises:
        ShipError: there is no such module, or it defines no such name.
    """
    module, _, name = spec.partition(":")
    found = [path for path in _paths(module) if path in files]
    if not found:
        raise ShipError(
            f"there is no module {module!r} in backend/, which [tool.ship.application] names as "
            f"{key} = {spec!r}",
            f"add backend/{next(_paths(module))} (git must not ignore it), or correct it "
            "in pyproject.toml",
        )
    text = files[found[0]].read_text(encoding="utf-8")
    names = symtable.symtable(text, found[0], "exec").get_identifiers()
    # A module may also have a name from `import *` or from a `__getattr__` of its own.
    if name not in names and "__getattr__" not in names and " import *" not in text:
        raise ShipError(
            f"backend/{found[0]} defines no {name!r}, which [tool.ship.application] names as "
            f"{key} = {spec!r}",
            "define it there, or correct it in pyproject.toml",
        )


def left_out(factory: str, files: Mapping[str, Path], backend: Path) -> dict[str, str]:
    """The modules that are in the folder `backend/` but not among its files, and who imports them.

    Only what the factory's module imports, itself or through others, is looked at.
    """
    missing: dict[str, str] = {}
    seen: set[str] = set()
    queue = [(factory.partition(":")[0], "pyproject.toml")]
    while queue:
        module, importer = queue.pop()
        parts = module.split(".")
        for package in (".".join(parts[: n + 1]) for n in range(len(parts))):
            for path in _paths(package):
                if path in files and path not in seen:
                    seen.add(path)
                    queue += [(name, path) for name in _imports(path, files[path])]
                elif path not in files and (backend / path).is_file():
                    missing.setdefault(path, importer)
    return missing


def _paths(module: str) -> Iterator[str]:
    """Where a module may lie."""
    base = module.replace(".", "/")
    yield f"{base}.py"
    yield f"{base}/__init__.py"


def _imports(path: str, file: Path) -> Iterator[str]:
    """The names of all modules that a module may import, absolute."""
    # `from . import x` means the folder of the file, also in an __init__.py.
    package = path.split("/")[:-1]
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parts, *filter(None, [node.module])])
            # Each name may be a module of that package.
            yield from (".".join(filter(None, [base, alias.name])) for alias in node.names)
