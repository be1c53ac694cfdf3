from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lambda_adapter import cold_start
from lambda_adapter.cold_start import lean

ROOT = Path(__file__).parents[2]

# What no cold start may load: each costs time or memory, and answers no request.
BUDGET = {
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
    "multiprocessing",
    "backend.cloudwatch",
    "backend.environments",
    "backend.openapi",
    "backend.self_check",
    "backend.status",
    "requests",
    "socket",
    "ssl",
    "unittest",
    "urllib.request",
    "urllib3",
    "werkzeug.debug",
    "werkzeug.serving",
    "xml",
    "zipfile",
}
MOST_MODULES = 260


def run_in_a_new_process(script: str) -> str:
    environ = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_cold_start_loads_nothing_that_answers_no_request() -> None:
    loaded = json.loads(
        run_in_a_new_process(
            "import sys\nbefore = set(sys.modules)\nimport lambda_adapter.handler, json\n"
            "print(json.dumps(sorted(set(sys.modules) - before)))"
        )
    )

    assert BUDGET.isdisjoint(loaded)
    assert "flask" in loaded
    assert len(loaded) < MOST_MODULES


def test_a_request_does_not_load_it_either() -> None:
    event = json.dumps((ROOT / "tests/fixtures/events/http_api.json").read_text("utf-8"))
    loaded = run_in_a_new_process(
        f"import json, sys\nfrom lambda_adapter.handler import handler\nevent = json.loads({event})\n"
        "for path in ('/api/health', '/api/version', '/api/config', '/api/nothing'):\n"
        "    handler(event | {'rawPath': path}, None)\n"
        "print(json.dumps(sorted(sys.modules)))"
    ).splitlines()[-1]

    assert BUDGET.isdisjoint(json.loads(loaded))


def test_what_was_left_out_works_once_it_is_asked_for() -> None:
    output = run_in_a_new_process(
        "from lambda_adapter.handler import handler\n"
        "import click, flask\n"
        "app = handler._app\n"
        "with app.test_request_context('/x'):\n"
        "    print(flask.render_template_string('{{ request.path }} {{ 6 * 7 }}'))\n"
        "app.cli.command('hello')(lambda: click.echo('command'))\n"
        "print(sorted(app.cli.commands), app.cli.name)\n"
        "print(app.test_cli_runner().invoke(args=['hello']).output.strip())\n"
        "print(app.test_client().get('/api/health').json)\n"
        "import jinja2, werkzeug.serving, flask.cli, flask.templating\n"
        "print(isinstance(app.jinja_env, jinja2.Environment), type(app.jinja_loader).__name__)\n"
        "print(werkzeug.serving.run_simple.__module__, flask.cli.AppGroup.__module__)\n"
    ).splitlines()

    assert output == [
        "/x 42",
        "['hello'] backend",
        "command",
        "{'status': 'ok'}",
        "True FileSystemLoader",
        "werkzeug.serving flask.cli",
    ]


def test_a_cold_start_that_fails_leaves_nothing_behind() -> None:
    output = run_in_a_new_process(
        "import gc, sys\nfrom backend.cold_start import lean\n"
        "try:\n"
        "    with lean():\n"
        "        print('jinja2' in sys.modules, gc.isenabled())\n"
        "        raise RuntimeError\n"
        "except RuntimeError:\n"
        "    print('jinja2' in sys.modules, gc.isenabled())\n"
    )

    assert output.splitlines() == ["True False", "False True"]


def test_where_flask_is_loaded_already_nothing_is_replaced() -> None:
    modules = {name: sys.modules.get(name) for name in ("click", "jinja2", "flask.cli")}

    with lean():
        assert {name: sys.modules.get(name) for name in modules} == modules
        assert not gc.isenabled()

    assert {name: sys.modules.get(name) for name in modules} == modules
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with lean():
            """Nothing is imported."""
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_stand_in_is_there_as_long_as_flask_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "flask")
    monkeypatch.setattr(cold_start, "_DEFERRED", ("slow_module",))

    with lean():
        assert isinstance(sys.modules["slow_module"], cold_start._StandIn)
    assert "slow_module" not in sys.modules


def test_a_stand_in_hands_a_call_on_to_the_real_module() -> None:
    stand_in = cold_start._StandIn("json")

    assert stand_in.dumps([1], indent=None) == "[1]"
    assert not hasattr(stand_in, "__path__")


def test_commands_are_made_when_somebody_adds_one() -> None:
    group = cold_start._StandIn("flask.cli").AppGroup()
    group.name = "application"

    assert not group.commands
    group.command("hello")(lambda: None)
    assert list(group.commands) == ["hello"]
    assert group.get_command(None, "hello").name == "hello"
