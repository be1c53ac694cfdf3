"""Starting, finding and stopping the emulator of one folder."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.errors import EmulatorError, Hints
from emulator.patches import PINNED
from emulator.site_ports import SitePorts
from emulator.state_directory import LockOwner, StateDirectory, read_json, write_json

_SERVE = "emulator.serve"
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
        folder: where its state, its log and its root credentials are.
        python: the interpreter of the environment that holds ministack and nothing else.
        port: where it answers as AWS; the sites are on the ports after it.
        node: the Node.js that runs CloudFront Functions; without one they fail.
        region: the region of requests that name none.
        environments: have fixed site ports, in this order; others get one on demand. Give the
            same names to every object for one folder.
        hints: what the user of the calling program does about common errors.
    """

    def __init__(
        self,
        folder: Path,
        python: Path,
        port: int = 4566,
        node: Path | None = None,
        region: str = "eu-central-1",
        environments: Sequence[str] = (),
        hints: Hints = Hints(),  # noqa: B008 (frozen)
    ) -> None:
        self._directory = StateDirectory(folder)
        self._python = python
        self._port = port
        self._node = node
        self._region = region
        self._environments = environments
        self._site_ports = SitePorts(self._directory, port, environments)
        self._hints = hints

    def start(self, progress: Callable[[str], None] | None = None) -> Running:
        """Return the emulator that runs, after starting one when none answers.

        Raises:
            EmulatorError: it cannot start, or runs on another port.
        """
        report = progress or (lambda _: None)
        if self._directory.is_locked():
            running = self._wait_until_healthy()
            if running and running.endpoint != _endpoint(self._port):
                text = f"the emulator of this folder runs at {running.endpoint}"
                raise EmulatorError(f"{text}, not on port {self._port}", self._hints.running)
            if running and running.version == PINNED:
                return running
            was = running.version if running else "that does not answer"
            report(f"replacing the emulator {was}")
            self.stop()
        if not self._python.exists():
            text = f"the emulator's Python environment is missing: no {self._python}"
            raise EmulatorError(text, self._hints.environment)
        self._create_root()
        report(f"starting the AWS emulator, ministack {PINNED}, on port {self._port}")
        self._launch()
        started = self._wait_until_healthy()
        if started is None:
            raise self._log_error("the emulator started but does not answer")
        return started

    def running(self) -> Running | None:
        """Return the emulator that runs and answers; None in a millisecond when none runs."""
        owner = self._directory.owner()
        if owner is None or not owner.ready or _get_health(owner.port).get("pid") != owner.pid:
            return None
        return Running(_endpoint(owner.port), owner.pid, owner.version)

    def stop(self) -> bool:
        """Stop the emulator and wait until its state is saved; True when there was one.

        Raises:
            EmulatorError: it did not end by itself, and was killed.
        """
        owner = self._find_owner()
        if owner is None:
            return False
        _send_signal(owner.pid, signal.SIGTERM)
        if self._wait_until_unlocked(_STOP_SECONDS):
            return True
        _send_signal(owner.pid, signal.SIGKILL)
        self._wait_until_unlocked(_STOP_SECONDS)
        text = (
            f"the emulator did not stop within {_STOP_SECONDS:.0f} s and was killed: changes that"
        )
        text += " it had not saved are lost, except for S3 objects"
        raise EmulatorError(text, "start it and apply your stacks again")

    def site_url(self, environment: str) -> str:
        """Return the plain address of an environment's site, assigning a port if it has none.

        Raises:
            EmulatorError: the name is not one word, or no port is left.
        """
        owner = self._directory.owner()
        usable = owner.site_ports if owner else self._site_ports.all
        return _endpoint(self._site_ports.find(environment, usable))

    def release_site_port(self, environment: str) -> bool:
        """Free a port that was assigned on demand; True when there was one."""
        return self._site_ports.release(environment)

    @property
    def packages(self) -> Path:
        """A folder for packages of this machine, each set in a folder of its own.

        Functions run in this machine's interpreter. One whose zip holds exactly the compiled
        packages of such a folder, by name and version, gets that folder's files over its own.
        """
        self._directory.create()
        return self._directory.packages

    def root(self) -> Credentials:
        """Return the account's root key pair, for what only an administrator does.

        Raises:
            EmulatorError: it is withdrawn.
        """
        self._create_root()
        found = read_json(self._directory.root)
        if not found.get("access_key_id"):
            raise EmulatorError("the emulator's root credentials are withdrawn", self._hints.root)
        return Credentials(found["access_key_id"], found["secret_access_key"])

    def withdraw_root(self) -> None:
        """Make the root key pair, and every session that came from it, worthless at once."""
        self._directory.create()
        write_json(self._directory.root, {"withdrawn": int(time.time())})

    def restore_root(self) -> Credentials:
        """Make a new root key pair, as the owner of a real account can in the console."""
        self._directory.root.unlink(missing_ok=True)
        return self.root()

    def wipe(self) -> None:
        """Remove all state: the account is as new, with another root key pair.

        Raises:
            EmulatorError: the emulator runs.
        """
        import shutil

        if self._directory.is_locked():
            raise EmulatorError("the emulator is running", self._hints.running)
        shutil.rmtree(self._directory.path, ignore_errors=True)

    def _wait_until_healthy(self) -> Running | None:
        """Return what runs; wait for one that is still starting."""
        started = time.monotonic()
        while self._directory.is_locked():
            owner, running = self._directory.owner(), self.running()
            seconds = _HEALTH_SECONDS if owner and owner.ready else _START_SECONDS
            if running or time.monotonic() - started > seconds:
                return running
            time.sleep(_POLL_SECONDS)
        return None

    def _create_root(self) -> None:
        import secrets

        self._directory.create()
        if not self._directory.root.exists():
            key = "AKIA" + "".join(secrets.choice(_KEY_LETTERS) for _ in range(16))
            pair = {"access_key_id": key, "secret_access_key": secrets.token_urlsafe(30)}
            write_json(self._directory.root, pair)

    def _launch(self) -> None:
        """Start the serving process, which detaches, and wait for its one line of report."""
        node = ["--node", str(self._node)] if self._node else []
        command = [
            *(str(self._python), "-P", "-m", _SERVE, "--folder", str(self._directory.path)),
            *("--port", str(self._port), "--environments", ",".join(self._environments)),
            *("--region", self._region, "--detach", *node),
        ]
        packages = str(Path(__file__).parents[1])
        log_file = self._directory.log
        reader, writer = os.pipe()
        try:
            # There is none at the first start, nor where another start has just moved it.
            with contextlib.suppress(FileNotFoundError):
                log_file.replace(log_file.with_suffix(".log.1"))
            with log_file.open("wb") as log:
                subprocess.run(
                    [*command, "--report", str(writer)],
                    env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": packages},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(writer,),
                    check=False,
                )
            os.close(writer)
            report = _read_line(reader, _START_SECONDS)
        finally:
            os.close(reader)
        if report is None:
            owner = self._directory.owner()
            if owner:
                _send_signal(owner.pid, signal.SIGKILL)
                self._wait_until_unlocked(_HEALTH_SECONDS)
            raise self._log_error(f"the emulator was not ready within {_START_SECONDS:.0f} s")
        if not report:
            raise self._log_error("the emulator died while it started")
        # Another process that started it at the same moment is as good as this one.
        if "error" in report and report["kind"] != "running":
            hint = getattr(self._hints, report["kind"] or "none", report["hint"])
            raise EmulatorError(report["error"], hint)

    def _log_error(self, message: str) -> EmulatorError:
        return EmulatorError(message, f"read {self._directory.log}, then try again")

    def _find_owner(self) -> LockOwner | None:
        """Return the process to stop, only when it is beyond doubt this folder's emulator.

        The held lock says that the emulator lives, its record says which process it is; that
        process has to say so itself, by its health or by its command line.
        """
        until = time.monotonic() + _HEALTH_SECONDS
        while self._directory.is_locked():
            owner = self._directory.owner()
            if owner and self._is_ours(owner):
                return owner
            if time.monotonic() > until:
                text = f"something holds {self._directory.lock} and is not this folder's emulator"
                hint = "end the process that has that file open, then try again"
                raise EmulatorError(text, hint)
            time.sleep(_POLL_SECONDS)
        return None

    def _is_ours(self, owner: LockOwner) -> bool:
        if _get_health(owner.port).get("pid") == owner.pid:
            return True
        command = ["ps", "-ww", "-o", "command=", "-p", str(owner.pid)]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        return _SERVE in found.stdout and str(self._directory.path) in found.stdout

    def _wait_until_unlocked(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while self._directory.is_locked():
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_SECONDS)
        return True


def _endpoint(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _get_health(port: int) -> dict[str, Any]:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_HEALTH_SECONDS)
    try:
        connection.request("GET", "/_emulator/health")
        health: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    else:
        return health
    finally:
        connection.close()


def _send_signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _read_line(descriptor: int, seconds: float) -> dict[str, Any] | None:
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
