import importlib.util
import json
import marshal
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ship.build import builder as builds
from ship.build import dependencies, tree, zip_file
from ship.build.builder import Build
from ship.errors import ShipError
from tests.fixtures import sites
from tests.ship.conftest import ROOT, run_git
from toolchain import Tools

SITES = ROOT / "tests/fixtures/sites"
Make = Callable[[], Build]
UNCHECKED_HASH = b"\x01\x00\x00\x00"


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("caches")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def name_factory(repository: Path, factory: str) -> None:
    path = repository / "pyproject.toml"
    path.write_text(path.read_text().replace('"wsgi:app"', f'"{factory}"'))


def make_in(folder: Path, tools: Tools, caches: Path) -> Build:
    return builds.make(folder, tools, tree.describe(folder), folder / "dist", caches)


@pytest.fixture
def make(repository: Path, tools: Tools, caches: Path) -> Make:
    """Call it to build the repository as it is now."""
    return lambda: make_in(repository, tools, caches)


def read_zip(build: Build, name: str) -> bytes:
    with zipfile.ZipFile(build.folder / "backend.zip") as archive:
        return archive.read(name)


def test_two_builds_of_one_commit_in_two_folders_are_the_same_bytes(
    repository: Path, tools: Tools, tmp_path: Path
) -> None:
    """They share only the lock file: not the folder, not the cache."""
    shutil.copytree(SITES / "bundled", repository / "web", dirs_exist_ok=True)
    run_git(repository, "add", "--all")
    run_git(repository, "commit", "--quiet", "--message", "Have a larger site")
    made = []
    for name in ("one", "another/deeper"):
        folder = tmp_path / name
        run_git(tmp_path, "clone", "--quiet", str(repository), str(folder))
        made.append(make_in(folder, tools, folder / ".ship/cache"))

    first, second = ({p: b.read(p) for p in b.manifest.files} for b in made)
    assert first == second
    assert made[0].manifest == made[1].manifest


def test_the_zip_holds_the_application_at_its_root_beside_the_adapter_and_dependencies(
    make: Make,
) -> None:
    made = make()

    with zipfile.ZipFile(made.folder / "backend.zip") as archive:
        names = archive.namelist()
    assert {"wsgi.py", "lambda_adapter/handler.py", "flask/__init__.py"} <= set(names)
    assert len(names) == len(set(names))
    assert not [name for name in names if name.startswith(("backend", "requirements", "bin/"))]


def test_every_module_has_valid_bytecode_for_the_runtime(make: Make) -> None:
    made = make()

    with zipfile.ZipFile(made.folder / "backend.zip") as archive:
        names = set(archive.namelist())
        modules = [name for name in names if name.endswith(".py")]
        assert "wsgi.py" in modules
        for name in modules:
            folder, _, file = name.rpartition("/")
            cached = f"{folder}/__pycache__/{file[:-3]}.cpython-313.pyc".removeprefix("/")
            data = archive.read(cached)
            assert data[:4] == importlib.util.MAGIC_NUMBER, name
            assert data[4:8] == UNCHECKED_HASH, name
            assert marshal.loads(data[16:]).co_filename == f"/var/task/{name}"  # noqa: S302


def test_the_function_starts_from_bytecode_alone(make: Make, tmp_path: Path) -> None:
    """Sources that are not even Python do no harm: what is compiled is what runs."""
    made = make()
    task = tmp_path / "task"
    with zipfile.ZipFile(made.folder / "backend.zip") as archive:
        archive.extractall(task)
    (task / "lambda_adapter/errors.py").write_text("not Python at all")

    done = subprocess.run(
        [sys.executable, "-c", "import lambda_adapter.errors as e; print(e.__doc__ is None)"],
        cwd=task,
        env={**os.environ, "PYTHONPATH": str(task)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.strip() == "False", done.stderr


def test_the_zip_says_which_release_it_is_and_what_to_load(repository: Path, make: Make) -> None:
    made = make()

    assert json.loads(read_zip(made, "lambda_adapter/release.json")) == {
        "release": made.manifest.release,
        "commit": run_git(repository, "rev-parse", "HEAD"),
        "sequence": 1,
        "factory": "wsgi:app",
    }


def test_the_site_says_which_release_it_is(make: Make) -> None:
    made = make()

    assert json.loads(made.read("web/-/site.json")) == {"release": made.manifest.release}
    assert "-/site.json" in made.manifest.pages


def test_the_manifest_says_how_each_file_of_the_site_is_served(make: Make) -> None:
    made = make().manifest

    (style,) = made.assets
    assert made.file(style).content_type == "text/css; charset=utf-8"
    assert made.file("index.html").content_type == "text/html; charset=utf-8"
    assert not made.files["backend.zip"].content_type


def test_the_command_of_a_bundler_makes_the_site(
    repository: Path, make: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    """As in a fresh checkout: the folder that git ignores is not there yet."""
    command = "echo bundling && mkdir -p frontend/dist && cp -R web/. frontend/dist"
    with (repository / "pyproject.toml").open("a") as file:
        file.write(f'\n[tool.ship.site]\nfolder = "frontend/dist"\nbuild = "{command}"\n')
    (repository / ".gitignore").write_text("frontend/dist/\n")

    made = make()

    assert "index.html" in made.manifest.pages
    said = capfd.readouterr()
    assert (said.out, "bundling" in said.err) == ("", True)

    project = (repository / "pyproject.toml").read_text()
    (repository / "pyproject.toml").write_text(project.replace(command, "exit 7"))
    with pytest.raises(ShipError, match="makes the site ended with status 7: exit 7"):
        make()


def test_a_bundlers_output_that_git_ignores_is_published(
    repository: Path, make: Make, tools: Tools, caches: Path, tmp_path: Path
) -> None:
    with (repository / "pyproject.toml").open("a") as file:
        file.write('\n[tool.ship.site]\nfolder = "frontend/dist"\n')
    write(repository / "frontend/.gitignore", "dist/\n")
    run_git(repository, "add", "--all")
    run_git(repository, "commit", "--quiet", "--message", "Have a bundler")
    with pytest.raises(ShipError, match="no file in frontend/dist/"):
        make()

    shutil.copytree(SITES / "bundled", repository / "frontend/dist")
    tree.check_out(repository, tmp_path / "clean", ("frontend/dist",))

    made = make().manifest
    assert set(made.pages) | set(made.assets) == {*sites.read("bundled"), "-/site.json"}
    assert "assets/index-BUsSLfgR.js" in made.assets
    assert make_in(tmp_path / "clean", tools, caches).manifest == made


@pytest.mark.parametrize(
    ("name", "text", "factory"),
    [
        ("other.py", "def app(environ, start): ...", "other:app"),
        ("package/__init__.py", "from wsgi import app as make", "package:make"),
        ("package/deep/web.py", "if True:\n    app: object = 1", "package.deep.web:app"),
        ("other.py", "from wsgi import *", "other:app"),
        ("other.py", "def __getattr__(name): ...", "other:app"),
    ],
)
def test_a_factory_is_found_without_importing_it(
    repository: Path, make: Make, name: str, text: str, factory: str
) -> None:
    write(repository / "backend" / name, text)
    name_factory(repository, factory)

    made = make()

    assert json.loads(read_zip(made, "lambda_adapter/release.json"))["factory"] == factory


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("app:create_app", r"no module 'app' in backend/.*'app:create_app'"),
        ("wsgi.inner:app", r"no module 'wsgi\.inner' in backend/"),
        ("wsgi:create_app", r"backend/wsgi\.py defines no 'create_app'"),
    ],
)
def test_a_factory_that_is_not_there_is_refused_and_the_old_build_stays(
    repository: Path, make: Make, factory: str, said: str
) -> None:
    old = make()
    name_factory(repository, factory)

    with pytest.raises(ShipError, match=said):
        make()

    assert builds.load(repository / "dist") == old


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lambda_adapter/x.py", "where the platform's own package goes"),
        ("flask/app.py", "also a file of a dependency"),
    ],
)
def test_a_source_that_would_hide_another_file_is_refused(
    repository: Path, make: Make, name: str, said: str
) -> None:
    write(repository / "backend" / name, "")

    with pytest.raises(ShipError, match=said):
        make()


def test_a_new_build_replaces_the_old_one_as_a_whole(repository: Path, make: Make) -> None:
    make()
    (repository / "dist/web/old.html").write_text("old")

    made = make()

    assert not (made.folder / "web/old.html").exists()
    assert builds.load(made.folder) == made


def test_a_source_that_does_not_compile_is_refused_and_the_old_build_stays(
    repository: Path, make: Make
) -> None:
    old = make()
    (repository / "backend/wsgi.py").write_text("def app(:\n")

    with pytest.raises(ShipError, match=r"do not compile.*wsgi\.py"):
        make()

    assert builds.load(repository / "dist") == old


def test_a_dependency_that_cannot_be_had_is_named(
    repository: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "backend/requirements.in").unlink()
    lock = repository / "backend/requirements.txt"
    lock.write_text("no-such-package-as-this==1.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setenv("UV_OFFLINE", "1")

    with pytest.raises(ShipError, match=r"requirements\.txt cannot be installed") as raised:
        make()

    assert "make lock" in raised.value.hint
    assert not (repository / "dist").exists()


def test_without_a_lock_file_nothing_is_built(repository: Path, make: Make) -> None:
    (repository / "backend/requirements.txt").unlink()

    with pytest.raises(ShipError, match="is missing"):
        make()


def test_a_zip_that_lambda_would_refuse_is_refused(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_file, "UNZIPPED_LIMIT", 100_000)

    with pytest.raises(ShipError, match=r"Lambda takes 0\.1 MB.*werkzeug \d MB"):
        make()


def test_a_byte_that_was_altered_is_found(make: Make) -> None:
    made = make()
    path = made.folder / "backend.zip"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    with pytest.raises(ShipError, match=r"backend\.zip .* is not what was built"):
        builds.load(made.folder).verified()


def test_a_file_that_was_removed_is_found(make: Make) -> None:
    made = make()
    (made.folder / "web/index.html").unlink()

    with pytest.raises(ShipError, match=r"web/index\.html .* is missing"):
        made.verified()


def test_a_folder_without_a_build_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ShipError, match="no build") as raised:
        builds.load(tmp_path)

    assert "ship build" in raised.value.hint


def test_the_placeholder_answers_503(tmp_path: Path) -> None:
    path = builds.placeholder(tmp_path / "new/placeholder.zip")
    with zipfile.ZipFile(path) as archive:
        source = archive.read("lambda_adapter/handler.py")
    module: dict[str, object] = {}
    exec(compile(source, "placeholder", "exec"), module)  # noqa: S102

    answer = module["handler"]({}, None)  # type: ignore[operator]

    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"] == "60"


def test_the_dependencies_are_made_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make()
    monkeypatch.setattr(dependencies, "_install", lambda *_: pytest.fail("installed again"))

    make()


def test_a_zip_larger_than_its_budget_is_built_and_noted(repository: Path, make: Make) -> None:
    path = repository / "pyproject.toml"
    path.write_text(path.read_text() + "\n[tool.ship.budgets]\nzip_megabytes = 0.1\n")

    made = make()

    assert [note for note in made.notes if "more than the 0.1 MB" in note]


def test_linked_packages_programs_data_and_namespaces_are_in_the_zip(
    repository: Path, make: Make, tmp_path: Path
) -> None:
    write(repository / "packages/money/__init__.py", "SIGN = '€'\n")
    (repository / "backend/money").symlink_to("../packages/money")
    write(repository / "backend/space/part/module.py", "")
    write(repository / "backend/space/data.csv", "1;2\n")
    write(repository / "backend/bin/convert", "#!/bin/sh\necho converted\n")
    (repository / "backend/bin/convert").chmod(0o755)

    made = make()

    with zipfile.ZipFile(made.folder / "backend.zip") as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
    wanted = ("money/__init__.py", "space/part/module.py", "space/data.csv", "bin/convert")
    modes = {name: oct(entries[name].external_attr >> 16) for name in wanted}
    assert modes == {**dict.fromkeys(wanted, "0o100644"), "bin/convert": "0o100755"}


def test_an_imported_module_that_git_ignores_is_named(repository: Path, make: Make) -> None:
    (repository / ".gitignore").write_text("__pycache__/\n_version.py\nunused.py\n")
    write(repository / "backend/shop/__init__.py", "from . import views\n")
    write(repository / "backend/shop/views.py", "import json\nfrom ._version import NUMBER\n")
    write(repository / "backend/shop/_version.py", "NUMBER = 1\n")
    write(repository / "backend/unused.py", "")
    wsgi = repository / "backend/wsgi.py"
    wsgi.write_text("import shop.views\n" + wsgi.read_text())

    made = make()

    assert len(made.notes) == 1
    assert made.notes[0].startswith("backend/shop/_version.py is not in the zip")
    assert made.notes[0].endswith("shop/views.py imports it")


def test_the_applications_files_are_published_and_are_in_the_zip(
    repository: Path, make: Make
) -> None:
    with (repository / "pyproject.toml").open("a") as file:
        file.write('\n[tool.ship.site.folders]\n"/static/" = "backend/shop/static"\n')
    with pytest.raises(ShipError, match="no file in backend/shop/static/"):
        make()

    write(repository / "backend/shop/static/site.css", "a {}")
    made = make()

    assert "static/site.css" in made.manifest.pages
    assert read_zip(made, "shop/static/site.css") == made.read("web/static/site.css") == b"a {}"

    write(repository / "web/static/other.css", "")
    with pytest.raises(ShipError, match=r"web/static/other\.css lies where"):
        make()
