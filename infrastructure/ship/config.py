"""What the project file and the environment variables say, read once into typed objects.

No other module of `ship` reads an environment variable.
"""

from __future__ import annotations

import getpass
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ship.errors import ShipError, UsageError

_PREVIEW = re.compile(r"pr-[1-9][0-9]{0,8}")
_PREVIEWS = "preview"
_EMULATOR_ACCOUNT = "000000000000"
_GITHUB_API = "https://api.github.com"


@dataclass(frozen=True)
class Shift:
    """How traffic moves to a new version: shares in percent, each watched for some seconds."""

    shares: tuple[int, ...]
    bake_seconds: float


@dataclass(frozen=True)
class Project:
    """What `[tool.ship]` in pyproject.toml says."""

    root: Path
    name: str
    region: str
    repository: str
    subject_prefix: str
    shifts: dict[str, Shift]
    preview_days: float = 7

    @property
    def environments(self) -> tuple[str, ...]:
        """The lasting environments, in the order of promotion."""
        return tuple(self.shifts)

    @property
    def home(self) -> Path:
        """The folder for all that can be made again: tools, caches, the emulator's state."""
        return self.root / ".ship"

    def shift(self, environment: str) -> Shift:
        """How traffic moves in this environment; a preview shifts all at once."""
        return self.shifts.get(environment, Shift((), 0.0))

    def role(self, environment: str) -> str:
        """The GitHub Environment, and the end of its role's name: previews share theirs."""
        return _PREVIEWS if is_preview(environment) else environment

    def check_environment(self, name: str) -> str:
        """Return the name when it is an environment of this project.

        Raises:
            UsageError: it is not.
        """
        if name in self.shifts or is_preview(name):
            return name
        known = ", ".join(self.environments)
        raise UsageError(
            f"there is no environment {name!r}", f"name one of {known}, or a preview like pr-12"
        )


@dataclass(frozen=True)
class Run:
    """Who runs this command: a person at a terminal or a run of a workflow."""

    actor: str
    identity: str
    url: str
    on_github: bool
    event: str
    repository: str
    token: str
    api: str = _GITHUB_API
    event_file: str = ""

    @property
    def automatic(self) -> bool:
        """Whether no person asked for this very run (a push or a schedule did)."""
        return self.on_github and self.event != "workflow_dispatch"


@dataclass(frozen=True)
class Settings:
    """What the environment variables say."""

    run: Run
    endpoint: str | None
    use_aws: bool
    port: int | None
    plain: bool
    start: Path
    inherited: dict[str, str]

    @property
    def emulator_account(self) -> str:
        """The account id that the emulator answers with."""
        return _EMULATOR_ACCOUNT


def is_preview(environment: str) -> bool:
    """Whether an environment is a preview of a pull request, and no lasting one."""
    return _PREVIEW.fullmatch(environment) is not None


def settings(*, aws: bool = False) -> Settings:
    """Read the environment variables; `aws` says that the command is meant for AWS anyhow.

    Raises:
        UsageError: a variable has a value that it cannot have.
    """
    env = os.environ
    on_github = env.get("GITHUB_ACTIONS") == "true"
    use_aws = aws or _target(env.get("SHIP_TARGET", "aws" if on_github else "emulator"))
    if not use_aws:
        _stay_local()
    return Settings(
        run=_run(on_github),
        endpoint=env.get("AWS_ENDPOINT_URL") or None,
        use_aws=use_aws,
        port=_port(env["SHIP_PORT"]) if env.get("SHIP_PORT") else None,
        plain=on_github or bool(env.get("CI")),
        start=Path.cwd(),
        inherited=dict(env),
    )


def project(start: Path) -> Project:
    """Read the project file at or above a folder; else the one this tool is installed from.

    Raises:
        ShipError: there is none, or it does not say what it must.
    """
    for folder in (start, *start.parents, Path(__file__).resolve().parents[2]):
        section = _section(folder / "pyproject.toml")
        if section is not None:
            return _project(folder, section)
    raise ShipError(
        "no pyproject.toml with a [tool.ship] section here or above",
        "run `ship` inside the project's checkout",
    )


def _section(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ShipError(f"{path} is not valid TOML: {error}", "correct it") from error
    section: dict[str, Any] | None = data.get("tool", {}).get("ship")
    return section


def _project(root: Path, section: dict[str, Any]) -> Project:
    try:
        repository = section["repository"]
        return Project(
            root=root,
            name=section["project"],
            region=section["region"],
            repository=repository,
            subject_prefix=section.get("subject_prefix", f"repo:{repository}"),
            shifts={name: _shift(value) for name, value in section["environments"].items()},
            preview_days=_days(section.get("previews", {}).get("days", Project.preview_days)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ShipError(
            f"[tool.ship] in pyproject.toml is wrong at {error}",
            "give it project, region, repository and environments.<name>.shift and .bake_seconds",
        ) from error


def _shift(value: dict[str, Any]) -> Shift:
    shares = tuple(int(share) for share in value["shift"])
    if list(shares) != sorted(set(shares)) or any(not 0 < share < 100 for share in shares):
        raise ValueError(f"shift = {list(shares)} (shares rise, each between 1 and 99)")
    return Shift(shares, float(value["bake_seconds"]))


def _days(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"previews.days = {value!r} (a number above 0)")
    return float(value)


def _run(on_github: bool) -> Run:
    env = os.environ
    repository = env.get("GITHUB_REPOSITORY", "")
    number = env.get("GITHUB_RUN_ID", "")
    server = env.get("GITHUB_SERVER_URL", "https://github.com")
    return Run(
        actor=env.get("GITHUB_ACTOR", "") if on_github else _user(),
        identity=f"github:{repository}:{number}:{env.get('GITHUB_RUN_ATTEMPT', '1')}"
        if on_github
        else "",
        url=f"{server}/{repository}/actions/runs/{number}" if on_github else "",
        on_github=on_github,
        event=env.get("GITHUB_EVENT_NAME", ""),
        repository=repository,
        token=env.get("GITHUB_TOKEN", ""),
        api=env.get("GITHUB_API_URL", _GITHUB_API),
        event_file=env.get("GITHUB_EVENT_PATH", ""),
    )


def _stay_local() -> None:
    """Keep a person's AWS profile and proxy away from the emulator, here and in children."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE"):
        os.environ.pop(name, None)
    there = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    both = ",".join(filter(None, (there, "127.0.0.1,localhost")))
    os.environ.update(NO_PROXY=both, no_proxy=both)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _target(value: str) -> bool:
    if value not in ("aws", "emulator"):
        raise UsageError(f"SHIP_TARGET is {value!r}", "set it to `aws` or `emulator`, or unset it")
    return value == "aws"


def _port(value: str) -> int:
    if not value.isdecimal() or not 1024 <= int(value) <= 65000:
        raise UsageError(f"SHIP_PORT is {value!r}", "set it to a free port from 1024 to 65000")
    return int(value)
