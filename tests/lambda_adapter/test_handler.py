"""Importing the handler in a fresh process, as Lambda does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.events import http_api
from tests.lambda_adapter.assembled import assemble

SCRIPT = """
import json, os, sys
from lambda_adapter.handler import handler
answers = [handler(event, None) for event in json.load(sys.stdin)]
print(json.dumps(answers), file=sys.stderr)
"""


def start(folder: Path, name: str, *events: object, script: str = SCRIPT, **variables: str) -> str:
    """Give events to a handler around an application; return what it wrote, or fail with it."""
    assemble(folder, name)
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(events),
        env={"PYTHONPATH": str(folder), "PATH": os.environ["PATH"], **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout + done.stderr


def test_a_foreign_application_is_served_with_the_release_s_identity(tmp_path: Path) -> None:
    lines = start(
        tmp_path,
        "minimal",
        http_api("/api/hello"),
        http_api("/-/version"),
        ENVIRONMENT="dev",
        AWS_LAMBDA_FUNCTION_VERSION="12",
        METRICS_NAMESPACE="hello",
    ).splitlines()

    hello, version = json.loads(lines[-1])
    assert json.loads(hello["body"]) == {"hello": "world"}
    found = json.loads(version["body"])
    assert (found["environment"], found["release"]) == ("dev", "20261123-42-1a2b3c4")
    assert (found["commit"], found["function_version"]) == ("1a2b", "12")
    records = [json.loads(line) for line in lines[:-1]]
    assert [record["route"] for record in records] == ["/api/hello", "/-/version"]
    assert [record["requests"] for record in records] == [1, 1]


def test_the_instance_folder_is_in_the_temporary_folder(tmp_path: Path) -> None:
    script = SCRIPT + "import wsgi\nprint(wsgi.app.instance_path)"

    assert f"{tmp_path}/instance" not in start(tmp_path, "minimal", script=script)
    assert "/scratch/instance" in start(tmp_path, "minimal", script=script, TMPDIR="/scratch")


def test_templates_sessions_and_flashes_work(tmp_path: Path) -> None:
    script = SCRIPT + (
        "cookies = answers[1]['cookies'][0].partition(';')[0]\n"
        "event = dict(json.loads(os.environ['INDEX']), cookies=[cookies])\n"
        "print(json.dumps([*answers, handler(event, None)]), file=sys.stderr)"
    )
    lines = start(
        tmp_path,
        "templates",
        http_api("/"),
        http_api("/cart/tea", "POST"),
        script=script,
        INDEX=json.dumps(http_api("/")),
    ).splitlines()

    empty, added, full = json.loads(lines[-1])
    assert "tea: 4.50 €" in empty["body"]
    assert added["statusCode"] == 302
    assert added["headers"]["location"] == f"https://{http_api()['headers']['host']}/"
    assert "tea is in your cart" in full["body"]
    assert "In your cart: 1" in full["body"]


def test_a_variable_that_makes_no_sense_fails_the_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="LOG_LEVEL is 'LOUD'; set one of DEBUG"):
        start(tmp_path, "minimal", LOG_LEVEL="loud")


def test_an_application_logs_as_json_whatever_it_does_to_standard_output(tmp_path: Path) -> None:
    script = (
        "import io, json, logging, sys\nfrom lambda_adapter.handler import handler\n"
        "import wsgi, contextlib\n"
        "def view():\n"
        "    print('.', end='')\n"
        "    with contextlib.redirect_stdout(io.StringIO()):\n"
        "        logging.getLogger('shop').warning('low on %s', 'tea', extra={'left': 3})\n"
        "    sys.stdout = io.StringIO()\n"
        "    print('lost')\n"
        "    return 'done'\n"
        "wsgi.app.view_functions['items'] = view\n"
        "event = json.load(sys.stdin)[0]\n"
        "assert [handler(event, None)['body'] for _ in range(2)] == ['done'] * 2"
    )
    lines = start(tmp_path, "minimal", http_api("/api/items"), script=script).splitlines()

    assert lines.count(".") == 1
    records = [json.loads(line) for line in lines if line.startswith("{")]
    assert [record["message"] for record in records] == ["low on tea", "event"] * 2
    assert (records[0]["left"], records[0]["logger"]) == (3, "shop")
    assert records[0]["request_id"] == records[1]["request_id"]


def test_an_error_of_the_application_is_one_record_with_its_trace(tmp_path: Path) -> None:
    script = SCRIPT.replace(
        "answers =", "import wsgi\nwsgi.app.view_functions['hello'] = lambda: 1 / 0\nanswers ="
    )
    lines = start(tmp_path, "minimal", http_api("/api/hello"), script=script).splitlines()

    trace, access = (json.loads(line) for line in lines[:-1])
    assert "ZeroDivisionError" in trace["exception"]
    assert (access["status"], access["route"]) == (500, "/api/hello")
    assert trace["request_id"] == access["request_id"]
