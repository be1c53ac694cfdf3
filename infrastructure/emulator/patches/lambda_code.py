"""Lambda: what a function's zip is unpacked to."""

from __future__ import annotations

import re
import shutil
import types
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from emulator.patches import patch

if TYPE_CHECKING:
    from emulator.patches import Settings


@patch("unpacked-code", "programs in a zip cannot be started, nor packages for AWS be imported")
def unpack_for_this_machine(settings: Settings) -> None:
    """Keep the modes of a zip's files, and put this machine's builds of its packages over them.

    Report: "A file that is executable in the zip is not in the function's folder".
    AWS: https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
    Reproduce: put a script with mode 0755 in the zip, and start it in the handler.

    The second is no difference that ministack could remove: it runs functions in this machine's
    interpreter, whatever architecture they have. So what is compiled in the zip is looked up by
    name and version among the folders in `packages`.
    """
    from ministack.core import lambda_runtime

    class CodeZip(zipfile.ZipFile):
        def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
            super().extractall(path, members, pwd)
            folder = Path(path or ".")
            for entry in self.infolist():
                if (entry.external_attr >> 16) & 0o111:
                    (folder / entry.filename).chmod(0o755)
            packages = find_packages(folder, settings.packages)
            if packages:
                # Links cost milliseconds where copies of large packages would cost seconds.
                shutil.copytree(packages, folder, dirs_exist_ok=True, copy_function=_link)

    # Only there: the services read zips as well.
    namespace = types.SimpleNamespace(**vars(zipfile))
    namespace.ZipFile = CodeZip
    lambda_runtime.zipfile = namespace


def find_packages(code: Path, packages: Path) -> Path | None:
    """Return the folder that holds exactly the compiled packages of some code, by version."""
    wanted = compiled_packages(code)
    if wanted and packages.is_dir():
        for folder in sorted(packages.iterdir()):
            if compiled_packages(folder) == wanted:
                return folder
    return None


def compiled_packages(folder: Path) -> frozenset[str]:
    """Return the names and versions of what is compiled for one kind of machine in a folder.

    https://packaging.python.org/en/latest/specifications/binary-distribution-format/
    """
    return frozenset(
        PurePosixPath(path.parent).name
        for path in folder.glob("*.dist-info/WHEEL")
        if set(re.findall(r"(?m)^Tag: .*-(\S+)$", path.read_text(encoding="utf-8"))) != {"any"}
    )


def _link(source: str, target: str) -> None:
    Path(target).unlink(missing_ok=True)
    Path(target).symlink_to(source)
