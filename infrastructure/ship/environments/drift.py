"""Drift: how an environment differs from what Terraform and `ship` made of it.

It reads with the role that plans, takes no lock, and repairs nothing. What a command is changing
at that moment is not drift: both states are read before and after, and must be the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ship.aws import aws_call, aws_list
from ship.environments import differences
from ship.environments.differences import code
from ship.environments.infrastructure import pending_configuration
from ship.errors import UsageError
from ship.github.issues import BUSY, DRIFTED, NONE, Marker
from ship.output import Progress
from ship.release.function import Function
from ship.release.site import Site
from ship.state import lock

if TYPE_CHECKING:
    from ship.aws import Clients
    from ship.environments.context import Context
    from ship.environments.terraform import Terraform
    from ship.state.environment_state import EnvironmentState
    from ship.state.store import Store

# Longer than any job of a workflow may take.
_MAX_AGE = timedelta(hours=1)


@dataclass(frozen=True)
class DriftResult:
    """How a comparison ended (none, drifted or busy), the differences, and what else to say."""

    environment: str
    outcome: str
    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    release: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """What changes while a command works on an environment: both states, and Terraform's lock."""

    state: EnvironmentState
    etag: str
    terraform_etag: str
    locked: datetime | None


def detect(context: Context, environment: str) -> DriftResult:
    """Compare an environment with what was made of it.

    Raises:
        UsageError: it is a preview, which lives for days and changes with every push.
    """
    names = context.project.environments
    if environment not in names:
        raise UsageError(
            f"{environment} is not a permanent environment", f"name one of {', '.join(names)}"
        )
    clients = context.read_only_clients()
    store = context.store(environment, clients)
    before = _take_snapshot(context, environment, clients, store)
    notes = [] if before.state.live else ["nothing is live here yet"]
    if freeze := before.state.frozen:
        notes.append(str(replace(freeze, reason=code(freeze.reason))))
    if busy := _describe_work(context, before):
        return DriftResult(environment, BUSY, notes=(busy, *notes))
    found = _left_behind(environment, before)
    if not before.terraform_etag:
        notes.append("it has never been applied: all of it is new")
        return DriftResult(environment, DRIFTED if found else NONE, tuple(found), tuple(notes))
    with context.progress.step("compare the infrastructure"):
        by_hand, pending = _compare_infrastructure(context, environment, clients)
    if pending:
        notes.append(f"changes of the code that are not applied here yet: {pending}")
    with context.progress.step("compare the release"):
        found += by_hand + _compare_release(clients, store, before.state)
    if waiting := pending_configuration(clients, store.stack(), before.state):
        notes.append(f"applied, and live with the next deploy or restart: {waiting}")
    if _take_snapshot(context, environment, clients, store) != before:
        return DriftResult(environment, BUSY, notes=("a command changed it meanwhile", *notes))
    outcome = DRIFTED if found else NONE
    return DriftResult(environment, outcome, tuple(found), tuple(notes), before.state.live)


def render(result: DriftResult) -> str:
    """The result in Markdown; the first line is for `ship ci report drift`."""
    environment, count = result.environment, len(result.differences)
    digest = hashlib.sha256("\n".join(result.differences).encode()).hexdigest()[:16]
    title = {
        NONE: "nothing has drifted",
        DRIFTED: f"{count} difference{'s' * (count > 1)}",
        BUSY: "not compared",
    }[result.outcome]
    lines = [str(Marker(environment, result.outcome, digest)), f"### {environment}: {title}"]
    if result.differences:
        deploy = f" and `ship deploy {environment} --release {result.release}`"
        hint = (
            f"To undo it, run the newest Deploy's job for {environment} again, or "
            f"`ship apply {environment}`{deploy if result.release else ''}. "
            "To keep it, write it into the code."
        )
        lines += ["", *(f"- {line}" for line in result.differences), "", hint]
    for note in result.notes:
        lines += ["", f"{note[0].upper()}{note[1:]}."]
    return "\n".join(lines)


# --- who works on it ---


def _take_snapshot(context: Context, environment: str, clients: Clients, store: Store) -> Snapshot:
    state, etag = store.read_state()
    # One call for state and lock, which is an object beside it: both are of the same moment.
    # https://developer.hashicorp.com/terraform/language/backend/s3#state-locking
    key = f"stack/{environment}/{environment}/terraform.tfstate"
    listed = aws_call(
        lambda: clients.client("s3").list_objects_v2(Bucket=context.state_bucket, Prefix=key),
        f"the states in {context.state_bucket} cannot be listed",
    )
    objects = {item["Key"]: item for item in listed.get("Contents", [])}
    locked = objects.get(f"{key}.tflock", {}).get("LastModified")
    return Snapshot(state, etag, objects.get(key, {}).get("ETag", ""), locked)


def _describe_work(context: Context, snapshot: Snapshot) -> str:
    """What is under way; empty when nothing is."""
    now = datetime.now(UTC)
    if snapshot.locked and now - snapshot.locked <= _MAX_AGE:
        return "a run of Terraform holds the state's lock"
    operation = snapshot.state.operation
    if (
        operation
        and now - datetime.fromisoformat(operation.at) <= _MAX_AGE
        and not lock.is_finished(operation.owner, context.settings.run)
    ):
        owner = operation.owner
        return f"a {operation.kind} of {code(operation.release)} is under way ({code(owner.run)})"
    return ""


def _left_behind(environment: str, snapshot: Snapshot) -> list[str]:
    found = []
    if snapshot.locked:
        found.append(
            f"**Left behind:** the state's lock, since {snapshot.locked:%Y-%m-%d %H:%M} UTC; "
            f"`ship unlock {environment}`, or the next `ship apply {environment}`, takes it over"
        )
    if operation := snapshot.state.operation:
        found.append(
            f"**Left behind:** a {operation.kind} of {code(operation.release)} since "
            f"{operation.at} by {code(operation.owner.run)}; `ship repair {environment}`, or "
            f"`ship unlock {environment} --run RUN`, finishes or reverts it"
        )
    return found


# --- what is compared ---


def _compare_infrastructure(
    context: Context, environment: str, clients: Clients
) -> tuple[list[str], int]:
    # An attribute that somebody wrote may hold a secret, so Terraform's own output is not shown.
    silent = Progress(plain=True, quiet=True)
    terraform = context.stack(environment, silent, clients)
    # Only what is named is refreshed. https://developer.hashicorp.com/terraform/cli/commands/plan
    targets = _readable_addresses(context, environment, clients, terraform)
    with TemporaryDirectory(dir=context.project.home) as folder:
        plan = Path(folder) / "drift.tfplan"
        if not terraform.plan(plan, lock=False, targets=targets):
            return [], 0
        return differences.of_infrastructure(terraform.show(plan))


def _readable_addresses(
    context: Context, environment: str, clients: Clients, terraform: Terraform
) -> list[str]:
    """All that Terraform manages but secret parameters and the values of secrets."""
    # The provider decrypts what it refreshes, and the role that plans may not decrypt anything. A
    # parameter may have been made secret since it was applied, so Systems Manager is asked too.
    # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html
    path = f"/{context.project.name}/{environment}"
    chosen = [{"Key": "Path", "Option": "Recursive", "Values": [path]}]
    described = aws_list(
        *(clients.client("ssm"), "describe_parameters", "Parameters"),
        f"the parameters below {path} cannot be listed",
        ParameterFilters=chosen,
    )
    secret = {item["Name"] for item in described if item["Type"] == "SecureString"}
    return [
        address
        for address, attributes in terraform.state().items()
        if "aws_secretsmanager_secret_version." not in address
        and (
            "aws_ssm_parameter." not in address
            or (attributes.get("type") != "SecureString" and attributes.get("name") not in secret)
        )
    ]


def _compare_release(clients: Clients, store: Store, state: EnvironmentState) -> list[str]:
    # An operation that is still here belongs to a run that died; `detect` has reported it.
    if state.live is None or state.operation:
        return []
    stack, manifest = store.stack(), store.manifest(state.live)
    s3, live = clients.client("s3"), state.releases[state.live]
    site = Site(s3, stack.site_bucket)
    function = Function(clients.client("lambda"), stack.function_name, stack.alias)
    return [
        *differences.of_code(function, stack, state.live, live, manifest),
        *differences.of_pages(s3, site, stack, manifest, store.manifests(store.releases())),
    ]
