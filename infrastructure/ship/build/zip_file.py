"""The zip that goes to Lambda: sorted, with one time, compiled, and within Lambda's limit."""

import subprocess
import zipfile
from collections import Counter
from pathlib import Path

from ship.errors import ShipError

# AWS's 50 MB for the zip itself are for uploads without S3; what an owner wants to stay below is
# `[tool.ship.budgets]`.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
UNZIPPED_LIMIT = 250 * 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)
# Unchecked hashes: the runtime neither stats nor compiles the sources, whatever time the zip gives
# them. https://docs.python.org/3/reference/import.html#pyc-invalidation
COMPILE = """
import compileall, py_compile, sys
done = compileall.compile_dir(
    sys.argv[1], quiet=1, force=True, stripdir=sys.argv[1], prependdir="/var/task",
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
sys.exit(not done)
"""


def compile_sources(python: Path, folder: Path) -> None:
    """Write bytecode beside the sources, in a fresh interpreter.

    What `marshal` writes depends on what the interpreter holds already; one that has loaded
    nothing else writes the same bytes each time.

    Raises:
        ShipError: a source does not compile.
    """
    command = [str(python), "-I", "-S", "-c", COMPILE, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise ShipError(
            f"the sources do not compile: {' '.join(line.strip() for line in said[-4:])}",
            "correct the source file",
        )


def append(path: Path, folder: Path) -> None:
    """Add a folder's files to a zip.

    Raises:
        ShipError: one of them is there already.
    """
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        present = set(archive.namelist())
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = file.relative_to(folder).as_posix()
            if name in present:
                raise ShipError(
                    f"backend/{name} is also a file of a dependency",
                    "give your package another name than an installed one",
                )
            add(archive, name, file.read_bytes(), is_program=bool(file.stat().st_mode & 0o100))


def add(archive: zipfile.ZipFile, name: str, data: bytes, *, is_program: bool = False) -> None:
    """Add one file."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    # Readable by everybody: Lambda runs the function as a user of its own.
    # https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html
    entry.external_attr = (0o100755 if is_program else 0o100644) << 16
    entry.create_system = 3
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, data, compresslevel=9)


def check_size(path: Path) -> None:
    """Refuse a zip that is larger than what Lambda unpacks.

    Raises:
        ShipError: it is, or it is not a zip.
    """
    sizes: Counter[str] = Counter()
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                sizes[entry.filename.split("/")[0]] += entry.file_size
    except zipfile.BadZipFile as error:
        raise ShipError(
            f"{path} is not a zip ({error})", "build again with `ship build`"
        ) from error
    if sizes.total() > UNZIPPED_LIMIT:
        largest = ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in sizes.most_common(5))
        raise ShipError(
            f"{path.name} unpacks to {sizes.total() / 1e6:.1f} MB; Lambda takes "
            f"{UNZIPPED_LIMIT / 1e6:.1f} MB. The largest: {largest}",
            "leave out what Lambda does not need: of your own files by backend/.shipignore, of the "
            "packages by backend/requirements.in",
        )
