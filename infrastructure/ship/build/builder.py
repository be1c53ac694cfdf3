"""A build: what one commit makes. Two builds of one commit are byte for byte the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ship import config
from ship.build import dependencies, imports, pages, tree, zip_file
from ship.build.manifest import ZIP, Manifest, decode, describe
from ship.errors import ShipError

if TYPE_CHECKING:
    from ship.build.pages import SiteFile
    from ship.build.tree import Tree
    from ship.config import Project
    from toolchain import Tools

CONTRACT = (1, 1)
_ADAPTER = "infrastructure/lambda_adapter"
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
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What is worth a look, though the build can be used."""

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
        """Compare every file with the manifest, and the zip's size with Lambda's limit."""
        for path in self.manifest.files:
            self.read(path)
        zip_file.check_size(self.folder / ZIP)
        return self


def load(folder: Path) -> Build:
    """Open a build that was made before; its files are compared when they are read.

    Raises:
        ShipError: there is none, or its manifest cannot be read.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise ShipError(f"there is no build in {folder}", "make one with `ship build`")
    return Build(folder, decode(path.read_bytes(), str(path)))


def make(root: Path, tools: Tools, source: Tree, into: Path, caches: Path) -> Build:
    """Build the sources below `root` into a folder, which is replaced as a whole.

    Raises:
        ShipError: a dependency cannot be installed, a source does not compile, the application's
            factory is not among them, the command that makes the site fails, or the zip is too
            large.
    """
    project = config.project(root)
    caches.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=caches) as work:
        made = Path(work) / "dist"
        made.mkdir()
        notes = _write_zip(root, tools, source, project, made / ZIP, caches)
        described = {ZIP: describe((made / ZIP).read_bytes())}
        for name, file in _site(root, project, source.release).items():
            target = made / "web" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.data)
            described[f"web/{name}"] = replace(
                describe(file.data), content_type=file.content_type, immutable=file.immutable
            )
        manifest = Manifest(
            source.release,
            source.commit,
            source.sequence,
            project.runtime.python,
            CONTRACT,
            described,
            project.application.before_traffic,
        )
        (made / "manifest.json").write_bytes(manifest.encode())
        zip_file.check_size(made / ZIP)
        if into.exists():
            into.rename(made.parent / "old")
        into.parent.mkdir(parents=True, exist_ok=True)
        made.rename(into)
    return Build(into, manifest, tuple(notes))


def _site(root: Path, project: Project, release: str) -> dict[str, SiteFile]:
    if command := project.site.build:
        # What it says goes to standard error, as progress does: standard output is for results.
        done = subprocess.run(command, shell=True, cwd=root, stdout=2, check=False)  # noqa: S602
        if done.returncode:
            raise ShipError(
                f"the command that makes the site ended with status {done.returncode}: {command}",
                "see its output above; it is `build` in [tool.ship.site], run at the root of the "
                "repository",
            )
    files = dict[str, bytes]()
    for prefix, folder in {"/": project.site.folder, **project.site.folders}.items():
        found = tree.sources(root, folder) or tree.ignored(root, folder)
        if prefix != "/" and not found:
            raise ShipError(
                f"there is no file in {folder}/, which [tool.ship.site.folders] names for {prefix}",
                "add its files (git must not ignore some of them only), or correct the folder",
            )
        files |= {f"{prefix[1:]}{name}": path.read_bytes() for name, path in found.items()}
        if prefix == "/" and (hidden := list(filter(project.site.is_mounted, files))):
            raise ShipError(
                f"{folder}/{hidden[0]} lies where [tool.ship.site.folders] puts another folder",
                "move it, or publish that folder below another path",
            )
    return pages.publishable(files, release, project.site, project.application.paths)


def placeholder(path: Path) -> Path:
    """Write the zip that a new function starts with; it answers 503 until the first deploy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        zip_file.add(archive, "lambda_adapter/handler.py", _PLACEHOLDER.encode())
    return path


def _write_zip(
    root: Path, tools: Tools, source: Tree, project: Project, path: Path, caches: Path
) -> list[str]:
    """Write the zip; what is worth a look."""
    factory = project.application.factory
    release = {"release": source.release, "commit": source.commit, "sequence": source.sequence}
    files = tree.sources(root, "backend")
    for name in files:
        if name.startswith("lambda_adapter/"):
            raise ShipError(
                f"backend/{name} lies where the platform's own package goes",
                "give your package another name than lambda_adapter",
            )
    files = {n: p for n, p in files.items() if n not in ("requirements.in", "requirements.txt")}
    adapter = {f"lambda_adapter/{n}": p for n, p in tree.sources(root, _ADAPTER).items()}
    shutil.copyfile(dependencies.install(root, tools, project.runtime, caches), path)
    with TemporaryDirectory(dir=caches) as work:
        staged = Path(work)
        for name, origin in (files | adapter).items():
            target = staged / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(origin, target)
        zip_file.compile_sources(tools.python, staged)
        imports.check_defined(factory, files, "factory")
        events = {name: one.handler for name, one in project.application.events.items()}
        for name, handler in events.items():
            imports.check_defined(handler, files, f"events.{name}.handler")
        identity = json.dumps(
            release | {"factory": factory} | ({"events": events} if events else {})
        )
        (staged / "lambda_adapter/release.json").write_text(f"{identity}\n", encoding="utf-8")
        zip_file.append(path, staged)
    missing = imports.left_out(factory, files, root / "backend")
    notes = [
        f"backend/{name} is not in the zip, because git ignores it or .shipignore leaves it out; "
        f"{importer} imports it"
        for name, importer in missing.items()
    ]
    if path.stat().st_size > project.zip_budget:
        notes.append(
            f"the zip has {path.stat().st_size / 1e6:.2f} MB, more than the "
            f"{project.zip_budget / 1e6:g} MB of [tool.ship.budgets] in pyproject.toml"
        )
    return notes
