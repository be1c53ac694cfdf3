import base64
import json
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambda_adapter import commands
from lambda_adapter.errors import UnknownEventError
from lambda_adapter.lambda_handler import LambdaHandler
from tests.fixtures import applications
from tests.fixtures.events import http_api
from tests.lambda_adapter.fake_services import Context
from tests.lambda_adapter.in_memory import Log

VERSION = "arn:aws:lambda:eu-central-1:000000000000:function:serverless-flask-staging:7"
Run = Callable[..., tuple[int | None, str]]


def event(*command: object) -> dict[str, Any]:
    return {"lambda_adapter.command": {"arguments": list(command), "id": "run-1"}}


@pytest.fixture
def run(handler: LambdaHandler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a function that holds the application `minimal`."""
    applications.install("minimal", tmp_path / "backend")
    monkeypatch.syspath_prepend(tmp_path / "backend")

    def send(*command: str, seconds: float = 60) -> tuple[int | None, str]:
        answer = handler(event(*command), Context(seconds, VERSION))
        return answer["status"], base64.b64decode(answer["output"]).decode()

    return send


def test_a_command_of_flask_finds_the_application(run: Run, log: Log) -> None:
    status, output = run("flask", "routes")

    assert status == 0
    assert "/api/items" in output
    printed, record = log.records()
    assert (printed["message"], printed["output"]) == ("output", output)
    assert (record["source"], record["command"]) == ("lambda_adapter.command", "flask")
    assert (record["exit_status"], record["level"]) == (0, "INFO")
    assert printed["request_id"] == record["request_id"] == "run-1"
    assert "requests" not in record, "a command is no request"
    assert "routes" not in record.values(), "an argument may be a secret"


def test_the_exit_status_and_both_outputs_come_back_in_order(run: Run) -> None:
    script = "import sys; print('one'); print('two', file=sys.stderr); print('three'); sys.exit(7)"

    assert run("python", "-c", script) == (7, "one\ntwo\nthree\n")


def test_it_has_the_variables_of_the_function_and_no_input(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop")
    script = "import os, sys; print(os.environ['DATABASE_URL'], sys.stdin.read())"

    assert run("python", "-c", script) == (0, "postgresql://shop \n")


def test_the_application_s_own_commands_write_to_its_instance_folder(
    run: Run, tmp_path: Path
) -> None:
    with (tmp_path / "backend/wsgi.py").open("a") as source:
        source.write("\n\n@app.cli.command()\ndef where():\n    print(app.instance_path)\n")

    assert run("flask", "where") == (0, f"{tempfile.gettempdir()}/instance\n")


def test_a_command_that_no_package_has_is_named_with_those_there_are(run: Run) -> None:
    status, output = run("flusk", "db")

    assert status == 127
    assert "no command 'flusk'" in output
    assert "flask" in output
    assert "Usage: flask " in run("flask", "no-such")[1], "and not the name of our own module"


def test_a_command_is_stopped_with_all_it_started_before_the_function_is(
    run: Run, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    child = f"import time; file = open({str(fifo)!r}, 'w'); print('open'); time.sleep(600)"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"

    assert run("python", "-c", script, seconds=4) == (None, "open\n")

    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b"", "its child has ended"
    os.close(reader)


def test_the_log_has_what_it_prints_while_it_runs(run: Run, log: Log, tmp_path: Path) -> None:
    """The command ends when it finds in the log what it has printed."""
    os.mkfifo(tmp_path / "fifo")

    def answer() -> None:
        with (tmp_path / "fifo").open("w") as fifo:
            while "first" not in log.so_far():
                pass
            fifo.write("go on")

    script = f"print('first'); print(open({str(tmp_path / 'fifo')!r}).read())"
    threading.Thread(target=answer, daemon=True).start()

    assert run("python", "-c", script) == (0, "first\ngo on\n")
    first, rest, _ = log.records()
    assert (first["offset"], first["output"]) == (0, "first\n")
    assert (rest["offset"], rest["output"]) == (len("first\n"), "go on\n")


def test_of_a_long_output_the_end_comes_back_and_the_log_has_all(
    handler: LambdaHandler, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "MAX_OUTPUT", 10)
    script = "print('first line'); print('é' * 40_000)"

    answer = handler(event("python", "-c", script), Context(60, VERSION))

    assert base64.b64decode(answer["output"]).decode(errors="ignore") == "é" * 4 + "\n"
    assert answer["left_out"] == len("first line\n") + 80_001 - 10
    *output, _ = log.records()
    assert len(output) > 2
    assert "".join(record["output"] for record in output) == f"first line\n{'é' * 40_000}\n"
    at = 0
    for record in output:
        assert record["offset"] == at, "no character is cut"
        at += len(record["output"].encode())


def test_output_that_is_no_text_comes_back_as_it_is(handler: LambdaHandler, log: Log) -> None:
    script = r"import sys; sys.stdout.buffer.write(b'\xff\xfe ok \xe2\x82')"

    answer = handler(event("python", "-c", script), Context(60, VERSION))

    assert base64.b64decode(answer["output"]) == b"\xff\xfe ok \xe2\x82"
    *output, _ = log.records()
    assert [(one["offset"], one["output"]) for one in output] == [(0, "�� ok "), (6, "�")]


@pytest.mark.parametrize("arn", [f"{VERSION.removesuffix('7')}live", VERSION.removesuffix(":7")])
def test_an_alias_runs_no_command(
    handler: LambdaHandler, monkeypatch: pytest.MonkeyPatch, arn: str
) -> None:
    """The function itself may invoke its alias, for the warm-up."""
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: 1 / 0)

    with pytest.raises(UnknownEventError, match="never through an alias"):
        handler(event("flask"), Context(60, arn))


@pytest.mark.parametrize(
    "changes",
    [
        *({"lambda_adapter.command": one} for one in (None, [], "flask", ["flask"], {"id": "1"})),
        event(),
        event(1),
        event("a\0b"),
        {"lambda_adapter.command": {"arguments": ["flask"], "id": "two\nlines"}},
        {"lambda_adapter.command": {"arguments": ["flask"], "id": "run-1", "more": 1}},
        {"source": "lambda_adapter.command"},
        {"requestContext": {}},
        {"version": "0", "detail": {}, "detail-type": "x"},
    ],
)
def test_any_other_shape_runs_nothing(
    handler: LambdaHandler, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: 1 / 0)

    with pytest.raises(UnknownEventError, match="not a command"):
        handler(event("flask") | changes, Context(60, VERSION))


def test_no_request_through_the_api_runs_a_command(handler: LambdaHandler) -> None:
    name = "lambda_adapter.command"
    request = http_api(headers={name: '["flask"]'}, body=json.dumps(event("flask")))
    request["queryStringParameters"] = {name: "flask"}

    assert handler(request, None)["statusCode"] == 200
