"""A build: what one commit makes. Two builds of one commit are byte for byte the same."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ship.build import pages, tree
from ship.build.manifest import ZIP, Manifest, decode, describe
from ship.errors import ShipError

if TYPE_CHECKING:
    from ship.build.tree import Tree
    from toolchain import Tools

CONTRACT = (1, 1)
PYTHON = "3.13"
_PLATFORM = "aarch64-manylinux_2_28"
_LOCK = "backend/requirements.txt"
# AWS refuses more than 50 MB zipped and 250 MB unzipped; a cold start suffers long before.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ZIP_LIMIT = 10_000_000
UNZIPPED_LIMIT = 50_000_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
# Unchecked: the runtime neither stats nor rewrites the sources, whatever time the zip gives them.
_COMPILE = """
import compileall, py_compile, sys
done = compileall.compile_dir(
    sys.argv[1], quiet=1, force=True, stripdir=sys.argv[1], prependdir="/var/task",
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
sys.exit(not done)
"""
_PLACEHOLDER = '''"""Answers until the first deploy."""

import json


def handler(event, context):
    """Say that nothing is deployed yet."""
    problem = {"title": "Nothing is deployed here yet", "status": 503}
    headers = {"content-type": "application/problem+json", "retry-after": "60"}
    return {"statusCode": 503, "headers": headers, "body": json.dumps(problem)}
'''


@dataclass(frozen=True)
class Build:
    """A build in a folder: `backend.zip`, `web/` and `manifest.json`."""

    folder: Path
    manifest: Manifest

    def read(self, path: str) -> bytes:
        """Read one file of the build and compare it with the manifest.

        Raises:
            ShipError: it is missing or altered.
        """
        try:
            data = (self.folder / path).read_bytes()
        except OSError as error:
            raise ShipError(
                f"{path} of release {self.manifest.release} is missing from {self.folder}",
                "build again with `ship build`",
            ) from error
        return self.manifest.check(path, data)

    def verified(self) -> Build:
        """Compare every file with the manifest, and the sizes with the limits."""
        for path in self.manifest.files:
            self.read(path)
        _check_sizes(self.folder / ZIP)
        return self


def load(folder: Path) -> Build:
    """Open a build that was made before; its files are compared when they are read.

    Raises:
        ShipError: there is none, or its manifest is unreadable.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise ShipError(f"there is no build in {folder}", "make one with `ship build`")
    return Build(folder, decode(path.read_bytes(), str(path)))


def make(root: Path, tools: Tools, source: Tree, into: Path, caches: Path) -> Build:
    """Build the sources below `root` into a folder, which is replaced as a whole.

    Raises:
        ShipError: a dependency cannot be had, a source does not compile, or a limit is passed.
    """
    caches.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=caches) as work:
        made = Path(work) / "dist"
        made.mkdir()
        _write_zip(root, tools, source, made / ZIP, caches)
        _write_web(root, source, made / "web")
        manifest = _manifest(source, made)
        (made / "manifest.json").write_bytes(manifest.encode())
        _check_sizes(made / ZIP)
        _replace(into, made)
    return Build(into, manifest)


def placeholder(path: Path) -> Path:
    """Write the zip that a new function starts with; it answers 503 until the first deploy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        _add(archive, "lambda_adapter/handler.py", _PLACEHOLDER.encode())
    return path


def code_sha256(zip_sha256: str) -> str:
    """Lambda's `CodeSha256` (base64) of a zip whose SHA-256 is given in hexadecimal."""
    return base64.b64encode(bytes.fromhex(zip_sha256)).decode()


def _write_zip(root: Path, tools: Tools, source: Tree, path: Path, caches: Path) -> None:
    shutil.copyfile(_dependencies(root, tools, caches), path)
    release = {"release": source.release, "commit": source.commit, "sequence": source.sequence}
    with TemporaryDirectory(dir=caches) as work:
        staged = Path(work)
        for name, origin in tree.sources(root, "backend").items():
            target = staged / "backend" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, target)
        _compile(tools.python, staged)
        (staged / "release.json").write_text(json.dumps(release) + "\n", encoding="utf-8")
        _append(path, staged)


def _write_web(root: Path, source: Tree, folder: Path) -> None:
    files = {name: path.read_bytes() for name, path in tree.sources(root, "web").items()}
    for name, data in pages.publishable(files, source.release).items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _manifest(source: Tree, made: Path) -> Manifest:
    found = sorted(path for path in made.rglob("*") if path.is_file())
    files = {path.relative_to(made).as_posix(): describe(path.read_bytes()) for path in found}
    return Manifest(source.release, source.commit, source.sequence, PYTHON, CONTRACT, files)


def _dependencies(root: Path, tools: Tools, caches: Path) -> Path:
    """The zip of the locked dependencies with their bytecode; made once per lock file."""
    lock = root / _LOCK
    if not lock.is_file():
        raise ShipError(f"{_LOCK} is missing", "make it with `make lock`")
    key = hashlib.sha256(f"{_PLATFORM} {PYTHON} {_COMPILE}".encode() + lock.read_bytes())
    path = caches / f"dependencies-{key.hexdigest()[:16]}.zip"
    if not path.is_file():
        with TemporaryDirectory(dir=caches) as work:
            staged = Path(work) / "staged"
            _install(tools, lock, staged)
            _compile(tools.python, staged)
            fresh = Path(work) / "fresh.zip"
            _append(fresh, staged)
            fresh.replace(path)
    return path


def _install(tools: Tools, lock: Path, target: Path) -> None:
    # fmt: off
    command = [
        str(tools.uv), "pip", "install", "--quiet", "--target", str(target),
        "--python", str(tools.python), "--python-version", PYTHON,
        "--python-platform", _PLATFORM, "--only-binary", ":all:",
        "--require-hashes", "--no-deps", "--link-mode", "copy", "--requirement", str(lock),
    ]
    # fmt: on
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise ShipError(
            f"the dependencies in {lock.name} cannot be installed: {said[-1] if said else ''}",
            "check the network and the lock file (`make lock`), then run `ship build` again",
        )
    for name in ("bin", ".lock"):
        unwanted = target / name
        shutil.rmtree(unwanted, ignore_errors=True)
        unwanted.unlink(missing_ok=True)
    for record in target.glob("*.dist-info/*"):
        # What an installer notes about this installation differs from machine to machine.
        if record.name in {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}:
            record.unlink()


def _compile(python: Path, folder: Path) -> None:
    """Write bytecode beside the sources, in a fresh interpreter.

    What `marshal` writes depends on what the interpreter holds already; one that has loaded
    nothing else writes the same bytes each time.
    """
    command = [str(python), "-I", "-S", "-c", _COMPILE, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise ShipError(
            f"the sources do not compile: {' '.join(line.strip() for line in said[-4:])}",
            "mend the source file",
        )


def _append(path: Path, folder: Path) -> None:
    """Add a folder's files to a zip: sorted, with one fixed time and mode."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                _add(archive, file.relative_to(folder).as_posix(), file.read_bytes())


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o100644 << 16
    entry.create_system = 3
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, data, compresslevel=9)


def _check_sizes(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unzipped = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ShipError(
            f"{path} is not a zip ({error})", "build again with `ship build`"
        ) from error
    for size, limit, what in (
        (path.stat().st_size, ZIP_LIMIT, "zipped"),
        (unzipped, UNZIPPED_LIMIT, "unzipped"),
    ):
        if size > limit:
            raise ShipError(
                f"{path.name} is {size / 1e6:.1f} MB {what}, the limit is {limit / 1e6:.0f} MB",
                f"ship fewer dependencies (see {_LOCK})",
            )


def _replace(into: Path, made: Path) -> None:
    old = made.parent / "old"
    if into.exists():
        into.rename(old)
    into.parent.mkdir(parents=True, exist_ok=True)
    made.rename(into)
