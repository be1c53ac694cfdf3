"""Lambda: the process that runs a function's code."""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

from __future__ import annotations

import contextvars
import inspect
import threading
import time
from typing import TYPE_CHECKING

from emulator.patches import patch
from emulator.patches.upstream import Upstream, edit, edit_text

if TYPE_CHECKING:
    from emulator.patches import Settings

_DEFAULT_TIMEOUT = 3
_INIT_FAILED = """except Exception as e:
        _real_stdout.write(json.dumps({"status": "error", "error": str(e)})"""
_LAST_WORDS_SECONDS = 2.0
_FOLLOW_SECONDS = 0.5


@patch("read-only-code", "a function that writes beside its code works here and fails on AWS")
def make_code_read_only(_: Settings) -> None:
    """Let a Python function find its code and its layers on a read-only file system.

    Report: "A function can write to LAMBDA_TASK_ROOT".
    AWS: only /tmp can be written to; elsewhere it is OSError 30, "Read-only file system".
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html
    Permissions do not stop root, as which containers run, so an audit hook refuses. It sees what
    Python does in that process, and neither C libraries nor child processes.
    Reproduce: open a file beside the handler for writing.
    """
    from ministack.core import lambda_runtime

    hook = (
        f"{inspect.getsource(refuse_writes)}\nimport os\nrefuse_writes(os.path.dirname(__file__))\n"
    )
    lambda_runtime._PYTHON_WORKER_SCRIPT = hook + lambda_runtime._PYTHON_WORKER_SCRIPT


def refuse_writes(path: str) -> None:
    """Refuse changes in a folder; runs in functions, which lack this module."""
    import errno
    import os
    import sys
    from pathlib import Path

    folder = Path(path).resolve()
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
    # Which arguments are paths that change: https://docs.python.org/3/library/audit_events.html
    changed = {"os.rename": (0, 1), "os.link": (1,), "os.symlink": (1,)}
    one = ("open", "os.chmod", "os.mkdir", "os.remove", "os.rmdir", "os.utime")
    changed |= dict.fromkeys(one, (0,))

    def check(event: str, given: tuple) -> None:  # type: ignore[type-arg]
        if event not in changed or (event == "open" and not given[2] & writing):
            return
        for path in [given[place] for place in changed[event]]:
            if not isinstance(path, str | bytes | os.PathLike):
                continue
            # With a folder's descriptor, which comes last, a relative path is relative to that.
            named = Path(os.fsdecode(path))
            known = event == "open" or given[-1] == -1 or named.is_absolute()
            if known and (named.parent.resolve() / named.name).is_relative_to(folder):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    sys.addaudithook(check)


@patch("init-traces", "nothing says why a function cannot be imported")
def log_failed_inits(_: Settings) -> None:
    """Write what a function says while it is imported, and the trace, into its log.

    Report: "The log of a function that fails in INIT is empty".
    AWS: the log has the output of the INIT phase and the trace of the exception.
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    Reproduce: invoke a Python function whose module imports another that is not there.
    """
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    # An import can end with sys.exit, too.
    traced = _INIT_FAILED.replace("Exception", "BaseException")
    traced = traced.replace("_real_stdout.write", "traceback.print_exc(); _real_stdout.write")
    lambda_runtime._PYTHON_WORKER_SCRIPT = edit_text(script, _INIT_FAILED, traced)
    edit(lambda_svc, "_execute_function_warm", '"log": "",', '"log": getattr(e, "log", ""),')
    original = lambda_runtime.Worker._spawn

    def spawn(worker: Upstream) -> None:
        try:
            original(worker)
        except RuntimeError as error:
            if worker._stderr_thread:
                worker._stderr_thread.join(_LAST_WORDS_SECONDS)  # It ends with the process.
            error.log = worker._drain_stderr()  # type: ignore[attr-defined]
            raise

    lambda_runtime.Worker._spawn = spawn


class InitTimeoutError(Exception):
    """A function did not get through INIT, neither before its invocation nor within it."""


@patch("init-limit", "a deploy of an application whose import hangs never ends")
def limit_inits(settings: Settings) -> None:
    """Stop INIT after ten seconds, and once more after the function's timeout.

    Report: "An import that hangs blocks its invocation forever".
    AWS: INIT has ten seconds; then it is repeated within the invocation, which has the function's
    timeout and ends with Sandbox.Timedout. The log has an INIT_REPORT for both.
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
    Reproduce: invoke a Python function whose module waits for a lock that it has itself.
    """
    from ministack.core import lambda_runtime

    original, invoke = lambda_runtime.Worker._spawn, lambda_runtime.Worker.invoke

    def read_timeout(worker: Upstream) -> float:
        return float(worker.config.get("Timeout", _DEFAULT_TIMEOUT))

    def spawn(worker: Upstream) -> None:
        log: list[str] = []
        for phase, seconds in (("init", settings.init_seconds), ("invoke", read_timeout(worker))):
            timer = threading.Timer(seconds, lambda: worker._proc and worker._proc.kill())
            timer.start()
            try:
                original(worker)
            except RuntimeError as error:
                if not timer.finished.is_set():
                    raise
                duration = f"{seconds * 1000:.2f} ms"
                report = f"INIT_REPORT Init Duration: {duration}\tPhase: {phase}\tStatus: timeout"
                log += [getattr(error, "log", ""), report]
            else:
                for text in log:
                    worker._stderr_queue.put(text)
                return
            finally:
                timer.cancel()
        raise InitTimeoutError("\n".join(filter(None, log)))

    def invoke_in_time(worker: Upstream, *arguments: Upstream, **options: Upstream) -> Upstream:
        try:
            return invoke(worker, *arguments, **options)
        except InitTimeoutError as error:
            # Upstream knows a timeout by this text, and calls it Sandbox.Timedout.
            message = f"Task timed out after {read_timeout(worker):.2f} seconds"
            return {"status": "error", "error": message, "cold_start": True, "log": str(error)}

    lambda_runtime.Worker._spawn, lambda_runtime.Worker.invoke = spawn, invoke_in_time


@patch("live-logs", "nobody can follow what a long invocation says")
def log_while_it_runs(_: Settings) -> None:
    """Write what a function prints into its log while the invocation runs.

    Report: "The log of an invocation is written when it ends".
    AWS: Lambda sends what a function prints to CloudWatch Logs as it comes.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
    Such lines come before START here, and in a stream of their own.
    Reproduce: let a function print a line and wait; read its log meanwhile.
    """
    from ministack.core import lambda_runtime
    from ministack.services import cloudwatch_logs, lambda_svc

    invoke, emit = lambda_runtime.Worker.invoke, lambda_svc._emit_lambda_logs
    original = lambda_runtime.Worker._spawn
    written: dict[str, int] = {}
    in_init: set[Upstream] = set()

    def spawn(worker: Upstream) -> None:
        in_init.add(worker)  # What INIT says is not taken away from who waits for it.
        try:
            original(worker)
        finally:
            in_init.discard(worker)

    def append(worker: Upstream, request_id: str, lines: list[str]) -> None:
        config, now = worker.config, int(time.time() * 1000)
        default = f"/aws/lambda/{worker.func_name}"
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or default
        if group not in cloudwatch_logs._log_groups:
            return
        empty = {"events": [], "uploadSequenceToken": "1", "creationTime": now}
        empty |= dict.fromkeys(("firstEventTimestamp", "lastEventTimestamp", "lastIngestionTime"))
        stream = cloudwatch_logs._log_groups[group]["streams"].setdefault(request_id, empty)
        events = [{"timestamp": now, "message": line, "ingestionTime": now} for line in lines]
        cloudwatch_logs._append_log_events(stream, events)
        written[request_id] = written.get(request_id, 0) + len(lines)

    def follow(worker: Upstream, request_id: str, said: list[str], ended: threading.Event) -> None:
        while not ended.wait(_FOLLOW_SECONDS):
            if worker not in in_init and (lines := worker._drain_stderr().splitlines()):
                said += lines
                append(worker, request_id, lines)

    def invoke_followed(
        worker: Upstream, event: Upstream, request_id: str, **given: Upstream
    ) -> Upstream:
        said, ended = list[str](), threading.Event()
        context = contextvars.copy_context()  # It says whose account this is.
        arguments = (follow, worker, request_id, said, ended)
        thread = threading.Thread(target=context.run, args=arguments)
        thread.start()
        try:
            response = invoke(worker, event, request_id, **given)
        finally:
            ended.set()
            thread.join()
        if said:
            response["log"] = "\n".join([*said, response.get("log", "")])
        return response

    def emit_rest(
        func: Upstream, request_id: str, log: str, *rest: Upstream, **given: Upstream
    ) -> None:
        lines = log.splitlines()[written.pop(request_id, 0) :]
        emit(func, request_id, "\n".join(lines), *rest, **given)

    lambda_runtime.Worker._spawn, lambda_runtime.Worker.invoke = spawn, invoke_followed
    lambda_svc._emit_lambda_logs = emit_rest
