"""The packages that go into the zip: `backend/requirements.txt`, for the function's own machine."""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ship.build import tree, zip_file
from ship.errors import ShipError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ship.config import Runtime
    from toolchain import Tools

LOCK = "backend/requirements.txt"
_WANTED = "backend/requirements.in"
# What uv and `platform.machine()` call the processors that Lambda has.
_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# The runtimes from python3.12 on are Amazon Linux 2023, with glibc 2.34.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
_LIBC = "manylinux_2_34"
# What an installer notes about this installation differs from machine to machine.
_RECORDS = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}


@dataclass(frozen=True)
class _Entry:
    """One package of a lock file: its requirement, with its hashes where it has any."""

    text: str
    name: str
    """Normalised; empty for a folder, which a lock names by its path alone."""
    version: str
    """Empty for what comes from an address or a folder."""
    path: str
    """Of a folder, relative to the lock file."""


def install(root: Path, tools: Tools, runtime: Runtime, caches: Path) -> Path:
    """The zip of the locked packages with their bytecode; made once per lock file.

    Packages with a wheel are taken as they are. Others, from an archive of sources, git or a folder
    of this repository, are built, and taken when they are pure Python.

    Raises:
        ShipError: the lock is missing or behind requirements.in, or a package cannot be had.
    """
    lock = root / LOCK
    if not lock.is_file():
        raise ShipError(f"{LOCK} is missing", "make it with `make lock`")
    entries = _read_lock(lock)
    _check_current(root / _WANTED, entries, runtime)
    machine = f"{_MACHINES[runtime.architecture]}-{_LIBC}"
    # Everything that the result depends on, and nothing of this machine.
    key = hashlib.sha256(f"{machine} {runtime.python} {zip_file.COMPILE}".encode())
    key.update(lock.read_bytes())
    folders = {entry.path: _sources(root, entry.path) for entry in entries if entry.path}
    for files in folders.values():
        for name, file in files.items():
            key.update(f"{name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    path = caches / f"dependencies-{key.hexdigest()[:16]}.zip"
    if not path.is_file():
        with TemporaryDirectory(dir=caches) as work:
            staged, wanted = Path(work) / "staged", Path(work) / "requirements.txt"
            # Of a copy: a build leaves files of its own in the folder.
            copies = {one: Path(work) / f"source-{n}" for n, one in enumerate(folders)}
            for one, copy in copies.items():
                for name, file in folders[one].items():
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, copy / name)
            wanted.write_text("".join(f"{copies.get(one.path, one.text)}\n" for one in entries))
            options = ["--python-version", runtime.python, "--python-platform", machine]
            _install(tools, wanted, staged, options)
            zip_file.compile_sources(tools.python, staged)
            fresh = Path(work) / "fresh.zip"
            zip_file.append(fresh, staged)
            # At once, so that a build beside this one sees all of it or nothing.
            fresh.replace(path)
    return path


def compiled_packages(path: Path) -> frozenset[str]:
    """The packages in a zip that are compiled for one kind of machine, as `name-version`."""
    found = set()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".dist-info/WHEEL") and not _is_pure(archive.read(name).decode()):
                found.add(PurePosixPath(name).parent.name.removesuffix(".dist-info"))
    return frozenset(found)


def install_for_this_machine(
    root: Path, tools: Tools, runtime: Runtime, path: Path, into: Path
) -> frozenset[str]:
    """Install what is compiled in a zip for this machine too, in a folder below another one.

    On the emulator functions run here, whatever machine their zip is for. The versions and hashes
    are the lock's. The emulator puts the folder that has exactly these packages over a zip's files.

    Returns:
        Their names and versions: none where the zip's own can be imported here.

    Raises:
        ShipError: a package has no wheel for this machine.
    """
    names = compiled_packages(path)
    here = sys.platform == "linux" and platform.machine() == _MACHINES[runtime.architecture]
    if not names or here:
        return frozenset()
    target = into / hashlib.sha256(" ".join(sorted(names)).encode()).hexdigest()[:16]
    if not target.is_dir():
        into.mkdir(parents=True, exist_ok=True)
        wanted = {canonicalize_name(name.rpartition("-")[0]) for name in names}
        with TemporaryDirectory(dir=into.parent) as work:
            requirements, staged = Path(work) / "requirements.txt", Path(work) / "staged"
            entries = [one.text for one in _read_lock(root / LOCK) if one.name in wanted]
            requirements.write_text("\n".join(entries) + "\n")
            _run_uv(tools, requirements, staged, ["--only-binary", ":all:", "--require-hashes"])
            zip_file.compile_sources(tools.python, staged)
            if not target.is_dir():
                staged.rename(target)
    return names


def _read_lock(lock: Path) -> list[_Entry]:
    """The entries of a lock file as uv writes it.

    Raises:
        ShipError: an entry is without a hash that says what it is.
    """
    text = re.sub(r"\\\n\s*", "", lock.read_text(encoding="utf-8"))
    found = []
    for line in (line.strip() for line in text.splitlines()):
        if not line or line.startswith(("#", "-")):
            continue
        try:
            requirement = Requirement(re.split(r"\s+(?:--hash|#)", line)[0])
        except InvalidRequirement:
            found.append(_Entry(line, "", "", line.split(" ;")[0].removeprefix("file://")))
            continue
        version = next((one.version for one in requirement.specifier if one.operator == "=="), "")
        name, url = canonicalize_name(requirement.name), requirement.url or ""
        if (not url and (not version or "--hash=" not in line)) or (
            url.startswith("git+") and not re.search(r"@[0-9a-f]{40}(#|$)", url)
        ):
            raise ShipError(
                f"{requirement.name} in {LOCK} has no hash, so a build could differ from the next",
                f"name it in {_WANTED}, and write the lock with `make lock`",
            )
        path = url.removeprefix("file://") if url.startswith("file:") else ""
        found.append(_Entry(line, name, version, path))
    return found


def _check_current(wanted: Path, entries: list[_Entry], runtime: Runtime) -> None:
    """Refuse a lock that lacks what requirements.in names, or has it in another version."""
    locked = {entry.name: entry for entry in entries}
    environment = {
        "python_version": runtime.python,
        "python_full_version": f"{runtime.python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": _MACHINES[runtime.architecture],
        "os_name": "posix",
    }
    for requirement in _read_wanted(wanted):
        if requirement.marker and not requirement.marker.evaluate(environment):
            continue
        entry = locked.get(canonicalize_name(requirement.name))
        if entry and (
            not entry.version or requirement.specifier.contains(entry.version, prereleases=True)
        ):
            continue
        has = f"has {entry.name}=={entry.version}" if entry else "has it not"
        raise ShipError(
            f"{_WANTED} asks for {requirement}, and {LOCK} {has}", "lock it with `make lock`"
        )


def _read_wanted(path: Path) -> Iterator[Requirement]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for line in (re.sub(r"(^|\s)#.*", "", line).strip() for line in lines):
        included = re.match(r"(?:-r|--requirement)[\s=]+(.+)", line)
        if included:
            yield from _read_wanted(path.parent / included[1])
        elif line and not line.startswith("-"):
            try:
                yield Requirement(line)
            except InvalidRequirement:
                continue  # A folder: what is in it is compared by the build itself.


def _sources(root: Path, path: str) -> dict[str, Path]:
    """The files of a package that the lock names by its folder."""
    folder = (root / LOCK).parent.joinpath(path).resolve()
    if not folder.is_dir() or not folder.is_relative_to(root.resolve()):
        raise ShipError(
            f"{LOCK} names {path}, which is not a folder of this repository",
            f"copy the package into the repository, name it in {_WANTED} by its path from there "
            "(for example ../packages/NAME), and lock it with `make lock`",
        )
    return tree.sources(root, folder.relative_to(root.resolve()).as_posix())


def _install(tools: Tools, wanted: Path, target: Path, options: list[str]) -> None:
    _run_uv(tools, wanted, target, options)
    for name in ("bin", ".lock"):
        unwanted = target / name
        shutil.rmtree(unwanted, ignore_errors=True)
        unwanted.unlink(missing_ok=True)
    for record in target.glob("*.dist-info/*"):
        if record.name in _RECORDS:
            record.unlink()
        elif record.name == "WHEEL":
            text = record.read_text(encoding="utf-8")
            # A wheel of a registry has a tag manylinux…; this one has just been built here.
            if re.search(r"(?m)^Tag: .*-linux_\w+$", text):
                raise ShipError(
                    f"{record.parent.stem} is compiled when it is built, with this machine's "
                    "libraries, which are not Lambda's",
                    f"name a package in {_WANTED} that has wheels, or is pure Python",
                )
            # What built it is not part of it, and the newest builder is another next week.
            record.write_text(re.sub(r"(?m)^Generator: .*\n", "", text), encoding="utf-8")


def _run_uv(tools: Tools, wanted: Path, target: Path, options: list[str]) -> None:
    command = [
        *(str(tools.uv), "pip", "install", "--quiet", "--no-deps", "--link-mode", "copy"),
        *("--python", str(tools.python), "--target", str(target)),
        *("--requirement", str(wanted), *options),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join(
            line.strip().removeprefix("error: ")
            for line in done.stderr.split("\n\n")[0].splitlines()
            if not line.startswith("hint:")
        )
        raise ShipError(
            f"the packages in {LOCK} cannot be installed: {said}",
            "a package needs a wheel for the function's machine, or has to be pure Python: name "
            f"another version or package in {_WANTED}, or another architecture in "
            "[tool.ship.build] of pyproject.toml, and run `make lock`; or check the network",
        )


def _is_pure(wheel: str) -> bool:
    """Whether a wheel's metadata say that it runs on every machine.

    https://packaging.python.org/en/latest/specifications/binary-distribution-format/
    """
    tags = re.findall(r"(?m)^Tag: .*-(\S+)$", wheel)
    return all(tag == "any" for tag in tags)
