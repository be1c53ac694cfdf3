"""Terraform, run for one root and one workspace."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ship.errors import ShipError

# https://developer.hashicorp.com/terraform/cli/commands/plan#detailed-exitcode
_CHANGES = 2
_KINDS = frozenset({"create", "update", "delete"})
# The S3 backend would ask AWS itself about the emulator's credentials.
# https://developer.hashicorp.com/terraform/language/backend/s3#configuration
_SKIPPED_CHECKS = (
    "skip_credentials_validation",
    "skip_requesting_account_id",
    "skip_metadata_api_check",
    "use_path_style",
)


@dataclass(frozen=True)
class Workspace:
    """A Terraform root and how it is run.

    Attributes:
        root: the folder of the configuration.
        name: the workspace.
        data: Terraform's own folder (TF_DATA_DIR).
        bucket: holds the state; empty keeps the state beside the configuration, which is a copy.
        region: the bucket's region.
        backend: what the S3 backend needs besides bucket and region.
        is_emulator: whether the backend talks to an emulator.
        variables: Terraform's variables.
        environment: the process's variables: credentials and endpoint.
    """

    root: Path
    name: str
    data: Path
    bucket: str
    region: str
    backend: dict[str, str]
    is_emulator: bool
    variables: dict[str, object]
    environment: dict[str, str]


class TerraformKilledError(ShipError):
    """Terraform did not end by itself: its state may lack what it has made last."""


def copy_root(root: Path, folder: Path, *left_out: str) -> Path:
    """Copy a root, with the modules beside it, to change the copy.

    Args:
        root: the folder of the configuration.
        folder: where the copy goes.
        left_out: files that the copy does not get.
    """
    copy = folder / root.name
    ignored = shutil.ignore_patterns("tests", ".terraform", "*.tfstate*", *left_out)
    shutil.copytree(root, copy, ignore=ignored)
    shutil.copytree(root.parent / "modules", folder / "modules")
    return copy


def _without_tokens() -> dict[str, str]:
    """The environment without GitHub's tokens: no provider needs them."""
    return {k: v for k, v in os.environ.items() if k not in ("GITHUB_TOKEN", "GH_TOKEN")}


class Terraform:
    """One workspace of one root."""

    def __init__(self, binary: Path, workspace: Workspace, log: Callable[[str], None]) -> None:
        self._binary = binary
        self._workspace = workspace
        self._log = log
        self._done = 0

    def plan(
        self,
        out: Path | None = None,
        *,
        lock: bool = True,
        refresh: bool = True,
        targets: Iterable[str] = (),
    ) -> bool:
        """Plan, and say whether there is anything to change.

        Args:
            out: a file for the plan.
            lock: whether the state is locked meanwhile.
            refresh: whether the real resources are read; else the state counts.
            targets: the addresses to look at; all when empty.
        """
        self._init()
        # Terraform resolves paths from the folder that -chdir names.
        options = [f"-out={out.resolve()}"] if out else []
        options += [] if lock else ["-lock=false"]
        options += [] if refresh else ["-refresh=false"]
        options += [f"-target={address}" for address in targets]
        arguments = ["plan", "-input=false", "-detailed-exitcode", *options]
        return self._run(arguments, self._log, allowed=(0, _CHANGES)) == _CHANGES

    def state(self) -> dict[str, dict[str, Any]]:
        """The attributes of every managed resource in the state, by address.

        They may hold secrets: nothing of them may be printed.
        """
        self._init()
        # It loads no provider, so it takes a fraction of what `terraform show` does.
        # https://developer.hashicorp.com/terraform/cli/commands/state/pull
        lines: list[str] = []
        self._run(["state", "pull"], lines.append)
        # Warnings may stand before and after the document; there is none before a first apply.
        start = lines.index("{") if "{" in lines else len(lines)
        document, _ = json.JSONDecoder().raw_decode("\n".join([*lines[start:], "{}"]))
        found: dict[str, dict[str, Any]] = {}
        for resource in document.get("resources", []):
            module = f"{resource['module']}." if "module" in resource else ""
            address = f"{module}{resource['type']}.{resource['name']}"
            for instance in resource["instances"] if resource["mode"] == "managed" else ():
                key = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
                found[f"{address}{key}"] = instance["attributes"]
        return found

    def show(self, plan: Path) -> dict[str, Any]:
        """A saved plan, as `terraform show -json` prints it."""
        self._init()
        lines: list[str] = []
        self._run(["show", "-json", str(plan.resolve())], lines.append)
        found: dict[str, Any] = json.loads(next(line for line in lines if line.startswith("{")))
        return found

    def apply(self, plan: Path | None = None) -> None:
        """Apply a saved plan, or plan and apply; interrupted, Terraform saves its state first."""
        self._init()
        what = [str(plan.resolve())] if plan else ["-auto-approve"]
        self._run(["apply", "-input=false", *what], self._log_milestone)

    def destroy(self) -> None:
        """Destroy everything in the workspace."""
        self._init()
        self._run(["destroy", "-input=false", "-auto-approve"], self._log_milestone)

    def _init(self) -> None:
        """Initialise once for each backend and each content of the lock file and the `.tf` files.

        These name the modules, which `terraform init` installs.
        """
        workspace = self._workspace
        # AWS adds regions after a Terraform was released, which refuses those it does not know.
        options = {"bucket": workspace.bucket, "region": workspace.region, **workspace.backend}
        options["skip_region_validation"] = "true"
        options |= dict.fromkeys(_SKIPPED_CHECKS, "true") if workspace.is_emulator else {}
        options = options if workspace.bucket else {}
        if not workspace.bucket:
            # An override file replaces the backend.
            # https://developer.hashicorp.com/terraform/language/files/override
            override = workspace.root / "backend_override.tf"
            override.write_text('terraform {\n  backend "local" {}\n}\n', encoding="utf-8")
        files = [workspace.root / ".terraform.lock.hcl", *sorted(workspace.root.glob("*.tf"))]
        contents = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
        wanted = hashlib.sha256(json.dumps([options, contents]).encode()).hexdigest()
        stamp = workspace.data / "initialised"
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return
        arguments = [f"-backend-config={name}={value}" for name, value in options.items()]
        # -reconfigure: another account's bucket is another state, and nothing to migrate.
        # -lockfile=readonly: init must not add hashes of this machine's platform to the lock file.
        # https://developer.hashicorp.com/terraform/cli/commands/init
        fixed = ["-reconfigure", "-lockfile=readonly"]
        self._run(["init", "-input=false", *fixed, *arguments], lambda _: None)
        stamp.write_text(wanted, encoding="utf-8")

    def _run(
        self, arguments: list[str], log: Callable[[str], None], allowed: tuple[int, ...] = (0,)
    ) -> int:
        workspace = self._workspace
        workspace.data.mkdir(parents=True, exist_ok=True)
        variables = {
            f"TF_VAR_{name}": value if isinstance(value, str) else json.dumps(value)
            for name, value in workspace.variables.items()
        }
        output: list[str] = []
        # A session of its own: a terminal sends Ctrl-C to the whole process group, and Terraform
        # stops at once, without saving its state, when it gets a second interrupt.
        # https://github.com/hashicorp/terraform/issues/7190
        process = subprocess.Popen(
            # Errors of `show -json` and `state pull` are coloured, too.
            [str(self._binary), f"-chdir={workspace.root}", *arguments, "-no-color"],
            env={
                **_without_tokens(),
                **workspace.environment,
                **variables,
                "TF_DATA_DIR": str(workspace.data),
                "TF_IN_AUTOMATION": "true",
                "TF_WORKSPACE": workspace.name,
                # Otherwise every run asks HashiCorp for a newer version.
                # https://developer.hashicorp.com/terraform/cli/commands
                "CHECKPOINT_DISABLE": "true",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        with process, _forward_interrupts(process):
            for line in process.stdout or ():
                output.append(line.rstrip())
                log(line.rstrip())
            status = process.wait()
        if status < 0:
            raise TerraformKilledError(
                f"terraform {arguments[0]} ({workspace.name}) was killed by signal {-status}",
                "run the command again: it records what this one has made, and goes on",
            )
        if status not in allowed:
            raise self._error(arguments[0], output)
        return status

    def _error(self, command: str, output: list[str]) -> ShipError:
        # Terraform draws a box around errors.
        lines = [line.strip("╷│╵ ") for line in output]
        start = next((i for i, line in enumerate(lines) if line.startswith("Error:")), None)
        shown = lines[start : start + 12] if start is not None else lines[-12:]
        message = " ".join(line for line in shown if line)
        hint = "read Terraform's message; what it has done so far is in the state"
        if "state lock" in message.lower():
            hint = (
                "another run holds the state's lock; wait for it, or if it has ended: "
                "`terraform force-unlock` with the lock id in the message"
            )
        if "already exist" in message.lower():
            hint = (
                "a dead run may have made it, or somebody by hand: delete it, or record it with "
                "`terraform import`, then run the command again"
            )
        # The last is CloudFront's word for a missing wafv2:GetWebACL.
        denials = ("not authorized to perform", "accessdenied", "verify read permissions")
        if any(one in message.lower() for one in denials):
            hint = (
                "the role may not do this: name the service in `uses` of [tool.ship], widen the "
                "role with `ship bootstrap --aws` (on the emulator `ship up`), and run this again"
            )
        if "saved plan is stale" in message.lower():
            hint = "plan again: the infrastructure has changed since that plan was made"
        return ShipError(f"terraform {command} ({self._workspace.name}) failed: {message}", hint)

    def _log_milestone(self, line: str) -> None:
        """Log each tenth resource, and the end: an apply makes dozens within seconds."""
        if any(f"{verb} complete" in line for verb in ("Creation", "Destruction", "Modifications")):
            self._done += 1
            if self._done % 10 == 0:
                self._log(f"{self._done} resources done")
        elif line.startswith(("Apply complete", "Destroy complete")):
            self._log(line)


def changes_of(plan: dict[str, Any]) -> dict[str, tuple[str, dict[str, str]]]:
    """What a plan changes, by address: the kind of change and all values that are known."""
    found = {}
    for one in plan.get("resource_changes", []):
        kind, change = kind_of(one), one["change"]
        unknown, after = change.get("after_unknown") or {}, change["after"] or {}
        if kind:
            known = {n: repr(v) for n, v in after.items() if not _has_unknown(unknown.get(n))}
            found[one["address"]] = (kind, known)
    return found


def _has_unknown(value: object) -> bool:
    # `after_unknown` has the shape of the value, with true in the place of what is unknown.
    # https://developer.hashicorp.com/terraform/internals/json-format#change-representation
    if isinstance(value, dict | list):
        return any(map(_has_unknown, value.values() if isinstance(value, dict) else value))
    return value is True


def kind_of(change: dict[str, Any]) -> str:
    """What a plan does to a resource: create, update, delete, replace; empty for nothing."""
    # A replacement has two actions, in the order in which Terraform takes them.
    actions = change["change"]["actions"]
    if len(actions) > 1:
        return "replace"
    return actions[0] if actions[0] in _KINDS else ""


def changed_attributes(one: dict[str, Any]) -> set[str]:
    """The names of the attributes that a change of a plan changes."""
    # A value that only the apply can tell is missing from `after` and true in `after_unknown`.
    change = one["change"]
    before, after = change["before"] or {}, change["after"] or {}
    unknown = change.get("after_unknown")
    names = {name for name, is_so in unknown.items() if is_so} if isinstance(unknown, dict) else {}
    return {*names} | {name for name in {*before, *after} if before.get(name) != after.get(name)}


class _Interrupts:
    """Passes one interrupt on to a Terraform, and no second one.

    At the second it exits at once, and what it is making then is in no state.
    https://developer.hashicorp.com/terraform/cli/commands/apply
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._is_sent = False

    def send(self, *_: object) -> None:
        # GitHub sends SIGINT, then SIGTERM after 7.5 s, which a CloudFront distribution outlasts.
        # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation
        if not self._is_sent:
            self._is_sent = True
            self._process.send_signal(signal.SIGINT)


_running: set[_Interrupts] = set()


def interrupt() -> None:
    """Interrupt every Terraform that runs; each saves its state and ends in order."""
    for interrupts in tuple(_running):
        interrupts.send()


@contextmanager
def _forward_interrupts(process: subprocess.Popen[str]) -> Iterator[None]:
    """Pass an interrupt on to Terraform, once."""
    # Python runs signal handlers in the main thread only, and only there may they be set.
    if threading.current_thread() is threading.main_thread():
        numbers: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)
    else:
        numbers = ()
    interrupts = _Interrupts(process)
    _running.add(interrupts)
    old = {number: signal.signal(number, interrupts.send) for number in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        _running.discard(interrupts)
