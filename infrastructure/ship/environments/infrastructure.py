"""An environment's infrastructure: planned, applied and destroyed by Terraform under its lock.

A run that dies may have made what no state knows. The next one that takes its lock over records
that before it does anything else.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ship.aws import aws_call
from ship.environments import domain, unrecorded
from ship.environments.state_lock import StateLock
from ship.environments.terraform import changes_of, copy_root
from ship.errors import ShipError
from ship.output import Progress
from ship.release.function import Function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ship.aws import Clients
    from ship.environments.context import Context
    from ship.environments.terraform import Terraform
    from ship.state import EnvironmentState, Stack

# S3 goes on refusing for a moment after the bucket's policy is gone.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
_POLICY_SECONDS = 30.0
# Nothing in a stack belongs to something that belongs to more things than this.
_ROUNDS = 5


def plan(context: Context, environment: str, out: Path | None, approved: str = "") -> bool:
    """Plan, and say whether there is anything to change.

    No lock is held: a plan that has become stale is refused when it is applied.

    Args:
        context: the project.
        environment: the environment.
        out: a file for the plan.
        approved: the fingerprint of a plan; another one is refused, where this is not empty.
    """
    lock = StateLock(context, environment)
    holder = lock.holder()
    if holder and lock.is_left(holder):
        with lock.hold():
            _record_unrecorded(context, environment)
    terraform = context.stack(environment)
    if approved:
        # What was shown was made without reading the real resources. What somebody changed by hand
        # is set back all the same.
        with TemporaryDirectory(dir=context.project.home) as folder:
            again = Path(folder) / "again.tfplan"
            silent = context.stack(environment, Progress(plain=True, quiet=True))
            silent.plan(again, refresh=False)
            is_same = fingerprint(context, silent.show(again)) == approved
        if not is_same:
            raise ShipError(
                f"the plan of {environment} is not the one that was shown before the approval",
                f"run the job `Plan {environment}` again, and look at the new plan",
            )
    return terraform.plan(out)


def fingerprint(context: Context, plan: dict[str, Any]) -> str:
    """What tells a plan from another: each change, with all values that are known."""
    # Another job of the run may have its checkout elsewhere.
    text = json.dumps(sorted(changes_of(plan).items())).replace(str(context.project.root), "")
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def read_only_stack(
    context: Context, environment: str, clients: Clients, progress: Progress
) -> Iterator[Terraform]:
    """Terraform that only reads; where there is no state, with an empty one of its own.

    Terraform would write the state of a workspace that has none, which readers may not.
    """
    if has_state(context, environment, clients):
        yield context.stack(environment, progress, clients)
        return
    with TemporaryDirectory(dir=context.project.home) as folder:
        copy = copy_root(context.project.root / "infrastructure" / "stack", Path(folder))
        yield context.stack(environment, progress, clients, copy, has_state=False)


def has_state(context: Context, environment: str, clients: Clients) -> bool:
    """Whether the environment has ever been applied."""
    key = StateLock(context, environment).state_key
    # A listing, because readers may not ask for an object that is not there.
    listed = aws_call(
        lambda: clients.client("s3").list_objects_v2(Bucket=context.state_bucket, Prefix=key),
        f"the states in {context.state_bucket} cannot be listed",
        "make the bucket with `ship up`, on AWS with `ship bootstrap --aws`",
    )
    return any(item["Key"] == key for item in listed.get("Contents", []))


def pending_configuration(clients: Clients, stack: Stack, state: EnvironmentState) -> str:
    """What Terraform has applied to the function and the next version makes live."""
    if state.live is None:
        return ""
    function = Function(clients.client("lambda"), stack.function_name, stack.alias)
    return ", ".join(function.differences(state.releases[state.live].version))


def describe_pending(context: Context, environment: str, clients: Clients) -> str:
    """The same in a sentence; empty when there is nothing."""
    store = context.store(environment, clients)
    if not store.exists():
        return ""
    found = pending_configuration(clients, store.stack(), store.read_state()[0])
    return f"applied, and live with the next deploy or restart: {found}" if found else ""


def describe_messages(context: Context, clients: Clients, terraform: Terraform) -> str:
    """The messages in queues of events that were taken out of the project; empty for none."""
    project, found = context.project, []
    if "sqs" not in project.uses:
        return ""  # No role may look, nor delete a queue.
    counts = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "Delayed", "NotVisible")]
    for address, queue in sorted(terraform.state().items()):
        resource, _, key = address.partition("[")
        is_event = resource in ("aws_sqs_queue.events", "aws_sqs_queue.dead_events")
        if is_event and json.loads(key[:-1]) not in project.application.events:
            ask = partial(clients.client("sqs").get_queue_attributes, QueueUrl=queue["url"])
            attributes = aws_call(
                partial(ask, AttributeNames=counts), f"the queue {queue['name']} cannot be read"
            )["Attributes"]
            if count := sum(int(attributes[name]) for name in counts):
                found.append(f"{count} in {queue['name']}")
    return ", ".join(found)


def apply(
    context: Context, environment: str, saved: Path | None = None, progress: Progress | None = None
) -> None:
    """Apply a saved plan, or plan and apply."""
    clients = context.clients(environment)
    _check_origin_secret(context, environment, clients)
    domain.prepare(context, environment, clients)
    terraform = context.stack(environment, progress)
    with StateLock(context, environment).hold() as is_taken_over:
        if is_taken_over:
            _record_unrecorded(context, environment)
        if waiting := describe_messages(context, context.clients(environment), terraform):
            raise ShipError(
                f"pyproject.toml has no such event any more, and would lose messages: {waiting}",
                "put the event back until its handler has had them; of a queue that ends in -dead, "
                "start a redrive or purge it in SQS's console; then apply again",
            )
        terraform.apply(saved)


def _check_origin_secret(context: Context, environment: str, clients: Clients) -> None:
    """Refuse a value of which neither the live version nor its neighbour has ever heard.

    Versions and edge locations know two values each; more steps at once leave none in common.
    """
    store, wanted = context.store(environment, clients), context.project.edge(environment)
    if not store.exists():
        return
    stack = store.stack()
    steps = abs(wanted.origin_secret - stack.origin_secret)
    if steps > 1:
        raise ShipError(
            f"origin_secret of {environment} goes from {stack.origin_secret} to "
            f"{wanted.origin_secret}: nothing would believe CloudFront",
            f"leave it at {stack.origin_secret}, or write {stack.origin_secret + 1} for a new one",
        )
    if steps and "ORIGIN_VERIFY" in pending_configuration(clients, stack, store.read_state()[0]):
        raise ShipError(
            f"the live version of {environment} does not know the newest origin_secret yet",
            f"run `ship deploy {environment}` or `ship restart {environment}` first",
        )


def destroy(context: Context, environment: str) -> None:
    """Destroy everything in an environment."""
    terraform = context.stack(environment)
    with StateLock(context, environment).hold() as is_taken_over:
        if is_taken_over:
            _record_unrecorded(context, environment)
        try:
            terraform.destroy()
        except ShipError as error:
            if "AccessDenied" not in str(error):
                raise
            context.progress.note("AWS may not know yet which rights are gone; once more")
            time.sleep(_POLICY_SECONDS)
            terraform.destroy()


def unlock(context: Context, environment: str, run: str | None) -> bool:
    """Take the lock over from a run that has ended; whether there was one.

    Args:
        context: the project.
        environment: the environment.
        run: the run to take the lock from, where a person knows that it has ended.
    """
    lock = StateLock(context, environment)
    holder = lock.holder()
    if holder is None or (run and holder.owner.run != run):
        return False
    with lock.hold(run):
        _record_unrecorded(context, environment)
    return True


def _record_unrecorded(context: Context, environment: str) -> None:
    # Its plans are not what anybody asked for, and only the result is worth a line.
    silent, step = Progress(plain=True, quiet=True), "record what a dead run has made"
    with context.progress.step(step), TemporaryDirectory(dir=context.project.home) as folder:
        copy = copy_root(context.project.root / "infrastructure" / "stack", Path(folder))
        terraform = context.stack(environment, silent, copy=copy)
        plan, imports = Path(folder) / "recover.tfplan", copy / "unrecorded.tf.json"
        # What belongs to something that was not recorded either is found in the next round.
        for _ in range(_ROUNDS):
            if not terraform.plan(plan):
                return
            found = unrecorded.find(terraform.show(plan), context.clients(environment))
            if not found:
                return
            # `terraform import` cannot evaluate a configuration of which only a part exists.
            # https://developer.hashicorp.com/terraform/language/import
            blocks = [{"to": address, "id": identity} for address, identity in found.items()]
            imports.write_text(json.dumps({"import": blocks}), encoding="utf-8")
            terraform.plan(plan, targets=found)
            terraform.apply(plan)
            for address, identity in found.items():
                context.progress.note(f"{address}: {identity}")
