"""Runs a command of the application in the function: what `ship run` asks for.

The event has one member and nothing else. Only a caller of lambda:InvokeFunction can send that:
API Gateway, SQS, SNS, S3 and EventBridge put members of their own around what anybody sends them.
"""

from __future__ import annotations

import base64
import importlib
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import partial
from importlib import metadata
from typing import IO, TYPE_CHECKING, Any

from lambda_adapter.application import use_temporary_instance_folder
from lambda_adapter.errors import UnknownEventError
from lambda_adapter.lambda_handler import COMMAND

if TYPE_CHECKING:
    from lambda_adapter.config import Settings
    from lambda_adapter.logs import AccessLogEntry, LogStream

MAX_OUTPUT = 4_000_000
"""In bytes: as base64 it fits into the 6 MB of an answer."""

# With `-m` click would take this module's name for the command's.
_PROCESS = "import sys; from lambda_adapter.commands import main; sys.exit(main(sys.argv[1:]))"
_MAX_RECORD = 30_000  # CloudWatch takes 256 KB; JSON may need six bytes for one.
_SPARE_SECONDS = 1.0  # Left for the answer and the log entry.
_MAX_SECONDS = 900.0  # Lambda's own limit, where the context says none.
_NOT_FOUND = 127  # https://www.gnu.org/software/bash/manual/bash.html#Exit-Status


def run(
    event: dict[str, Any],
    context: object,
    settings: Settings,
    log: LogStream,
    entry: AccessLogEntry,
) -> dict[str, Any]:
    """Run the command in a process of its own, and return its exit status and its output.

    It has the function's role, its environment variables and settings, and no input. The status is
    None where it was stopped because the function's time was over. Of an output above `MAX_OUTPUT`
    the end is returned, and the log has all of it.

    Raises:
        UnknownEventError: the event is not a command.
    """
    command = event[COMMAND]
    if len(event) != 1 or not isinstance(command, list) or not command:
        raise _unknown()
    if not all(isinstance(part, str) and "\0" not in part for part in command):
        raise _unknown()
    entry.command = command[0]  # Its arguments may be secrets.
    with tempfile.TemporaryFile() as output:
        status = _run(command, output, settings, _remaining_seconds(context))
        size = output.seek(0, os.SEEK_END)
        output.seek(0)
        if size > MAX_OUTPUT:
            for part in iter(partial(output.readline, _MAX_RECORD), b""):
                fields = {"request_id": entry.request_id, "output": part.decode(errors="replace")}
                log.write_record("INFO", "output", fields)
            output.seek(size - MAX_OUTPUT)
        said = output.read()
    entry.exit_status = status
    entry.status = 200
    return {
        "status": status,
        "output": base64.b64encode(said).decode(),
        "left_out": size - len(said),
    }


def _run(command: list[str], output: IO[bytes], settings: Settings, seconds: float) -> int | None:
    name, *arguments = command
    start = [] if name == "python" else ["-c", _PROCESS, name]
    process = subprocess.Popen(
        [sys.executable, *start, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={
            "FLASK_APP": settings.release.factory,
            **os.environ,
            # Without a buffer both outputs keep their order, and nothing is lost at the limit.
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path),
        },
        start_new_session=True,
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        # What it started would go on with the next request.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _remaining_seconds(context: object) -> float:
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    seconds = remaining() / 1e3 if callable(remaining) else _MAX_SECONDS
    return max(0.1, seconds - _SPARE_SECONDS)


def _unknown() -> UnknownEventError:
    return UnknownEventError(
        f"this is not a command: {COMMAND} is a list of texts and the event's only member; "
        "send it with `ship run`"
    )


def main(arguments: list[str]) -> object:
    """Be the process of a command: call a package's script, as its file in `bin/` would."""
    name = arguments[0]
    scripts = metadata.entry_points(group="console_scripts")
    if name not in scripts.names:
        known = ", ".join(sorted({"python", *scripts.names}))
        sys.stderr.write(f"there is no command {name!r}; the packages in the zip have: {known}\n")
        return _NOT_FOUND
    with suppress(ImportError):
        importlib.import_module("flask")
        use_temporary_instance_folder(tempfile.gettempdir())
    sys.argv = arguments
    return scripts[name].load()()
