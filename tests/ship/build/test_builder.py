from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import marshal
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ship.build import builder as builds
from ship.build import tree
from ship.build.builder import Build
from ship.errors import ShipError
from toolchain import Tools

from .conftest import ROOT, run_git

UNCHECKED_HASH = b"\x01\x00\x00\x00"


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("caches")


def make(folder: Path, tools: Tools, caches: Path) -> Build:
    return builds.make(folder, tools, tree.describe(folder), folder / "dist", caches)


def test_two_builds_of_one_commit_in_two_folders_are_the_same_bytes(
    tmp_path: Path, tools: Tools
) -> None:
    """With nothing shared but the lock file: not the folder, not the cache."""
    made = []
    for name in ("one", "another/deeper"):
        folder = tmp_path / name
        folder.parent.mkdir(exist_ok=True)
        run_git(tmp_path, "clone", "--quiet", "--shared", str(ROOT), str(folder))
        made.append(make(folder, tools, folder / ".ship/cache"))

    first, second = ({p: b.read(p) for p in b.manifest.files} for b in made)
    assert first == second
    assert made[0].manifest == made[1].manifest
    assert len(first["backend.zip"]) <= 2_000_000


def test_every_module_has_valid_bytecode_for_the_runtime(
    repository: Path, tools: Tools, caches: Path
) -> None:
    made = make(repository, tools, caches)

    with zipfile.ZipFile(made.folder / "backend.zip") as archive:
        names = set(archive.namelist())
        modules = [name for name in names if name.endswith(".py")]
        assert "backend/handler.py" in modules
        for name in modules:
            folder, _, file = name.rpartition("/")
            cached = f"{folder}/__pycache__/{file[:-3]}.cpython-313.pyc".removeprefix("/")
            data = archive.read(cached)
            assert data[:4] == importlib.util.MAGIC_NUMBER, name
            assert data[4:8] == UNCHECKED_HASH, name
            assert marshal.loads(data[16:]).co_filename == f"/var/task/{name}"  # noqa: S302


def test_the_function_starts_from_bytecode_alone(
    repository: Path, tools: Tools, caches: Path, tmp_path: Path
) -> None:
    """Sources that are not even Python are not looked at: what is compiled is what runs."""
    made = make(repository, tools, caches)
    task = tmp_path / "task"
    with zipfile.ZipFile(made.folder / "backend.zip") as archive:
        archive.extractall(task)
    (task / "backend/handler.py").write_text("not Python at all")

    done = subprocess.run(
        [sys.executable, "-c", "import backend.handler as h; print(h.handler({}, None))"],
        cwd=task,
        env={**os.environ, "PYTHONPATH": str(task)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.strip() == "{}", done.stderr


def test_the_zip_says_which_release_it_is(repository: Path, tools: Tools, caches: Path) -> None:
    made = make(repository, tools, caches)

    with zipfile.ZipFile(made.folder / "backend.zip") as archive:
        found = json.loads(archive.read("release.json"))
    assert found["release"] == made.manifest.release
    assert found["commit"] == run_git(repository, "rev-parse", "HEAD")


def test_a_new_build_replaces_the_old_one_as_a_whole(
    repository: Path, tools: Tools, caches: Path
) -> None:
    make(repository, tools, caches)
    (repository / "dist/web/old.html").write_text("old")

    made = make(repository, tools, caches)

    assert not (made.folder / "web/old.html").exists()
    assert builds.load(made.folder) == made


def test_a_source_that_does_not_compile_is_refused_and_the_old_build_stays(
    repository: Path, tools: Tools, caches: Path
) -> None:
    old = make(repository, tools, caches)
    (repository / "backend/handler.py").write_text("def handler(:\n")

    with pytest.raises(ShipError, match=r"do not compile.*handler\.py"):
        make(repository, tools, caches)

    assert builds.load(repository / "dist") == old


def test_a_dependency_that_cannot_be_had_is_named(
    repository: Path, tools: Tools, caches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = repository / "backend/requirements.txt"
    lock.write_text("no-such-package-as-this==1.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setenv("UV_OFFLINE", "1")

    with pytest.raises(ShipError, match=r"requirements\.txt cannot be installed") as raised:
        make(repository, tools, caches)

    assert "make lock" in raised.value.hint
    assert not (repository / "dist").exists()


def test_without_a_lock_file_nothing_is_built(repository: Path, tools: Tools, caches: Path) -> None:
    (repository / "backend/requirements.txt").unlink()

    with pytest.raises(ShipError, match="is missing"):
        make(repository, tools, caches)


@pytest.mark.parametrize("limit", ["ZIP_LIMIT", "UNZIPPED_LIMIT"])
def test_a_zip_over_a_limit_is_refused(
    repository: Path, tools: Tools, caches: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(builds, limit, 100_000)

    with pytest.raises(ShipError, match="the limit is 0 MB"):
        make(repository, tools, caches)


def test_a_byte_that_was_altered_is_found(repository: Path, tools: Tools, caches: Path) -> None:
    made = make(repository, tools, caches)
    path = made.folder / "backend.zip"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    with pytest.raises(ShipError, match=r"backend\.zip .* is not what was built"):
        builds.load(made.folder).verified()


def test_a_file_that_was_removed_is_found(repository: Path, tools: Tools, caches: Path) -> None:
    made = make(repository, tools, caches)
    (made.folder / "web/index.html").unlink()

    with pytest.raises(ShipError, match=r"web/index\.html .* is missing"):
        made.verified()


def test_a_folder_without_a_build_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ShipError, match="no build") as raised:
        builds.load(tmp_path)

    assert "ship build" in raised.value.hint


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "backend.zip").write_bytes(b"no zip")

    with pytest.raises(ShipError, match="is not a zip"):
        builds._check_sizes(tmp_path / "backend.zip")


def test_the_placeholder_answers_503(tmp_path: Path) -> None:
    path = builds.placeholder(tmp_path / "new/placeholder.zip")
    with zipfile.ZipFile(path) as archive:
        source = archive.read("backend/handler.py")
    module: dict[str, object] = {}
    exec(compile(source, "placeholder", "exec"), module)  # noqa: S102

    answer = module["handler"]({}, None)  # type: ignore[operator]

    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"] == "60"


def test_lambda_writes_the_same_digest_in_base64() -> None:
    digest = hashlib.sha256(b"zip")

    assert builds.code_sha256(digest.hexdigest()) == base64.b64encode(digest.digest()).decode()


def test_the_dependencies_are_made_once(
    repository: Path, tools: Tools, caches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(repository, tools, caches)
    monkeypatch.setattr(builds, "_install", lambda *_: pytest.fail("installed again"))

    make(repository, tools, caches)
