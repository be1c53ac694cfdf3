"""An application that exists: its files, its factory, and what it answers."""

import ast
import filecmp
import inspect
import json
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from emulator.patches.lambda_worker import refuse_writes
from ship.errors import ShipError

# Of a project around an application: not for Lambda, or the platform has its own.
_LEFT_OUT = re.compile(
    r"(tests?|docs?|\.git|\.github|\.venv|venv|node_modules|__pycache__|\.\w+_cache)/"
    r"|(.*/)?__pycache__/"
    r"|(requirements.*\.(txt|in)|pyproject\.toml|Pipfile(\.lock)?|(poetry|uv)\.lock|setup\.(py|cfg)"
    r"|tox\.ini|MANIFEST\.in|Makefile|Procfile|Dockerfile|\.dockerignore|\.gitignore|\.env.*"
    r"|\.flaskenv|README.*|LICENSE.*|CHANGE.*)$"
)
_FACTORIES = ("create_app", "make_app", "build_app", "app_factory")
_OBJECTS = ("app", "application")
# It is asked for its routes where it is a Flask application; others keep theirs to themselves.
_LOAD = """
import json, sys
temporary, factory, *folders = sys.argv[1:]
refuse_writes(folders[0])
sys.path[:0] = folders
from lambda_adapter.application import load_application, use_temporary_instance_folder
from lambda_adapter.cold_start import import_flask
from lambda_adapter.errors import ApplicationError
import_flask()
use_temporary_instance_folder(temporary)
try:
    application = load_application(factory)
except ApplicationError as error:
    sys.exit(str(error))
found = getattr(application, "url_map", None)
rules = [] if found is None else [
    (rule.rule, "GET" in (rule.methods or ()) and not rule.arguments)
    for rule in found.iter_rules() if rule.endpoint != "static"
]
print()
print(json.dumps(rules))
"""


@dataclass(frozen=True)
class Route:
    """A route of the application; `is_plain` says that a GET needs nothing but its path."""

    path: str
    is_plain: bool


def list_files(folder: Path) -> dict[str, Path]:
    """The files of an application in a folder, by the path that they get below `backend/`.

    A folder that is a package stays one; `src/` is an import root, as is any other folder.
    """
    prefix = f"{folder.name}/" if (folder / "__init__.py").is_file() else ""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    if done.returncode:
        names = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    else:
        names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    found = {name: folder / name for name in sorted(names) if not _LEFT_OUT.match(name)}
    root = "src/" if any(name.startswith("src/") for name in found) and not prefix else ""
    return {
        prefix + name.removeprefix(root): path for name, path in found.items() if path.is_file()
    }


def copy(files: dict[str, Path], target: Path) -> list[str]:
    """Copy files into a folder that has none of another content; the paths that are new.

    Raises:
        ShipError: one of them is there already and differs. Then nothing is copied.
    """
    differing = [
        name
        for name, path in files.items()
        if (target / name).exists() and not filecmp.cmp(path, target / name, shallow=False)
    ]
    if differing:
        raise ShipError(
            f"{target.name}/ has another {differing[0]}"
            + (f", and {len(differing) - 1} more files that differ" if differing[1:] else ""),
            f"copy what you want by hand, or empty {target.name}/ first",
        )
    fresh = [name for name in files if not (target / name).exists()]
    for name in fresh:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files[name], target / name)
    return fresh


def find_factories(backend: Path, without: Collection[str] = ()) -> list[str]:
    """The factories and applications in a folder that are the likeliest, `module:name` each.

    More than one when nothing tells which of them is meant. `without` are packages to pass over.
    """
    ranked: dict[tuple[int, int], list[str]] = {}
    for path in sorted(backend.rglob("*.py")):
        parts = path.relative_to(backend).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if parts[0] in without or not module or {"tests", "migrations"} & {*parts}:
            continue
        try:
            body = ast.parse(path.read_bytes()).body
        except SyntaxError:
            continue
        for name, rank in _candidates(body):
            ranked.setdefault((rank, module.count(".")), []).append(f"{module}:{name}")
    return ranked[min(ranked)] if ranked else []


def _candidates(body: list[ast.stmt]) -> Iterator[tuple[str, int]]:
    """The names at the top of a module that may be the application, the likeliest with 0."""
    for node in body:
        if isinstance(node, ast.FunctionDef):
            given = node.args
            required = len(given.posonlyargs + given.args) - len(given.defaults)
            required += sum(default is None for default in given.kw_defaults)
            makes = any(_makes_application(one) for one in ast.walk(node))
            if not required and (node.name in _FACTORIES or makes):
                yield node.name, 0 if node.name in _FACTORIES else 2
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if _makes_application(node.value):
                for target in targets:
                    if isinstance(target, ast.Name):
                        yield target.id, 1 if target.id in _OBJECTS else 3


def _makes_application(node: ast.AST) -> bool:
    """Whether an expression is a call such as `Flask(…)`, `flask.Flask(…)` or `create_app(…)`."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = getattr(called, "id", "") or getattr(called, "attr", "")
    return name.endswith("Flask") or name in _FACTORIES


def load(root: Path, python: Path, factory: str, variables: dict[str, str]) -> list[Route]:
    """Load the application as the adapter does in Lambda, with the locked packages; its routes.

    As there, it cannot write beside its code. `variables` are the environment variables that it
    finds.

    Raises:
        ShipError: it cannot be loaded.
    """
    folders = (str(root / "backend"), str(root / "infrastructure"))
    script = inspect.getsource(refuse_writes) + _LOAD
    with TemporaryDirectory() as temporary:
        done = subprocess.run(
            [str(python), "-c", script, temporary, factory, *folders],
            cwd=root / "backend",
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise ShipError(
            f"the application cannot be loaded as Lambda will: {done.stderr.strip()}",
            "correct that, then run `ship init` again. A variable that it reads goes into "
            "app_variables of infrastructure/stack/app.tf; a secret is set for each environment "
            "with `ship settings`, and for this command as `NAME=value ship init`",
        )
    return [Route(*found) for found in json.loads(done.stdout.splitlines()[-1])]


def application_paths(routes: list[Route], backend: Path) -> list[str]:
    """What CloudFront has to send to an application: everything, or what lies below /api."""
    has_pages = any(path.name in ("templates", "static") for path in backend.rglob("*"))
    below_api = all(route.path == "/api" or route.path.startswith("/api/") for route in routes)
    return ["/api/*"] if routes and below_api and not has_pages else ["/*"]
