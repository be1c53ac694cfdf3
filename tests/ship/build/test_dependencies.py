"""What `backend/requirements.txt` may name, and what becomes of it."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from ship.build import dependencies
from ship.config import Runtime
from ship.errors import ShipError
from tests.ship.conftest import run_git
from toolchain import Tools

ARM = Runtime("arm64")
# A build backend of the package's own: nothing has to be fetched. It leaves a file where it works.
BACKEND = """
import zipfile
from pathlib import Path

def build_wheel(folder, settings=None, metadata=None):
    Path("left.txt").write_text("by the build")
    name = "money-1.0-{tag}.whl"
    with zipfile.ZipFile(f"{{folder}}/{{name}}", "w") as wheel:
        wheel.writestr("money.py", Path("money.py").read_text())
        info = "money-1.0.dist-info"
        lines = ("Metadata-Version: 2.1", "Name: money", "Version: 1.0", "")
        wheel.writestr(f"{{info}}/METADATA", "\\n".join(lines))
        wheel.writestr(f"{{info}}/WHEEL", "Wheel-Version: 1.0\\nGenerator: own 1\\nTag: {tag}\\n")
        wheel.writestr(f"{{info}}/RECORD", "")
    return name
"""
PROJECT = """
[project]
name = "money"
version = "1.0"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def write_package(folder: Path, tag: str = "py3-none-any") -> None:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "backend.py").write_text(BACKEND.format(tag=tag))
    (folder / "money.py").write_text("SIGN = 'kr'\n")


def lock(repository: Path, text: str, wanted: str = "") -> None:
    (repository / "backend/requirements.txt").write_text(text)
    (repository / "backend/requirements.in").write_text(wanted)


def names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_a_package_in_a_folder_of_the_repository_is_built_anew_when_it_changes(
    repository: Path, tools: Tools, tmp_path: Path
) -> None:
    write_package(repository / "packages/money")
    lock(repository, "../packages/money\n    # via -r requirements.in\n")
    first = dependencies.install(repository, tools, ARM, tmp_path)
    again = dependencies.install(repository, tools, ARM, tmp_path)
    (repository / "packages/money/money.py").write_text("SIGN = 'EUR'\n")

    second = dependencies.install(repository, tools, ARM, tmp_path)

    assert first == again != second
    with zipfile.ZipFile(second) as archive:
        assert archive.read("money.py") == b"SIGN = 'EUR'\n"
        assert b"Generator" not in archive.read("money-1.0.dist-info/WHEEL")
    assert not (repository / "packages/money/left.txt").exists()


def test_a_package_from_git_is_built(repository: Path, tools: Tools, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    write_package(origin)
    run_git(origin, "init", "--quiet")
    run_git(origin, "add", "--all")
    run_git(origin, "commit", "--quiet", "--message", "First")
    commit = run_git(origin, "rev-parse", "HEAD")
    lock(repository, f"money @ git+file://{origin}@{commit}\n", f"money @ git+file://{origin}\n")

    found = dependencies.install(repository, tools, ARM, tmp_path)

    assert "money.py" in names(found)


@pytest.mark.parametrize(
    ("architecture", "said"),
    [
        ("arm64", "not compatible with the target Python 3.13 on Linux aarch64"),
        ("x86_64", "money-1.0 is compiled when it is built"),
    ],
)
def test_a_package_that_is_compiled_when_it_is_built_is_refused(
    repository: Path, tools: Tools, tmp_path: Path, architecture: str, said: str
) -> None:
    write_package(repository / "packages/money", "cp313-cp313-linux_x86_64")
    lock(repository, "../packages/money\n")

    with pytest.raises(ShipError, match=said) as raised:
        dependencies.install(repository, tools, Runtime(architecture), tmp_path)

    assert "pure Python" in raised.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flask==3.1.3\n", "flask in backend/requirements.txt has no hash"),
        ("flask>=3 --hash=sha256:00\n", "has no hash"),
        ("money @ git+https://example.org/money@main\n", "has no hash"),
        ("../../elsewhere\n", "not a folder of this repository"),
        ("../packages/gone\n", "not a folder of this repository"),
    ],
)
def test_a_lock_that_does_not_say_what_it_names_is_refused(
    repository: Path, tools: Tools, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    lock(repository, text)

    with pytest.raises(ShipError, match=said) as raised:
        dependencies.install(repository, tools, ARM, tmp_path)

    assert "make lock" in raised.value.hint


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("flask==3.*\nrequests\n", "asks for requests, and .* has it not"),
        ("-r more.in\n", "asks for requests"),
        ("Flask<3  # of old\n", r"asks for Flask<3, and .* has flask==3\."),
        ("flask\ncolorama ; platform_machine == 'aarch64'\n", "asks for colorama"),
    ],
)
def test_a_lock_that_is_behind_is_refused(
    repository: Path, tools: Tools, tmp_path: Path, wanted: str, said: str
) -> None:
    (repository / "backend/requirements.in").write_text(wanted)
    (repository / "backend/more.in").write_text("requests\n")

    with pytest.raises(ShipError, match=said) as raised:
        dependencies.install(repository, tools, ARM, tmp_path)

    assert "make lock" in raised.value.hint


def test_what_only_another_system_needs_may_be_missing_from_the_lock(
    repository: Path, tools: Tools, tmp_path: Path
) -> None:
    wanted = "--only-binary :all:\nFlask >= 3\ncolorama ; sys_platform == 'win32'\n"
    (repository / "backend/requirements.in").write_text(wanted)

    assert "flask/app.py" in names(dependencies.install(repository, tools, ARM, tmp_path))


@pytest.mark.parametrize(("architecture", "machine"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_wheels_are_those_of_the_functions_architecture(
    repository: Path, tools: Tools, tmp_path: Path, architecture: str, machine: str
) -> None:
    found = dependencies.install(repository, tools, Runtime(architecture), tmp_path)

    compiled = [name for name in names(found) if name.endswith(".so")]
    assert compiled
    assert all(machine in name for name in compiled)
    assert [name.partition("-")[0] for name in dependencies.compiled_packages(found)] == [
        "markupsafe"
    ]


def test_what_is_compiled_is_installed_for_this_machine_as_well(
    repository: Path, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "another")
    path = dependencies.install(repository, tools, ARM, tmp_path)
    into = tmp_path / "emulator/packages"

    found = dependencies.install_for_this_machine(repository, tools, ARM, path, into)

    assert found == dependencies.compiled_packages(path)
    (folder,) = into.iterdir()
    code = "import sys; sys.path.insert(0, sys.argv[1]); from markupsafe import _speedups as found"
    done = subprocess.run(
        [
            tools.python,
            "-I",
            "-S",
            "-c",
            f"{code}; print(found.__file__)",
            folder,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(folder))
    monkeypatch.setattr(dependencies, "_run_uv", lambda *_: pytest.fail("installed again"))
    assert dependencies.install_for_this_machine(repository, tools, ARM, path, into) == found


def test_nothing_is_installed_twice_where_the_zips_packages_run_here(
    repository: Path, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr("sys.platform", "linux")
    path = dependencies.install(repository, tools, ARM, tmp_path)

    found = dependencies.install_for_this_machine(repository, tools, ARM, path, tmp_path / "none")

    assert not found
    assert not (tmp_path / "none").exists()
