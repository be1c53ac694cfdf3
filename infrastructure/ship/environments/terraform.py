"""Terraform, run for one root and one workspace."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ship.errors import ShipError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_CHANGES = 2
_PLAIN = ("-no-color", "-input=false")
_KINDS = frozenset({"create", "update", "delete"})
_TELL_EACH = 10
_SKIPPED_CHECKS = (
    "skip_credentials_validation",
    "skip_region_validation",
    "skip_requesting_account_id",
    "skip_metadata_api_check",
    "use_path_style",
)
_BOX = "╷│╵ "


@dataclass(frozen=True)
class Workspace:
    """A Terraform root and how it is run: where its state lies, with what it is called.

    Without a bucket the state lies beside the root. `backend` is what the S3 backend needs besides
    bucket and region, `variables` are Terraform's,
    `environment` the process's: credentials and endpoint.
    """

    root: Path
    name: str
    data: Path
    bucket: str
    region: str
    backend: dict[str, str]
    emulated: bool
    variables: dict[str, object]
    environment: dict[str, str]


class Terraform:
    """One workspace of one root."""

    def __init__(self, binary: Path, workspace: Workspace, tell: Callable[[str], None]) -> None:
        self._binary = binary
        self._workspace = workspace
        self._tell = tell
        self._done = 0

    def plan(
        self,
        out: Path | None = None,
        *,
        lock: bool = True,
        refresh: bool = True,
        targets: Iterable[str] = (),
    ) -> bool:
        """Plan, and say whether there is anything to change; the plan may be kept in a file.

        Args:
            out: where to keep it.
            lock: whether the state is locked meanwhile.
            refresh: whether what there is is asked for; else the state counts.
            targets: the addresses to look at; all when empty.

        Raises:
            ShipError: Terraform failed.
        """
        self._init()
        kept = [f"-out={out.resolve()}"] if out else []
        locked = [] if lock else ["-lock=false"]
        locked += [] if refresh else ["-refresh=false"]
        locked += [f"-target={address}" for address in targets]
        status = self._run(
            ["plan", *_PLAIN, "-detailed-exitcode", *kept, *locked],
            self._tell,
            allowed=(0, _CHANGES),
        )
        return status == _CHANGES

    def addresses(self) -> list[str]:
        """The addresses of all that is in the state.

        Raises:
            ShipError: Terraform failed.
        """
        self._init()
        found: list[str] = []
        self._run(["state", "list"], found.append)
        return [address for address in found if not address.startswith("data.")]

    def show(self, plan: Path) -> dict[str, Any]:
        """A kept plan, as `terraform show -json` tells it.

        Raises:
            ShipError: it is none of this root's.
        """
        self._init()
        said: list[str] = []
        self._run(["show", "-json", str(plan.resolve())], said.append)
        found: dict[str, Any] = json.loads(next(line for line in said if line.startswith("{")))
        return found

    def apply(self, plan: Path | None = None) -> None:
        """Apply a kept plan, or plan and apply; interrupted, Terraform saves its state first.

        Raises:
            ShipError: Terraform failed, or the plan is stale.
        """
        self._init()
        what = [str(plan.resolve())] if plan else ["-auto-approve"]
        self._run(["apply", *_PLAIN, *what], self._milestone)

    def destroy(self) -> None:
        """Destroy everything in the workspace.

        Raises:
            ShipError: Terraform failed.
        """
        self._init()
        self._run(["destroy", *_PLAIN, "-auto-approve"], self._milestone)

    def _init(self) -> None:
        """Initialise once for each state of the root's lock file and backend."""
        workspace = self._workspace
        options = {"bucket": workspace.bucket, "region": workspace.region, **workspace.backend}
        options |= dict.fromkeys(_SKIPPED_CHECKS, "true") if workspace.is_emulator else {}
        options = options if workspace.bucket else {}
        lock = (workspace.root / ".terraform.lock.hcl").read_bytes()
        wanted = hashlib.sha256(json.dumps(options).encode() + lock).hexdigest()
        stamp = workspace.data / "initialised"
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return
        arguments = [f"-backend-config={name}={value}" for name, value in options.items()]
        fixed = ["-reconfigure", "-lockfile=readonly"]
        self._run(["init", *_PLAIN, *fixed, *arguments], lambda _: None)
        stamp.write_text(wanted, encoding="utf-8")

    def _run(
        self,
        arguments: list[str],
        tell: Callable[[str], None],
        allowed: tuple[int, ...] = (0,),
    ) -> int:
        self._workspace.data.mkdir(parents=True, exist_ok=True)
        command = [str(self._binary), f"-chdir={self._workspace.root}", *arguments]
        said: list[str] = []
        # Terraform shall hear an interrupt once, from us, and save its state: hence the context.
        process = subprocess.Popen(
            command,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        with process, _forwarding(process):
            for line in process.stdout or ():
                said.append(line.rstrip())
                tell(line.rstrip())
            status = process.wait()
        if status not in allowed:
            raise self._fault(arguments[0], said)
        return status

    def _environment(self) -> dict[str, str]:
        workspace = self._workspace
        variables = {
            f"TF_VAR_{name}": value if isinstance(value, str) else json.dumps(value)
            for name, value in workspace.variables.items()
        }
        return {
            **os.environ,
            **workspace.environment,
            **variables,
            "TF_DATA_DIR": str(workspace.data),
            "TF_IN_AUTOMATION": "true",
            "TF_WORKSPACE": workspace.name,
            "CHECKPOINT_DISABLE": "true",
        }

    def _fault(self, command: str, said: list[str]) -> ShipError:
        lines = [line.strip(_BOX) for line in said]
        start = next((i for i, line in enumerate(lines) if line.startswith("Error:")), None)
        shown = lines[start : start + 12] if start is not None else lines[-12:]
        message = " ".join(line for line in shown if line)
        hint = "read Terraform's message; the state is as it says"
        if "state lock" in message.lower():
            hint = (
                "another run holds the state's lock; wait for it, or if it has ended: "
                "`terraform force-unlock` with the lock id in the message"
            )
        if "saved plan is stale" in message.lower():
            hint = "plan again: the infrastructure has changed since that plan was made"
        return ShipError(f"terraform {command} ({self._workspace.name}) failed: {message}", hint)

    def _milestone(self, line: str) -> None:
        """Tell each tenth resource, and the end: an apply makes dozens within seconds."""
        if any(f"{verb} complete" in line for verb in ("Creation", "Destruction", "Modifications")):
            self._done += 1
            if self._done % _TELL_EACH == 0:
                self._tell(f"{self._done} resources done")
        elif line.startswith(("Apply complete", "Destroy complete")):
            self._tell(line)


def kind_of(change: dict[str, Any]) -> str:
    """What a plan does to a resource: create, update, delete, replace; empty for nothing."""
    actions = change["change"]["actions"]
    if len(actions) > 1:
        return "replace"
    return actions[0] if actions[0] in _KINDS else ""


_running: set[subprocess.Popen[str]] = set()


def interrupt() -> None:
    """Interrupt every Terraform that runs; each saves its state and ends in order."""
    for process in tuple(_running):
        process.send_signal(signal.SIGINT)


@contextmanager
def _forwarding(process: subprocess.Popen[str]) -> Iterator[None]:
    """Hand an interrupt on to Terraform; only the main thread ever hears of one."""
    _running.add(process)
    try:
        if threading.current_thread() is threading.main_thread():
            with _interrupts(lambda: process.send_signal(signal.SIGINT)):
                yield
        else:
            yield
    finally:
        _running.discard(process)


@contextmanager
def _interrupts(action: Callable[[], None]) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    old = {number: signal.signal(number, lambda *_: action()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
