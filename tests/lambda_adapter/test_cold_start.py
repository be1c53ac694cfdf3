import gc
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from lambda_adapter.cold_start import import_flask, paused_garbage_collection
from tests.fixtures import applications

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "infrastructure/lambda_adapter"

# What the cold start of an API does not load: each costs time or memory, and answers no request.
UNUSED = {
    "asyncio",
    "boto3",
    "botocore",
    "click",
    "concurrent.futures",
    "cryptography",
    "email.parser",
    "flask.cli",
    "flask.templating",
    "flask.testing",
    "http.client",
    "http.server",
    "importlib.metadata",
    "jinja2",
    "lambda_adapter.aws",
    "lambda_adapter.concurrency",
    "lambda_adapter.schedule",
    "lambda_adapter.synthetic_check",
    "multiprocessing",
    "hashlib",
    "requests",
    "tempfile",
    "uuid",
    "socket",
    "ssl",
    "unittest",
    "urllib.request",
    "werkzeug.debug",
    "werkzeug.serving",
    "werkzeug.urls",
    "xml",
    "zipfile",
}
MAX_MODULES = 260

SNIPPETS = {
    "template filter": "app = flask.Flask('x')\n@app.template_filter('euro')\ndef f(c): return c",
    "jinja globals": "app = flask.Flask('x')\napp.jinja_env.globals['x'] = 1",
    "app.cli.command": "app = flask.Flask('x')\n@app.cli.command('a')\ndef f(): pass\n"
    "print(app.test_cli_runner().invoke(args=['a']).exit_code, app.cli.name, *app.cli.commands)",
    "blueprint.cli.command": "bp = flask.Blueprint('b', 'x')\n@bp.cli.command('seed')\ndef f(): 0\n"
    "app = flask.Flask('x')\napp.register_blueprint(bp)\n"
    "print(app.cli.commands, app.cli.commands['b'].commands)",
    "a blueprint's commands at the top": "bp = flask.Blueprint('b', 'x', cli_group=None)\n"
    "@bp.cli.command('seed')\ndef f(): 0\napp = flask.Flask('x')\napp.register_blueprint(bp)\n"
    "print(app.cli.list_commands(None))",
    "click.command": "import click\n@click.command('init-db')\ndef f(): pass\n"
    "app = flask.Flask('x')\napp.cli.add_command(f)\nprint(*app.cli.commands)",
    "jinja2.Environment": "from jinja2 import Environment, FileSystemLoader\n"
    "print(Environment(loader=FileSystemLoader('.')).from_string('{{ 6 * 7 }}').render())",
    "subclass of a jinja2 class": "from jinja2 import Undefined\nclass Quiet(Undefined): pass",
    "except TemplateNotFound": "from jinja2 import TemplateNotFound\napp = flask.Flask('x')\n"
    "with app.app_context():\n    try: flask.render_template('x')\n"
    "    except TemplateNotFound: print('not found')",
    "jinja2.exceptions": "from jinja2.exceptions import TemplateNotFound",
    "render_template_string": "app = flask.Flask('x')\n"
    "with app.app_context(): print(flask.render_template_string('{{ config.DEBUG }}'))",
    "with_appcontext": "from flask.cli import with_appcontext\n@with_appcontext\ndef f(): pass",
    "flask.cli unimported, as flask_smorest": "group = flask.cli.AppGroup('x')\nprint(group.name)",
    "a subclass of flask.cli's, as flask_migrate": "class G(flask.cli.FlaskGroup): pass\nG()",
    "load_dotenv": "from flask.cli import load_dotenv\nprint(load_dotenv(load_defaults=False))",
    "an own environment": "class E(flask.Flask.jinja_environment): pass\n"
    "class F(flask.Flask): jinja_environment = E\nprint(type(F('x').jinja_env).__mro__)",
    "the environment's class": "import jinja2\n"
    "print(issubclass(flask.Flask('x').jinja_environment, jinja2.Environment))",
    "a loader": "import jinja2\n"
    "print(isinstance(flask.Flask('x').jinja_loader, jinja2.BaseLoader))",
    "one function under two names": "import flask.templating\n"
    "print(flask.render_template is flask.templating.render_template)",
    "from flask import *": "from flask import *\nprint(render_template, Flask)",
    "from flask import a function": "from flask import render_template\nprint(render_template)",
    "no such name": "print(hasattr(flask, 'nope'), hasattr(flask.templating, 'nope'))",
    "run_simple after a command": "import werkzeug\napp = flask.Flask('x')\n"
    "@app.cli.command('a')\ndef f(): pass\nimport flask.cli\n"
    "print(werkzeug.run_simple, werkzeug.serving.is_running_from_reloader())\n"
    "print(flask.cli.is_running_from_reloader())",
    "urls": "import werkzeug.urls\napp = flask.Flask('x')\n@app.get('/ü')\ndef f():\n"
    "    return flask.redirect(flask.url_for('f', a='ä ö')), 302\n"
    "print(app.test_client().get('/ü').headers['Location'], werkzeug.urls.uri_to_iri('/%C3%BC'))",
    "run_simple": "import werkzeug\nprint(werkzeug.run_simple, werkzeug.serving.make_server)",
    "a group": "import click\napp = flask.Flask('x')\n@app.cli.group()\ndef g(): pass\n"
    "print(isinstance(app.cli, click.Group), type(app.cli))",
    "a wrong endpoint": "app = flask.Flask('x')\napp.add_url_rule('/', 'index')\n"
    "with app.test_request_context():\n    try: flask.url_for('indes')\n"
    "    except Exception as error: print(error)",
    "a session": "app = flask.Flask('x')\napp.secret_key = 'x'\n"
    "@app.get('/')\ndef f(): flask.session['a'] = (1, b'2'); return 'x'\n"
    "print(app.test_client().get('/').headers['Set-Cookie'].count('.'))",
    "a password": "from werkzeug.security import check_password_hash, generate_password_hash\n"
    "print(check_password_hash(generate_password_hash('a', 'pbkdf2:sha256:9'), 'a'))",
    "an etag": "response = flask.Response('x')\nresponse.add_etag()\nprint(response.headers)",
    "a uuid": "import uuid\napp = flask.Flask('x')\n@app.get('/<uuid:id>')\n"
    "def f(id): return {'id': id, 'same': isinstance(id, uuid.UUID)}\n"
    "print(app.test_client().get(f'/{uuid.UUID(int=7)}').text)",
    "a uuid in a session": "import uuid\napp = flask.Flask('x')\napp.secret_key = 'x'\n"
    "@app.get('/')\ndef f(): flask.session['a'] = uuid.UUID(int=7); return 'x'\n"
    "@app.get('/b')\ndef g(): return repr(flask.session['a'])\n"
    "client = app.test_client()\nclient.get('/')\nprint(client.get('/b').text)",
    "modules of the standard library": "import hashlib, hmac, secrets, uuid, difflib\n"
    "print(hmac.new(b'a', b'b', hashlib.sha256).hexdigest(), len(secrets.token_hex(4)))\n"
    "print(uuid.uuid5(uuid.NAMESPACE_DNS, 'a'), hmac.compare_digest is secrets.compare_digest)",
    "a large upload": "app = flask.Flask('x')\n@app.post('/')\n"
    "def f(): return type(flask.request.files['a'].stream).__name__\n"
    "import io, werkzeug\nclient = werkzeug.Client(app)\n"
    "print(client.post('/', data={'a': (io.BytesIO(bytes(10**6)), 'a')}).text)",
    "a test client": "app = flask.Flask('x')\nprint(app.test_client().get('/').status)",
}  # fmt: skip


def output(script: str, folder: Path) -> list[str]:
    """Run a script in a process of its own, as Lambda starts one."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={"PYTHONPATH": f"{folder}{os.pathsep}{PACKAGE.parent}", "PATH": os.environ["PATH"]},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# In a process of its own each: what one imports, the next one would find.
RUN = """
import contextlib, io, json, os, flask
printed = {}
for name, snippet in SNIPPETS.items():
    reader, writer = os.pipe()
    if not os.fork():
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(snippet, {"flask": flask, "__name__": "__main__"})
        os.write(writer, out.getvalue().encode())
        os._exit(0)
    os.close(writer)
    printed[name] = os.fdopen(reader).read().splitlines()
    assert os.wait()[1] == 0, name
print(json.dumps(printed))
"""
LAZILY = """
from lambda_adapter import cold_start
cold_start.import_flask()
import sys
assert not set(cold_start._DEFERRED) & set(sys.modules)
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, list[str]]]:
    """What each snippet prints in plain Python, and where Flask was imported lazily."""
    folder, script = tmp_path_factory.mktemp("snippets"), f"SNIPPETS = {SNIPPETS!r}\n{RUN}"
    return [json.loads(output(prelude + script, folder)[0]) for prelude in ("", LAZILY)]


@pytest.mark.parametrize("name", SNIPPETS)
def test_ordinary_flask_code_behaves_as_in_plain_python(
    name: str, printed: list[dict[str, list[str]]]
) -> None:
    plain, lazy = ([line.partition(" at 0x")[0] for line in one[name]] for one in printed)

    assert lazy == plain


def test_an_application_without_templates_loads_nothing_that_it_does_not_use(
    tmp_path: Path,
) -> None:
    applications.install("minimal", tmp_path)
    event = (ROOT / "tests/fixtures/events/http_api.json").read_text("utf-8")
    (loaded,) = output(
        "import sys\nbefore = set(sys.modules)\n"
        "from lambda_adapter.cold_start import import_flask\nimport_flask()\n"
        "import json, io\nfrom lambda_adapter.application import load_application\n"
        "from lambda_adapter.config import Settings\n"
        "from lambda_adapter.lambda_handler import LambdaHandler\n"
        "from lambda_adapter.logs import LogStream\n"
        "log = LogStream(io.TextIOWrapper(io.BytesIO()))\n"
        "handler = LambdaHandler(load_application('wsgi:app'), Settings(), log)\n"
        f"event = json.loads({event!r})\n"
        "for path in ('/api/hello', '/api/items', '/-/version'):\n"
        "    handler(event | {'rawPath': path}, None)\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))",
        tmp_path,
    )

    assert "flask" in json.loads(loaded)
    assert not UNUSED & set(json.loads(loaded))
    assert len(json.loads(loaded)) < MAX_MODULES


def test_a_python_without_the_private_modules_takes_the_public_ones(tmp_path: Path) -> None:
    """They load faster, and the next Python may have them elsewhere: then this test says so."""
    script = (
        "from lambda_adapter import connection, events, signing\n"
        "print(*(one.__name__ for one in (\n"
        "    signing.sha256, connection.sockets, events.compare_digest)))"
    )
    without = (
        "import hashlib, hmac, socket, sys\n"
        "for name in ('_operator', '_sha2', '_socket'): sys.modules[name] = None\n"
    )

    assert output(script, tmp_path) == ["sha256 _socket _compare_digest"]
    assert output(without + script, tmp_path) == ["openssl_sha256 socket compare_digest"]


def test_a_command_of_the_application_brings_no_server(tmp_path: Path) -> None:
    applications.install("templates", tmp_path)

    assert output(
        "import sys\nfrom lambda_adapter.cold_start import import_flask\nimport_flask()\n"
        "from lambda_adapter.application import load_application\n"
        "load_application('shop:create_app')\n"
        "print([name for name in ('flask.cli', 'werkzeug.serving', 'http.server', 'ssl')\n"
        "       if name in sys.modules])",
        tmp_path,
    ) == ["['flask.cli']"]


def test_only_flask_and_werkzeug_keep_what_stands_in(tmp_path: Path) -> None:
    (kept,) = output(
        "from lambda_adapter import cold_start\ncold_start.import_flask()\nimport sys\n"
        "lazy = (cold_start.LazyModule, cold_start.LazyAttribute)\n"
        "print(*{name.partition('.')[0] for name, module in sys.modules.items()\n"
        "       if any(isinstance(value, lazy) for value in list(vars(module).values()))})",
        tmp_path,
    )

    assert set(kept.split()) == {"flask", "itsdangerous", "werkzeug"}


def test_without_flask_nothing_is_imported(tmp_path: Path) -> None:
    (tmp_path / "flask.py").write_text("raise ModuleNotFoundError('flask')")

    assert output(
        "import sys\nfrom lambda_adapter.cold_start import import_flask\nimport_flask()\n"
        "print([name for name in ('flask', 'click', 'jinja2') if name in sys.modules])",
        tmp_path,
    ) == ["[]"]


def test_a_flask_that_needs_more_while_it_is_imported_gets_it(tmp_path: Path) -> None:
    """As a next version could: a class, a call and a submodule of what is deferred."""
    (tmp_path / "flask").mkdir()
    (tmp_path / "flask/__init__.py").write_text(
        "import click\nfrom jinja2 import Environment\n"
        "class Own(Environment): pass\nnumber = click.IntRange(1, 2)\n"
    )
    assert output(
        "from lambda_adapter.cold_start import import_flask\nimport_flask()\n"
        "import flask, jinja2, click\n"
        "print(issubclass(flask.Own, jinja2.Environment))\n"
        "print(isinstance(flask.number, click.IntRange))",
        tmp_path,
    ) == ["True", "True"]

    (tmp_path / "flask/__init__.py").write_text("from jinja2.loaders import BaseLoader\n")
    assert output(
        "from lambda_adapter.cold_start import import_flask\nimport_flask()\n"
        "import flask, jinja2\nprint(flask.BaseLoader is jinja2.BaseLoader)",
        tmp_path,
    ) == ["True"]


def test_a_flask_that_is_imported_already_stays_as_it_is() -> None:
    names = ("flask", "click", "jinja2", "flask.cli")
    before = {name: sys.modules.get(name) for name in names}

    import_flask()

    assert {name: sys.modules.get(name) for name in names} == before


@pytest.mark.parametrize("was_collecting", [True, False])
def test_garbage_is_not_collected_meanwhile_and_is_afterwards_if_it_was(
    was_collecting: bool,
) -> None:
    if not was_collecting:
        gc.disable()
    try:
        with suppress(RuntimeError), paused_garbage_collection():
            assert not gc.isenabled()
            raise RuntimeError
        assert gc.isenabled() is was_collecting
    finally:
        gc.enable()
