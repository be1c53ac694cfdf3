"""What tests of commands, environments and GitHub are made of."""

import zipfile
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ship.build.builder import Build
from ship.build.manifest import Manifest, describe
from ship.config import Application, Project, Shift
from ship.output import Progress

COMMIT = "1a2b3c4" + "0" * 33
RELEASE = "20261123-2-1a2b3c4"
SILENT = Progress(plain=True, quiet=True)


def make_project(root: Path = Path("/p"), repository: str = "o/r", *names: str) -> Project:
    shifts = {name: Shift((), 0) for name in names or ("dev", "staging", "production")}
    application = Application("wsgi:app", ("/forecast/*",))
    return Project(root, "shop", "eu-north-1", repository, None, application, shifts)


def make_manifest(files: dict[str, bytes]) -> Manifest:
    described = {path: describe(data) for path, data in files.items()}
    return Manifest(RELEASE, COMMIT, 2, "3.13", (1, 1), described)


def make_build(folder: Path, handler: str = "", **others: str) -> Build:
    """A build whose zip has little but a handler; a `__` in another file's name is a slash."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "backend.zip", "w") as archive:
        archive.writestr("lambda_adapter/handler.py", handler)
        for name, text in others.items():
            archive.writestr(f"{name.replace('__', '/')}.so", text)
    manifest = make_manifest({"backend.zip": (folder / "backend.zip").read_bytes()})
    (folder / "manifest.json").write_bytes(manifest.encode())
    return Build(folder, manifest)


def change(address: str, before: Any, after: Any, *actions: str, **more: Any) -> Any:
    """One resource of a plan, as `terraform show -json` prints it."""
    found = ["create"] if before is None else ["delete"] if after is None else ["update"]
    values = {"actions": list(actions) or found, "before": before, "after": after, **more}
    return {"address": address, "type": address.split(".")[0], "change": values}


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "Call")


def write_gh(folder: Path, monkeypatch: Any) -> Path:
    """A gh that records arguments and input, prints the file `out`, and fails with that of `no`."""
    tool = folder / "gh/gh"
    tool.parent.mkdir()
    tool.write_text(
        '#!/bin/sh\ncd "${0%/*}"\necho "$@" > asked\ncase "$*" in *--input*) cat > body;; esac\n'
        "cat out 2>/dev/null\nif [ -s no ]; then cat no >&2; exit 1; fi\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    return tool.parent
