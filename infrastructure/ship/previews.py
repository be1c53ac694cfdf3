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

from ship import comments
from ship.aws import Refused, calling
from ship.config import is_preview
from ship.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from ship.aws import Client
    from ship.config import Run
    from ship.github import Api
    from ship.session import Session

LABEL = "preview"
_STATE = re.compile(r"stack/(pr-[1-9][0-9]{0,8})/\1/terraform\.tfstate(\.tflock)?")
_MISSING = frozenset({"404", "NoSuchBucket", "NoSuchEntity", "NoSuchKey"})
_GONE = _MISSING | {"ResourceNotFoundException"}
_REMEDY = "check the credentials and the network, then run the command again"
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
        Fault: it is not wanted, or this run is not that pull request's.
    """
    if not is_preview(environment) or not run.on_github:
        return
    told = _event(run.event_file).get("pull_request", {})
    if f"pr-{told.get('number')}" != environment:
        raise Fault(
            f"this run is not of {environment}'s pull request",
            f"label that pull request `{LABEL}`; its own run deploys it",
        )
    pull = api("GET", f"repos/{run.repository}/pulls/{told['number']}", None)
    why = _why_not(pull, run.repository)
    if not why and pull["head"]["sha"] != told["head"]["sha"]:
        why = f"{told['head']['sha'][:7]} is not its pull request's newest push"
    if why:
        raise Fault(f"{environment} is not deployed: {why}", "nothing has been changed")


def there(session: Session) -> list[Preview]:
    """Every preview that the account holds a state of, or the lock of one.

    Raises:
        Fault: AWS refuses.
    """
    s3 = session.clients("pr-1").client("s3")
    pages = calling(
        lambda: list(
            s3.get_paginator("list_objects_v2").paginate(
                Bucket=session.state_bucket, Prefix="stack/pr-"
            )
        ),
        "the states of previews cannot be listed",
        _REMEDY,
    )
    found: dict[str, datetime] = {}
    for item in (item for page in pages for item in page.get("Contents", [])):
        if match := _STATE.fullmatch(item["Key"]):
            found[match[1]] = max(item["LastModified"], found.get(match[1], item["LastModified"]))
    return [Preview(name, _touched(session, s3, name, at)) for name, at in sorted(found.items())]


def unwanted(session: Session, api: Api, now: datetime) -> list[Swept]:
    """The previews that no pull request wants, or that nobody pushed to for too long.

    Raises:
        Fault: the repository cannot be seen: then no pull request can, and all would look gone.
    """
    repository = session.settings.run.repository or session.project.repository
    if api("GET", f"repos/{repository}", None) is None:
        raise Fault(
            f"there is no repository {repository}, or it may not be seen",
            "sign in with `gh auth login`; in a workflow, grant the job `contents: read`",
        )
    found = []
    for preview in there(session):
        pull = api("GET", f"repos/{repository}/pulls/{preview.number}", None)
        why = _why_not(pull, repository) or _expired(preview, session.project.preview_days, now)
        if why:
            found.append(Swept(preview.environment, why))
    return found


def sweep(session: Session, api: Api, *, make_so: bool) -> list[Swept]:
    """The previews that nobody wants; destroyed, and their pull requests told, when so asked.

    What goes wrong with one does not keep the others.

    Raises:
        Fault: GitHub or AWS does not say which there are.
    """
    found = unwanted(session, api, datetime.now(UTC))
    return [_swept(session, one, api) for one in found] if make_so else found


def _swept(session: Session, found: Swept, api: Api) -> Swept:
    run, environment = session.settings.run, found.environment
    try:
        with session.progress.step(f"destroy {environment}"):
            destroy(session, environment)
        if run.on_github:
            number = int(environment.removeprefix("pr-"))
            comments.settle(run.repository, number, LABEL, _gone(environment, found.why), api)
    except Fault as fault:
        session.progress.note(f"{fault}; {fault.remedy}")
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


def destroy(session: Session, environment: str) -> None:
    """Destroy an environment with everything in it, and look that nothing is left.

    One that died on its way is finished by the next.

    Raises:
        Fault: a run is at work there, Terraform failed, or something is left.
    """
    from ship.journal import Journal

    clients = session.clients(environment)
    s3 = clients.client("s3")
    Journal(session.store(environment, clients), session.settings.run, environment).check_unlocked()
    key = f"stack/{environment}/{environment}/terraform.tfstate"
    if is_preview(environment):
        _break_dead_lock(s3, session.state_bucket, f"{key}.tflock")
    session.stack(environment).destroy()
    _check_gone(session, environment)
    _forget_state(s3, session.state_bucket, key)
    if session.emulated:
        session.emulator.release_door(environment)


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


def _touched(session: Session, s3: Client, environment: str, applied: datetime) -> datetime:
    """When a preview was last deployed; applied, where nothing ever was."""
    bucket = f"{session.project.name}-{environment}-artifacts-{session.account.account_id}"
    found = _modified(s3, bucket, "head.json")
    return max(found, applied) if found else applied


def _modified(s3: Client, bucket: str, key: str) -> datetime | None:
    try:
        found: datetime = calling(
            lambda: s3.head_object(Bucket=bucket, Key=key)["LastModified"],
            f"{key} in {bucket} cannot be read",
            _REMEDY,
            _MISSING,
        )
    except Refused:
        return None
    return found


def _break_dead_lock(s3: Client, bucket: str, key: str) -> None:
    """Take Terraform's lock from a run that cannot be alive any more."""
    locked = _modified(s3, bucket, key)
    if locked and datetime.now(UTC) - locked > _DEAD:
        calling(
            lambda: s3.delete_object(Bucket=bucket, Key=key), f"{key} cannot be removed", _REMEDY
        )


def _check_gone(session: Session, environment: str) -> None:
    """Look for what a run may have made that died before Terraform had noted it.

    Raises:
        Fault: something is there.
    """
    clients, name = session.clients(environment), f"{session.project.name}-{environment}"
    s3, account = clients.client("s3"), session.account.account_id
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
        raise Fault(
            f"{environment} has left something that Terraform does not know: {', '.join(left)}",
            "a run died before it could note what it had made; delete that as an administrator",
        )


def _is_there(look: Callable[[], object], what: str) -> bool:
    try:
        calling(look, f"the {what} cannot be looked for", _REMEDY, _GONE)
    except Refused:
        return False
    return True


def _forget_state(s3: Client, bucket: str, key: str) -> None:
    """Remove a state that holds nothing any more; its old versions stay in the bucket."""

    def read() -> tuple[Any, str]:
        found = s3.get_object(Bucket=bucket, Key=key)
        return json.loads(found["Body"].read()), found["ETag"]

    try:
        state, etag = calling(read, f"{key} cannot be read", _REMEDY, _MISSING)
    except Refused:
        return
    if not state.get("resources"):
        calling(
            lambda: s3.delete_object(Bucket=bucket, Key=key, IfMatch=etag),
            f"{key} cannot be removed",
            _REMEDY,
        )
