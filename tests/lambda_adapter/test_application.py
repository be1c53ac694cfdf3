import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import pytest

from lambda_adapter.application import load_application, use_temporary_instance_folder
from lambda_adapter.errors import ApplicationError
from tests.fixtures import applications

FORMS = {
    "app": "def app(environ, start_response): ...",
    "Class": "class Class:\n    def __init__(self, environ, start_response): ...",
    "flask": "import flask\nflask = flask.Flask('x')",
    "flask.wsgi_app": "import flask\nflask = flask.Flask('x')",
    "create": "import flask\ndef create(): return flask.Flask('x')",
    "optional": "import flask\ndef optional(config=None, *, debug=False): return flask.Flask('x')",
    "Factory": "class Factory:\n    def __call__(self, environ, start_response): ...",
    "wrapped": "import werkzeug.middleware.proxy_fix as m\nwrapped = m.ProxyFix(print)",
    "without_signature": "without_signature = type",
    "partial": "import functools, flask\npartial = functools.partial(flask.Flask, 'x')",
}
NOT_WSGI = {
    "number = 7": ("number", "is not callable but int"),
    "def needs(config): ...": ("needs", "takes (config); give a factory's arguments default"),
    "async def asgi(scope, receive, send): ...": ("asgi", "ASGI; wrap it"),
    "def nothing(): ...": ("nothing", "returned None; end it with `return`"),
    "def text(): return 'x'": ("text()", "is not callable but str"),
    "def three(): return lambda a, b, c: 0": ("three()", "ASGI"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that modules are imported from, and forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    applications.forget(tmp_path)


def refusal(spec: str) -> str:
    with pytest.raises(ApplicationError) as caught:
        load_application(spec)
    return str(caught.value)


@pytest.mark.parametrize("name", FORMS)
def test_an_application_and_a_factory_are_told_apart(folder: Path, name: str) -> None:
    (folder / "forms.py").write_text(FORMS[name])

    application = load_application(f"forms:{name}")

    assert callable(application)
    is_factory = name in ("create", "optional", "Factory", "partial")
    found: Any = sys.modules["forms"]
    for part in name.split("."):
        found = getattr(found, part)
    assert (application == found) is not is_factory


@pytest.mark.parametrize("name", ["minimal", "templates"])
def test_applications_of_other_people_are_loaded(folder: Path, name: str) -> None:
    factory = applications.install(name, folder)

    assert type(load_application(factory)).__name__ == "Flask"


@pytest.mark.parametrize("source", NOT_WSGI)
def test_what_is_not_a_wsgi_application_is_refused(folder: Path, source: str) -> None:
    (folder / "forms.py").write_text(source)
    spec, reason = NOT_WSGI[source]

    message = refusal(f"forms:{spec.removesuffix('()')}")

    assert f"'forms:{spec}" in message
    assert reason in message


@pytest.mark.parametrize("spec", ["", "app", ":create_app", "app:", "app.create_app"])
def test_a_factory_needs_a_module_and_a_name(spec: str) -> None:
    assert 'like "app:create_app"' in refusal(spec)


@pytest.mark.parametrize("name", ["nope", "app.nope", "app.name.nope"])
def test_a_name_that_is_missing_is_refused(folder: Path, name: str) -> None:
    factory = applications.install("minimal", folder)

    message = refusal(f"{factory.partition(':')[0]}:{name}")

    assert f"the module wsgi has no {name}" in message


@pytest.mark.parametrize("spec", ["nothing_here:app", "nothing_here.wsgi:app"])
def test_a_module_that_is_missing_is_refused(spec: str) -> None:
    assert "set factory in [tool.ship.application]" in refusal(spec)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "broken_dependency",
            [
                "ModuleNotFoundError in wsgi, line 1: No module named 'not_in_the_zip'",
                "add the package to backend/requirements.in",
                "    import not_in_the_zip",
            ],
        ),
        (
            "broken_import",
            [
                "KeyError in wsgi, line 6",
                "import it in a Python shell in backend/",
                'wsgi.py", line 6, in <module>',
                "KeyError: 'A_VARIABLE_THAT_NOBODY_SET'",
            ],
        ),
        ("broken_object", ["'wsgi:app' is not callable but dict"]),
        ("broken_return", ["'wsgi:create_app' returned None"]),
    ],
)
def test_a_broken_application_says_where_and_why(folder: Path, name: str, words: list[str]) -> None:
    message = refusal(applications.install(name, folder))

    for word in words:
        assert word in message
    assert "importlib" not in message


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = (", "SyntaxError in {folder}/forms.py, line 1"),
        ("\n\nimport sys; sys.exit('canary')", "SystemExit in forms, line 3: canary"),
        ("def app():\n    raise RuntimeError('canary')", "RuntimeError in forms, line 2: canary"),
        ("import os\nos.makedirs(None)", "TypeError in forms, line 2: "),
        ("import errno\nraise OSError(errno.EROFS, '')", "in Lambda only /tmp can be written to"),
        ("import distutils.util", "add the package setuptools to backend/requirements.in"),
        ("from wsgi import nope", "ImportError in forms, line 1: cannot import name 'nope'"),
    ],
)
def test_what_raises_is_named_with_module_and_line(folder: Path, source: str, words: str) -> None:
    applications.install("minimal", folder)
    (folder / "forms.py").write_text(source)

    assert words.format(folder=folder) in refusal("forms:app")


def test_a_trace_is_cut_to_its_end(folder: Path) -> None:
    (folder / "forms.py").write_text("def app(depth=0):\n    return app(depth + 1)")

    message = refusal("forms:app")

    assert "RecursionError" in message
    assert len(message.splitlines()) < 12


def test_an_instance_folder_is_made_where_an_application_can_write(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flask.Flask, "auto_find_instance_path", flask.Flask.auto_find_instance_path)
    (folder / "shop").mkdir()
    (folder / "shop/__init__.py").write_text(
        "import flask\napp = flask.Flask(__name__)\n"
        "named = flask.Flask(__name__, instance_path=app.root_path)\n"
    )
    use_temporary_instance_folder("/scratch")

    assert flask.Flask("shop").instance_path == "/scratch/instance"
    named: Any = load_application("shop:named")
    assert named.instance_path == str(folder / "shop")
    (folder / "instance").mkdir()
    assert flask.Flask("shop").instance_path == str(folder / "instance")
