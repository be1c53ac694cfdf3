from pathlib import Path

import pytest

from ship.adoption import application
from ship.adoption.application import Route
from ship.errors import ShipError
from tests.ship.conftest import run_git

TOLD = {"shop/__init__": "def create_app(name): ...", "wsgi": "app = create_app('x')"}


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write modules into a folder."""
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"wsgi": "app = Flask(__name__)"}, ["wsgi:app"]),
        ({"api": "import flask\nweb: object = flask.Flask('x')"}, ["api:web"]),
        ({**TOLD, "shop/__init__": "def create_app(config=None): ..."}, ["shop:create_app"]),
        # Lambda calls a factory without arguments.
        (TOLD, ["wsgi:app"]),
        ({**TOLD, "shop/__init__": "def create_app(*, name): ..."}, ["wsgi:app"]),
        ({"deep/er/app": "app = Flask('x')", "flat": "app = Flask('x')"}, ["flat:app"]),
        ({"a": "app = Flask('x')", "b": "app = APIFlask('x')"}, ["a:app", "b:app"]),
        ({"main": "def web():\n    return Flask('x')", "b": "found = Flask('x')"}, ["main:web"]),
        ({"tests/app": "app = Flask('x')", "broken": "def ("}, []),
        ({"shop": "def helper(): ...\napp = make_something()"}, []),
    ],
)
def test_the_likeliest_application_is_found(
    tmp_path: Path, files: dict[str, str], expected: list[str]
) -> None:
    write(tmp_path, files)

    assert application.find_factories(tmp_path) == expected


def test_packages_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, {"app": "app = Flask('x')", "shop": "app = Flask('x')"})

    assert application.find_factories(tmp_path, {"app"}) == ["shop:app"]


def test_what_belongs_to_a_project_around_an_application_is_left_out(tmp_path: Path) -> None:
    names = ("wsgi.py", "templates/index.html", "tests/test_it.py", "requirements-dev.txt", ".env")
    for name in (*names, "__pycache__/wsgi.pyc", "data/readme.txt", "Dockerfile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    kept = {"wsgi.py", "templates/index.html", "data/readme.txt"}

    assert set(application.list_files(tmp_path)) == kept
    (tmp_path / ".gitignore").write_text("data/\n")
    run_git(tmp_path, "init", "--quiet")
    assert set(application.list_files(tmp_path)) == kept - {"data/readme.txt"}


def test_a_package_stays_one_and_src_is_an_import_root(tmp_path: Path) -> None:
    write(tmp_path / "one", {"__init__": "", "views": ""})
    write(tmp_path / "two", {"src/shop/views": ""})

    assert set(application.list_files(tmp_path / "one")) == {"one/views.py", "one/__init__.py"}
    assert set(application.list_files(tmp_path / "two")) == {"shop/views.py"}


def test_copying_twice_changes_nothing_and_overwrites_nothing(tmp_path: Path) -> None:
    files = application.list_files(write(tmp_path / "from", {"wsgi": "app = 1", "other": ""}))
    target = tmp_path / "backend"

    assert application.copy(files, target) == ["other.py", "wsgi.py"]
    assert application.copy(files, target) == []
    (target / "wsgi.py").write_text("mine")
    (target / "other.py").unlink()
    with pytest.raises(ShipError, match=r"backend/ has another wsgi\.py"):
        application.copy(files, target)
    assert not (target / "other.py").exists()


@pytest.mark.parametrize(
    ("paths", "folder", "expected"),
    [
        (["/api/items", "/api"], "shop", ["/api/*"]),
        (["/api/items"], "templates", ["/*"]),
        (["/apiary"], "shop", ["/*"]),
        (["/"], "shop", ["/*"]),
        ([], "shop", ["/*"]),
    ],
)
def test_an_application_with_pages_gets_every_path(
    tmp_path: Path, paths: list[str], folder: str, expected: list[str]
) -> None:
    (tmp_path / folder).mkdir()
    routes = [Route(path, is_plain=True) for path in paths]

    assert application.application_paths(routes, tmp_path) == expected
