"""What `[tool.ship]` in pyproject.toml says of a project, written without losing its comments."""

import re
import subprocess
from pathlib import Path
from typing import Any

import tomlkit

from ship import config
from ship.errors import ShipError

TEMPLATE_PROJECT = "serverless-flask"
TEMPLATE_REPOSITORY = "your-org/serverless-flask"
_PLACEHOLDER = "@your-org/"
_FILE = "pyproject.toml"
_TABLES = re.compile(r"(?m)^\[tool\.ship\][ \t]*$")
_LAST: dict[str, Any] = {"shift": [10, 50], "bake_seconds": 30, "alarm_seconds": 180}
_OTHER: dict[str, Any] = {"shift": [], "bake_seconds": 0}


def find_repository(root: Path) -> str:
    """The repository on GitHub that the checkout comes from, as `owner/name`; empty for none."""
    command = ["git", "remote", "get-url", "origin"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    pattern = r"github\.com(?::\d+)?[:/]+([A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?$"
    found = re.search(pattern, done.stdout.strip())
    return found[1] if found else ""


def project_name(text: str) -> str:
    """A project's name from that of a repository or a folder; empty where none can be made."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    name = re.sub(r"^[0-9-]+", "", name)[:24].strip("-")
    return name if len(name) >= 3 and not name.startswith(config.RESERVED_NAMES) else ""


def write(root: Path, values: dict[str, Any], environments: tuple[str, ...]) -> bool:
    """Set values, by their path below `[tool.ship]`, and the environments; whether one changed.

    Raises:
        ShipError: the file has no line `[tool.ship]`, or a value is not allowed. Then it stays.
    """
    path = root / _FILE
    text = path.read_text(encoding="utf-8")
    start = _TABLES.search(text)
    if start is None:
        raise ShipError(f"{_FILE} has no line [tool.ship]", "begin your part of the file with it")
    # Only the owner's part: what is above is not looked at, and stays byte for byte.
    document = tomlkit.parse(text[start.start() :])
    ship: Any = document["tool"]["ship"]
    for name, value in values.items():
        *tables, key = name.split(".")
        table = ship
        for one in tables:
            table = table.setdefault(one, tomlkit.table())
        if table.get(key) != value:
            table[key] = value
    _set_environments(ship["environments"], environments)
    changed = text[: start.start()] + tomlkit.dumps(document)
    path.write_text(changed, encoding="utf-8")
    try:
        config.project(root)
    except ShipError:
        path.write_text(text, encoding="utf-8")
        raise
    return changed != text


def _set_environments(known: Any, wanted: tuple[str, ...]) -> None:
    for name in [name for name in known if name not in wanted]:
        del known[name]
    if tuple(known) != wanted[: len(known)]:
        # Tables keep their places in the file: another order needs all of them written again.
        kept = {name: known.pop(name) for name in tuple(known)}
    else:
        kept = {}
    for name in wanted[len(known) :]:
        known[name] = kept.get(name) or (_LAST if name == wanted[-1] else _OTHER)


def write_owner(root: Path, owner: str | None, repository: str) -> bool:
    """Name in CODEOWNERS who answers for the platform; whether the file changed.

    Args:
        root: the checkout.
        owner: a user, or a team as `organisation/team`; none puts the repository's owner where the
            template's placeholder stands.
        repository: `owner/name`.

    Raises:
        ShipError: an owner is given, and the file has no line that says who owns everything.
    """
    path = root / "CODEOWNERS"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = re.search(r"(?m)^\*[ \t]+(@\S+)", text)
    if found is None and owner:
        raise ShipError("CODEOWNERS has no line `* @OWNER`", "write one, then run this again")
    is_known = repository != TEMPLATE_REPOSITORY
    if found is None or not (owner or (is_known and found[1].startswith(_PLACEHOLDER))):
        return False
    new = owner or repository.partition("/")[0]
    changed = re.sub(rf"{re.escape(found[1])}(?!\S)", f"@{new.removeprefix('@')}", text)
    path.write_text(changed, encoding="utf-8")
    return changed != text


def relax_checks(root: Path, modules: list[str]) -> None:
    """Have `make check` take the application's code as it is: how strict to be is the owner's."""
    path = root / _FILE
    platform, line, own = path.read_text(encoding="utf-8").partition("[tool.ship]\n")
    own = own.replace("disallow_untyped_defs = true", "ignore_errors = true")
    document: Any = tomlkit.parse(line + own)
    for override in document["tool"].get("mypy", {}).get("overrides", []):
        if "tests.backend.*" in override["module"]:
            names = [f"{name}{end}" for name in modules for end in ("", ".*")]
            override["module"] = [*names, "tests.backend.*", "tests.web.*"]
    ruff = document["tool"].get("ruff", {})
    for pattern in ruff.get("lint", {}).get("extend-per-file-ignores", {}):
        ruff["lint"]["extend-per-file-ignores"][pattern] = ["ALL"]
        ruff["format"] = {"exclude": [pattern]}
    path.write_text(platform + tomlkit.dumps(document), encoding="utf-8")
