"""Starting, finding and stopping the emulator of one checkout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from emulator.errors import EmulatorError
from emulator.patches import PINNED
from emulator.shared.doors import Doors, NoDoorError
from emulator.shared.home import Holder, Home, read, write

if TYPE_CHECKING:
    from collections.abc import Callable

_SERVE = Path(__file__).with_name("serve.py")
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_HEALTH_SECONDS = 5.0
_POLL_SECONDS = 0.01
_KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class Running:
    """An emulator that answers."""

    endpoint: str
    pid: int
    version: str


@dataclass(frozen=True)
class Credentials:
    """An access key pair."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


class Emulator:
    """The emulator that keeps its state in one folder.

    Args:
        home: its folder, for example `<checkout>/.ship/emulator`.
        python: the interpreter of the environment that holds the emulator and nothing else.
        port: where it answers as AWS; the sites' doors are the ports after it.
        node: the Node.js that runs CloudFront Functions; without one they fail.
        region: the region of requests that name none.

    """

    def __init__(
        self,
        home: Path,
        python: Path,
        port: int = 4566,
        node: Path | None = None,
        region: str = "eu-central-1",
    ) -> None:
        self._home = Home(home)
        self._python = python
        self._port = port
        self._node = node
        self._region = region
        self._doors = Doors(self._home, port)

    def start(self, progress: Callable[[str], None] | None = None) -> Running:
        """Return the emulator that runs, after starting one when none answers.

        Raises:
            EmulatorError: it cannot start, or runs on another port.

        """
        tell = progress or (lambda _: None)
        running = self._usable(tell)
        if running:
            return running
        self._check_python()
        self._make_root()
        tell(f"starting the AWS emulator, ministack {PINNED}, on port {self._port}")
        self._launch()
        return self._healthy()

    def running(self) -> Running | None:
        """Return the emulator that runs and answers; None in a millisecond when none runs."""
        holder = self._home.holder()
        if holder is None or not holder.ready or _health(holder.port).get("pid") != holder.pid:
            return None
        return Running(_endpoint(holder.port), holder.pid, holder.version)

    def stop(self) -> bool:
        """Stop the emulator and wait until its state is saved; True when there was one.

        Raises:
            EmulatorError: it did not end by itself, and was killed.

        """
        holder = self._identified()
        if holder is None:
            return False
        _signal(holder.pid, signal.SIGTERM)
        if self._freed(_STOP_SECONDS):
            return True
        _signal(holder.pid, signal.SIGKILL)
        self._freed(_STOP_SECONDS)
        raise EmulatorError(
            f"the emulator did not stop within {_STOP_SECONDS:.0f} s and was killed: what it"
            " learned since its start is lost, except for S3 objects",
            "run `ship up`, which puts back what is missing",
        )

    def site_url(self, environment: str) -> str:
        """Return the plain address of an environment's site, giving a new preview its door.

        Raises:
            EmulatorError: no such environment can be, or no door is left.

        """
        holder = self._home.holder()
        usable = holder.doors if holder else self._doors.all
        try:
            return _endpoint(self._doors.find(environment, usable))
        except NoDoorError as error:
            raise EmulatorError(*error.args) from error

    def release_door(self, environment: str) -> bool:
        """Free a preview's door for the next preview; True when it had one."""
        return self._doors.release(environment)

    def root(self) -> Credentials:
        """Return the account's root key pair, for bootstrap only.

        Raises:
            EmulatorError: it is withdrawn.

        """
        self._make_root()
        found = read(self._home.root)
        if not found.get("access_key_id"):
            raise EmulatorError(
                "the emulator's root credentials are withdrawn",
                "use an environment's role, or `ship down --wipe` and start anew",
            )
        return Credentials(found["access_key_id"], found["secret_access_key"])

    def withdraw_root(self) -> None:
        """Make the root key pair, and every session that came from it, worthless at once."""
        self._home.make()
        write(self._home.root, {"withdrawn": int(time.time())})

    def restore_root(self) -> Credentials:
        """Make a new root key pair, as the owner of a real account can by the console."""
        self._home.make()
        write(self._home.root, _new_root())
        return self.root()

    def wipe(self) -> None:
        """Remove all state: the account is as new, with another root key pair.

        Raises:
            EmulatorError: the emulator runs.

        """
        import shutil

        if self._home.held():
            raise EmulatorError("the emulator is running", "stop it first: `ship down`")
        shutil.rmtree(self._home.path, ignore_errors=True)

    def _usable(self, tell: Callable[[str], None]) -> Running | None:
        if not self._home.held():
            return None
        running = self._settled()
        if running and running.endpoint != _endpoint(self._port):
            raise EmulatorError(
                f"this checkout's emulator runs at {running.endpoint}, not on port {self._port}",
                "stop it first with `ship down`, or unset SHIP_PORT",
            )
        if running and running.version == PINNED:
            return running
        tell(
            f"replacing the emulator {running.version}" if running else "replacing a dead emulator"
        )
        self.stop()
        return None

    def _settled(self) -> Running | None:
        """Return what runs, with patience for one that is still starting."""
        started = time.monotonic()
        while self._home.held():
            holder, running = self._home.holder(), self.running()
            patience = _HEALTH_SECONDS if holder and holder.ready else _START_SECONDS
            if running or time.monotonic() - started > patience:
                return running
            time.sleep(_POLL_SECONDS)
        return None

    def _check_python(self) -> None:
        if not self._python.exists():
            raise EmulatorError(
                f"the emulator's Python environment is missing: no {self._python}",
                "run `make setup`",
            )

    def _make_root(self) -> None:
        self._home.make()
        if not self._home.root.exists():
            write(self._home.root, _new_root())

    def _launch(self) -> None:
        """Start `serve.py`, which leaves this process, and wait for its one line of report."""
        reader, writer = os.pipe()
        try:
            with _fresh(self._home.log) as log:
                subprocess.run(
                    [*self._command(), "--report", str(writer)],
                    env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(writer,),
                    check=False,
                )
            os.close(writer)
            report = _line(reader, _START_SECONDS)
        finally:
            os.close(reader)
        self._check_report(report)

    def _command(self) -> list[str]:
        promised = ",".join(map(str, self._doors.promised()))
        node = ["--node", str(self._node)] if self._node else []
        return [
            *(str(self._python), str(_SERVE), "--home", str(self._home.path), "--detach"),
            *("--port", str(self._port), "--doors", promised, "--region", self._region),
            *node,
        ]

    def _check_report(self, report: dict[str, Any] | None) -> None:
        if report is None:
            self._kill_half_started()
            raise EmulatorError(
                f"the emulator was not ready within {_START_SECONDS:.0f} s",
                f"read {self._home.log}, then try again",
            )
        if "fault" in report and not report.get("beside"):
            raise EmulatorError(report["fault"], report["hint"])
        if not report:
            raise EmulatorError("the emulator died while it started", f"read {self._home.log}")

    def _kill_half_started(self) -> None:
        holder = self._home.holder()
        if holder:
            _signal(holder.pid, signal.SIGKILL)
            self._freed(_HEALTH_SECONDS)

    def _healthy(self) -> Running:
        running = self._settled()
        if running is None:
            raise EmulatorError(
                "the emulator started but does not answer", f"read {self._home.log}"
            )
        return running

    def _identified(self) -> Holder | None:
        """Return the process to stop, only when it is beyond doubt this folder's emulator.

        The held lock says that the emulator lives, its record says which process it is; that
        process has to say so itself, by its answer or by its command line.
        """
        until = time.monotonic() + _HEALTH_SECONDS
        while self._home.held():
            holder = self._home.holder()
            if holder and self._is_ours(holder):
                return holder
            if time.monotonic() > until:
                raise EmulatorError(
                    f"something holds {self._home.lock} and is not this checkout's emulator",
                    "end the process that has that file open, then try again",
                )
            time.sleep(_POLL_SECONDS)
        return None

    def _is_ours(self, holder: Holder) -> bool:
        if _health(holder.port).get("pid") == holder.pid:
            return True
        found = subprocess.run(
            ["ps", "-ww", "-o", "command=", "-p", str(holder.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return str(_SERVE) in found.stdout and str(self._home.path) in found.stdout

    def _freed(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while self._home.held():
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_SECONDS)
        return True


def _endpoint(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _health(port: int) -> dict[str, Any]:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_HEALTH_SECONDS)
    try:
        connection.request("GET", "/_ship/health")
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    else:
        return answer
    finally:
        connection.close()


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _fresh(log: Path) -> IO[bytes]:
    """Open a new log, keeping the one of the run before."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    return log.open("wb")


def _line(descriptor: int, seconds: float) -> dict[str, Any] | None:
    """Read one JSON line from a pipe: None when time is up, empty when the other end died."""
    import select

    text, until = b"", time.monotonic() + seconds
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return None
        chunk = os.read(descriptor, 4096)
        if not chunk:
            return {}
        text += chunk
    report: dict[str, Any] = json.loads(text)
    return report


def _new_root() -> dict[str, str]:
    import secrets

    letters = "".join(secrets.choice(_KEY_LETTERS) for _ in range(16))
    return {"access_key_id": f"AKIA{letters}", "secret_access_key": secrets.token_urlsafe(30)}
