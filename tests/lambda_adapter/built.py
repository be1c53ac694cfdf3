"""The zip that `ship build` makes of a checkout with another application in it."""

import re
import zipfile
from pathlib import Path

import toolchain
from ship.build import builder, tree
from tests.e2e.sandbox import ROOT, clone
from tests.fixtures import applications


def build(folder: Path, application: str) -> Path:
    """Put an application in the place of `backend/`, build it, and return the unzipped zip."""
    root = clone(folder / "checkout")
    factory = applications.install(application, root / "backend")
    project = root / "pyproject.toml"
    text, found = re.subn(r"(?m)^factory = .*$", f'factory = "{factory}"', project.read_text())
    assert found == 1
    project.write_text(text)
    source, tools = tree.describe(root), toolchain.find(ROOT)
    made = builder.make(root, tools, source, root / "dist", ROOT / ".ship/cache")
    with zipfile.ZipFile(made.folder / "backend.zip") as archive:
        archive.extractall(folder / "task")
    return folder / "task"
