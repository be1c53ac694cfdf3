"""Previews: which there are, which are still wanted, and the end of those that are not.

A pull request wants its preview while it is open, comes from this repository and has the label.
Its newest push is what the preview shows: commits of a branch that is rebased have no order of
their own, so GitHub is asked which one that is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ship.aws import ExpectedError, aws_call
from ship.config import is_preview
from ship.errors import ShipError
from ship.github import comments

if TYPE_CHECKING:
    from collections.abc import Callable

    from ship.aws import Client
    from ship.config import Run
    from ship.environments.context import Context
    from ship.github.settings import Api

LABEL = "preview"
_STATE = re.compile(r"stack/(pr-[1-9][0-9]{0,8})/\1/terraform\.tfstate(\.tflock)?")
_MISSING = frozenset({"404", "NoSuchBucket", "NoSuchEntity", "NoSuchKey"})
_GONE = _MISSING | {"ResourceNotFoundException"}
_HINT = "check the credentials and the network, then run the command again"
# GitHub ends every job of these workflows after half an hour.
_DEAD = timedelta(hours=1)


@dataclass(frozen=True)
class Preview:
    """A preview that is there, whole or half made, and when it was last deployed or applied."""

    environment: str
    touched: datetime

    @property
    def number(self) -> int:
        """Its pull request's."""
        return int(self.environment.removeprefix("pr-"))


@dataclass(frozen=True)
class Came:
    """What came of a run for a preview: how its jobs ended, what is live and where."""

    environment: str
    deployed: str
    destroyed: str
    release: str
    url: str


@dataclass(frozen=True)
class Swept:
    """A preview that nobody wants any more, why, and what went wrong when it was destroyed."""

    environment: str
    why: str
    fault: str = ""


def check_wanted(run: Run, environment: str, api: Api) -> None:
    """Refuse to a run of a workflow what its pull request does not want as its preview.

    Whatever order runs finish in and whoever runs an old one again: a closed pull request has no
    preview, and the newest push wins.

    Raises:
        ShipError: it is not wanted, or this run is not that pull request's.
    """
    if not is_preview(environment) or not run.on_github:
        return
    told = _event(run.event_file).get("pull_request", {})
    if f"pr-{told.get('number')}" != environment:
        raise ShipError(
            f"this run is not of {environment}'s pull request",
            f"label that pull request `{LABEL}`; its own run deploys it",
        )
    pull = api("GET", f"repos/{run.repository}/pulls/{told['number']}", None)
    why = _why_not(pull, run.repository)
    if not why and pull["head"]["sha"] != told["head"]["sha"]:
        why = f"{told['head']['sha'][:7]} is not its pull request's newest push"
    if why:
        raise ShipError(f"{environment} is not deployed: {why}", "nothing has been changed")


def there(context: Context) -> list[Preview]:
    """Every preview that the account holds a state of, or the lock of one.

    Raises:
        ShipError: AWS refuses.
    """
    s3 = context.clients("pr-1").client("s3")
    pages = aws_call(
        lambda: list(
            s3.get_paginator("list_objects_v2").paginate(
                Bucket=context.state_bucket, Prefix="stack/pr-"
            )
        ),
        "the states of previews cannot be listed",
        _HINT,
    )
    found: dict[str, datetime] = {}
    for item in (item for page in pages for item in page.get("Contents", [])):
        if match := _STATE.fullmatch(item["Key"]):
            found[match[1]] = max(item["LastModified"], found.get(match[1], item["LastModified"]))
    return [Preview(name, _touched(context, s3, name, at)) for name, at in sorted(found.items())]


def unwanted(context: Context, api: Api, now: datetime) -> list[Swept]:
    """The previews that no pull request wants, or that nobody pushed to for too long.

    Raises:
        ShipError: the repository cannot be seen: then no pull request can, and all would look gone.
    """
    repository = context.settings.run.repository or context.project.repository
    if api("GET", f"repos/{repository}", None) is None:
        raise ShipError(
            f"there is no repository {repository}, or it may not be seen",
            "sign in with `gh auth login`; in a workflow, grant the job `contents: read`",
        )
    found = []
    for preview in there(context):
        pull = api("GET", f"repos/{repository}/pulls/{preview.number}", None)
        why = _why_not(pull, repository) or _expired(preview, context.project.preview_days, now)
        if why:
            found.append(Swept(preview.environment, why))
    return found


def sweep(context: Context, api: Api, *, make_so: bool) -> list[Swept]:
    """The previews that nobody wants; destroyed, and their pull requests told, when so asked.

    What goes wrong with one does not keep the others.

    Raises:
        ShipError: GitHub or AWS does not say which there are.
    """
    found = unwanted(context, api, datetime.now(UTC))
    return [_swept(context, one, api) for one in found] if make_so else found


def _swept(context: Context, found: Swept, api: Api) -> Swept:
    run, environment = context.settings.run, found.environment
    try:
        with context.progress.step(f"destroy {environment}"):
            destroy(context, environment)
        if run.on_github:
            number = int(environment.removeprefix("pr-"))
            comments.settle(run.repository, number, LABEL, _gone(environment, found.why), api)
    except ShipError as fault:
        context.progress.note(f"{fault}; {fault.hint}")
        return replace(found, fault=str(fault))
    return found


def told(came: Came, run: str) -> str:
    """What to say about a preview on its pull request; `run` is the address of this run."""
    where = f"[This run]({run})" if run else "The run"
    if came.destroyed == "success":
        return _gone(came.environment, "")
    if came.destroyed not in ("", "skipped"):
        return (
            f"### {came.environment} could not be destroyed\n\n"
            f"{where} says why. The nightly sweep tries again."
        )
    if came.deployed == "success":
        return (
            f"### {came.environment}: `{came.release}`\n\n[Site]({came.url}) · "
            f"[API]({came.url}/api/version)\n\nThe next push updates it; closing the pull request "
            f"or taking the label `{LABEL}` off destroys it."
        )
    return (
        f"### {came.environment}: the last push is not live\n\n"
        f"{where} says why. What was live before, if anything, still is."
    )


def _gone(environment: str, why: str) -> str:
    because = f", because {why}" if why else ""
    return (
        f"### {environment} is gone\n\nIt was destroyed with all it held{because}. "
        f"A push while the label `{LABEL}` is on an open pull request brings it back."
    )


def destroy(context: Context, environment: str) -> None:
    """Destroy an environment with everything in it, and look that nothing is left.

    One that died on its way is finished by the next.

    Raises:
        ShipError: a run is at work there, Terraform failed, or something is left.
    """
    from ship.state.transaction import Transaction

    clients = context.clients(environment)
    s3 = clients.client("s3")
    Transaction(
        context.store(environment, clients), context.settings.run, environment
    ).check_unlocked()
    key = f"stack/{environment}/{environment}/terraform.tfstate"
    if is_preview(environment):
        _break_dead_lock(s3, context.state_bucket, f"{key}.tflock")
    context.stack(environment).destroy()
    _check_gone(context, environment)
    _forget_state(s3, context.state_bucket, key)
    if context.is_emulator:
        context.emulator.release_door(environment)


def _event(path: str) -> dict[str, Any]:
    """What started this run of a workflow."""
    if not path:
        return {}
    found: dict[str, Any] = json.loads(Path(path).read_bytes())
    return found


def _why_not(pull: dict[str, Any] | None, repository: str) -> str:
    """Why a pull request wants no preview; empty when it does."""
    if pull is None:
        return "there is no such pull request"
    if pull["state"] != "open":
        return "its pull request is closed"
    if ((pull["head"].get("repo") or {}).get("full_name")) != repository:
        return "its pull request comes from another repository"
    if LABEL not in {label["name"] for label in pull["labels"]}:
        return f"its pull request has no label `{LABEL}`"
    return ""


def _expired(preview: Preview, days: float, now: datetime) -> str:
    if now - preview.touched <= timedelta(days=days):
        return ""
    return f"nothing was pushed for {days:g} days"


def _touched(context: Context, s3: Client, environment: str, applied: datetime) -> datetime:
    """When a preview was last deployed; applied, where nothing ever was."""
    bucket = f"{context.project.name}-{environment}-artifacts-{context.account.account_id}"
    found = _modified(s3, bucket, "state.json")
    return max(found, applied) if found else applied


def _modified(s3: Client, bucket: str, key: str) -> datetime | None:
    try:
        found: datetime = aws_call(
            lambda: s3.head_object(Bucket=bucket, Key=key)["LastModified"],
            f"{key} in {bucket} cannot be read",
            _HINT,
            _MISSING,
        )
    except ExpectedError:
        return None
    return found


def _break_dead_lock(s3: Client, bucket: str, key: str) -> None:
    """Take Terraform's lock from a run that cannot be alive any more."""
    locked = _modified(s3, bucket, key)
    if locked and datetime.now(UTC) - locked > _DEAD:
        aws_call(
            lambda: s3.delete_object(Bucket=bucket, Key=key), f"{key} cannot be removed", _HINT
        )


def _check_gone(context: Context, environment: str) -> None:
    """Look for what a run may have made that died before Terraform had noted it.

    Raises:
        ShipError: something is there.
    """
    clients, name = context.clients(environment), f"{context.project.name}-{environment}"
    s3, account = clients.client("s3"), context.account.account_id
    looks: dict[str, Callable[[], object]] = {
        f"function {name}": lambda: clients.client("lambda").get_function_configuration(
            FunctionName=name
        ),
        f"role {name}-function": lambda: clients.client("iam").get_role(
            RoleName=f"{name}-function"
        ),
        f"bucket {name}-artifacts-{account}": lambda: s3.head_bucket(
            Bucket=f"{name}-artifacts-{account}"
        ),
        f"bucket {name}-site-{account}": lambda: s3.head_bucket(Bucket=f"{name}-site-{account}"),
    }
    left = [what for what, look in looks.items() if _is_there(look, what)]
    if left:
        raise ShipError(
            f"{environment} has left something that Terraform does not know: {', '.join(left)}",
            "a run died before it could note what it had made; delete that as an administrator",
        )


def _is_there(look: Callable[[], object], what: str) -> bool:
    try:
        aws_call(look, f"the {what} cannot be looked for", _HINT, _GONE)
    except ExpectedError:
        return False
    return True


def _forget_state(s3: Client, bucket: str, key: str) -> None:
    """Remove a state that holds nothing any more; its old versions stay in the bucket."""

    def read() -> tuple[Any, str]:
        found = s3.get_object(Bucket=bucket, Key=key)
        return json.loads(found["Body"].read()), found["ETag"]

    try:
        state, etag = aws_call(read, f"{key} cannot be read", _HINT, _MISSING)
    except ExpectedError:
        return
    if not state.get("resources"):
        aws_call(
            lambda: s3.delete_object(Bucket=bucket, Key=key, IfMatch=etag),
            f"{key} cannot be removed",
            _HINT,
        )
