"""Runs a command of the application in the function: what `ship run` asks for.

The event has one member and nothing else. Only a caller of lambda:InvokeFunction can send that:
API Gateway, SQS, SNS, S3 and EventBridge put members of their own around what anybody sends them.
And it is taken for a version by its number only: the function may invoke its own alias, for the
warm-up, so an alias runs no commands.
"""

from __future__ import annotations

import base64
import codecs
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib import metadata
from typing import TYPE_CHECKING, Any

from lambda_adapter import request_ids
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
_LOG_SECONDS = 0.5  # How often the log gets what is new.
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

    It has the function's role, its environment variables and settings, and no input. The log gets
    its output while it runs, in records with the id that the caller gave and the place of their
    first byte. The status is None where it was stopped because the function's time was over. Of an
    output above `MAX_OUTPUT` the end is returned.

    Raises:
        UnknownEventError: the event is not a command, or came through an alias.
    """
    command, entry.request_id = _read(event)
    # https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    qualifier = str(getattr(context, "invoked_function_arn", "")).rpartition(":")[2]
    if qualifier != settings.function_version:
        raise UnknownEventError(
            "commands run in a version by its number, never through an alias; use `ship run`"
        )
    entry.command = command[0]  # Its arguments may be secrets.
    with tempfile.TemporaryFile() as file:
        output = _Output(file.fileno(), log, entry.request_id)
        status = _run(command, output, settings, _remaining_seconds(context))
        output.log(final=True)
        size = os.fstat(file.fileno()).st_size
        left_out = max(0, size - MAX_OUTPUT)
        said = os.pread(file.fileno(), MAX_OUTPUT, left_out)
    entry.exit_status = status
    entry.status = 200
    return {"status": status, "output": base64.b64encode(said).decode(), "left_out": left_out}


class _Output:
    """What a command prints: in a file, and from there in the log."""

    def __init__(self, file: int, log: LogStream, request_id: str) -> None:
        self.file = file
        self._log = log
        self._request_id = request_id
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._read = 0
        self._logged = 0

    def log(self, *, final: bool = False) -> None:
        """Log what is new, but for half a character."""
        # The process writes at the file's own position, which this does not move.
        while part := os.pread(self.file, _MAX_RECORD, self._read):
            self._read += len(part)
            self._write(self._decoder.decode(part))
        if final:
            self._write(self._decoder.decode(b"", final=True))

    def _write(self, text: str) -> None:
        fields = {"request_id": self._request_id, "offset": self._logged, "output": text}
        self._logged = self._read - len(self._decoder.getstate()[0])
        if text:
            self._log.write_record("INFO", "output", fields)


def _run(command: list[str], output: _Output, settings: Settings, seconds: float) -> int | None:
    name, *arguments = command
    start = [] if name == "python" else ["-c", _PROCESS, name]
    until = time.monotonic() + seconds
    process = subprocess.Popen(
        [sys.executable, *start, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output.file,
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
        while (left := until - time.monotonic()) > 0:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(min(_LOG_SECONDS, left))
            output.log()
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


def _read(event: dict[str, Any]) -> tuple[list[str], str]:
    """The command and the id of an event."""
    given = event[COMMAND]
    if len(event) == 1 and isinstance(given, dict) and given.keys() == {"arguments", "id"}:
        command, identity = given["arguments"], given["id"]
        is_list = isinstance(command, list) and bool(command)
        is_text = is_list and all(isinstance(part, str) and "\0" not in part for part in command)
        if is_text and request_ids.choose(identity) == identity:
            return command, identity
    raise UnknownEventError(
        f"this is not a command: {COMMAND} is the event's only member, with `arguments`, a list of "
        "texts, and an `id`; send it with `ship run`"
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
