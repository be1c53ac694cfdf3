"""The search for drift: what differs in an environment from what Terraform and `ship` made of it.

It reads as the role that plans, takes no lock, and mends nothing. What a run is moving at that
moment is no drift: head and state are looked at before and after, and must not have moved.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ship.aws import aws_call
from ship.cli.report import Report
from ship.environments import differences
from ship.environments.differences import code
from ship.errors import ShipError, UsageError
from ship.output import Progress
from ship.release.function import Function
from ship.release.site import Site
from ship.state import lock

if TYPE_CHECKING:
    from ship.aws import Clients
    from ship.environments.context import Context
    from ship.state.environment_state import EnvironmentState, Operation
    from ship.state.store import Stack, Store

NONE, DRIFTED, BUSY = "none", "drifted", "busy"
# Longer than any job of a workflow may take.
_PATIENCE = timedelta(hours=1)
# The plan role cannot decrypt it, and the provider reads what it refreshes.
_SECRET = "aws_ssm_parameter.secret_key"  # noqa: S105 - its address
_HINT = "check the credentials, then run the command again"


@dataclass(frozen=True)
class Found:
    """What the search came to (none, drifted or busy), the differences, and what else to say."""

    environment: str
    outcome: str
    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    release: str | None = None

    @property
    def digest(self) -> str:
        """Tells one set of differences from another."""
        return hashlib.sha256("\n".join(self.differences).encode()).hexdigest()[:16]

    @property
    def marker(self) -> str:
        """The report's first line, which only `ship report drift` reads."""
        return f"<!-- ship drift: {self.environment} {self.outcome} {self.digest} -->"


@dataclass(frozen=True)
class _Moment:
    """What moves while somebody works on an environment."""

    head: EnvironmentState
    etag: str
    state: str
    locked: datetime | None


def search(context: Context, environment: str) -> Found:
    """Compare an environment with what was made of it.

    Raises:
        ShipError: something could not be read.
        UsageError: it is a preview, which lives for days and changes with every push.
    """
    if environment not in context.project.environments:
        raise UsageError(
            f"{environment} is no lasting environment", "name dev, staging or production"
        )
    clients = context.read_only_clients()
    store = context.store(environment, clients)
    before = _moment(context, environment, clients, store)
    notes = _notes(before)
    if why := _at_work(context, before):
        return Found(environment, BUSY, notes=(why, *notes))
    found = [*_left_behind(environment, before)]
    with context.progress.step("compare the infrastructure"):
        by_hand, pending = _infrastructure(context, environment, clients)
    if pending:
        notes.append(f"{pending} changes of the code have not been applied here yet")
    with context.progress.step("compare the release"):
        found += by_hand + _release(clients, store, before.head, notes)
    if _moment(context, environment, clients, store) != before:
        return Found(environment, BUSY, notes=("somebody worked on it meanwhile", *notes))
    outcome = DRIFTED if found else NONE
    return Found(environment, outcome, tuple(found), tuple(notes), before.head.live)


def report(found: Found) -> Report:
    """The report on a search; its first line is for `ship report drift`."""
    count = len(found.differences)
    title = {
        NONE: "nothing has drifted",
        DRIFTED: f"{count} difference{'s' * (count > 1)}",
        BUSY: "not compared",
    }[found.outcome]
    lines = [found.marker, f"### {found.environment}: {title}"]
    if found.differences:
        lines += ["", *(f"- {line}" for line in found.differences), "", _remedy(found)]
    for note in found.notes:
        lines += ["", f"{note[0].upper()}{note[1:]}."]
    return Report("\n".join(lines), {"drift": found.outcome})


def _remedy(found: Found) -> str:
    release = f" and `ship deploy {found.environment} --release {found.release}`"
    return (
        f"To put it back, run the newest Deploy's job for {found.environment} again, or "
        f"`ship apply {found.environment}`{release if found.release else ''}. "
        "To keep it, write it into the code."
    )


# --- who works on it ---


def _moment(context: Context, environment: str, clients: Clients, store: Store) -> _Moment:
    head, etag = store.read_state()
    key = f"stack/{environment}/{environment}/terraform.tfstate"
    listed = aws_call(
        lambda: clients.client("s3").list_objects_v2(Bucket=context.state_bucket, Prefix=key),
        f"the states in {context.state_bucket} cannot be listed",
        _HINT,
    )
    objects = {item["Key"]: item for item in listed.get("Contents", [])}
    held = objects.get(f"{key}.tflock")
    return _Moment(head, etag, objects.get(key, {}).get("ETag", ""), held and held["LastModified"])


def _at_work(context: Context, moment: _Moment) -> str:
    """Who is at work; empty when nobody is."""
    if moment.locked and not _old(moment.locked):
        return "a run of Terraform holds the state's lock"
    operation = moment.head.operation
    if operation and not _dead(context, operation):
        owner = operation.owner
        return f"a {operation.kind} of {code(operation.release)} is under way ({code(owner.run)})"
    return ""


def _left_behind(environment: str, moment: _Moment) -> list[str]:
    found = []
    if moment.locked:
        found.append(
            f"**Left behind:** the state's lock, since {moment.locked:%Y-%m-%d %H:%M} UTC; "
            "`terraform force-unlock` takes it away"
        )
    if operation := moment.head.operation:
        found.append(
            f"**Left behind:** a {operation.kind} of {code(operation.release)} since "
            f"{operation.at} by {code(operation.owner.run)}; `ship repair {environment}`, or "
            f"`ship unlock {environment} --run RUN`, puts back what was live"
        )
    return found


def _dead(context: Context, operation: Operation) -> bool:
    began = datetime.fromisoformat(operation.at)
    return lock.is_finished(operation.owner, context.settings.run) or _old(began)


def _old(moment: datetime) -> bool:
    return datetime.now(UTC) - moment > _PATIENCE


def _notes(moment: _Moment) -> list[str]:
    freeze = moment.head.frozen
    frozen = [f"frozen since {freeze.at} by {freeze.by}: {code(freeze.reason)}"] if freeze else []
    return frozen if moment.head.live else ["nothing is live here yet", *frozen]


# --- what is compared ---


def _infrastructure(context: Context, environment: str, clients: Clients) -> tuple[list[str], int]:
    # What somebody wrote into an attribute may be a secret: Terraform's own words go nowhere.
    silent = Progress(plain=True, quiet=True)
    terraform = context.stack(environment, silent, clients)
    left_out = {_SECRET, *_secret_settings(context, environment, clients)}
    targets = [address for address in terraform.addresses() if address not in left_out]
    with TemporaryDirectory(dir=context.project.home) as folder:
        kept = Path(folder) / "drift.tfplan"
        if not terraform.plan(kept, lock=False, targets=targets):
            return [], 0
        return differences.of_infrastructure(terraform.show(kept))


def _secret_settings(context: Context, environment: str, clients: Clients) -> list[str]:
    """Public settings that somebody made secret: a refresh would fail, the application says so."""
    path = f"/{context.project.name}/{environment}/public"
    chosen = [{"Key": "Path", "Option": "Recursive", "Values": [path]}]
    pages = clients.client("ssm").get_paginator("describe_parameters")
    described = aws_call(
        lambda: [
            item for page in pages.paginate(ParameterFilters=chosen) for item in page["Parameters"]
        ],
        f"the parameters below {path} cannot be listed",
        _HINT,
    )
    names = [item["Name"] for item in described if item["Type"] == "SecureString"]
    return [f'aws_ssm_parameter.public["{name.removeprefix(f"{path}/")}"]' for name in names]


def _release(clients: Clients, store: Store, head: EnvironmentState, notes: list[str]) -> list[str]:
    """Code, pages and settings; what a dead run has left half moved is not looked at."""
    if head.live is None:
        return []
    stack, found = store.stack(), store.manifest(head.live)
    settings = _settings(stack, notes)
    if head.operation:
        return settings
    s3 = clients.client("s3")
    function = Function(clients.client("lambda"), stack.function_name, stack.alias)
    site = Site(s3, stack.site_bucket)
    live = head.releases[head.live]
    return [
        *differences.of_code(function, stack, head.live, live, found),
        *differences.of_pages(s3, site, stack, found),
        *settings,
    ]


def _settings(stack: Stack, notes: list[str]) -> list[str]:
    """An application that does not answer is for the alarms; no drift, but said."""
    try:
        return list(differences.of_settings(stack))
    except ShipError as fault:
        notes.append(f"the settings were not compared: {fault}")
        return []
