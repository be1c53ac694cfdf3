"""Previews: which exist, which are still wanted, and how those that are not are destroyed.

A pull request wants its preview while it is open, comes from this repository and has the label.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ship.aws import aws_call, aws_find, aws_list
from ship.config import is_preview
from ship.environments import infrastructure
from ship.environments.parameters import Parameters
from ship.errors import ShipError
from ship.github.api import PREVIEW
from ship.github.issues import upsert_comment
from ship.state.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from ship.aws import Client
    from ship.config import Run
    from ship.environments.context import Context
    from ship.github.api import Api

# Terraform locks an S3 state with an object beside it.
# https://developer.hashicorp.com/terraform/language/backend/s3#state-locking
_STATE = re.compile(r"stack/(pr-[1-9][0-9]{0,8})/\1/terraform\.tfstate(\.tflock)?")
# CloudFront takes minutes to let a distribution go, and GitHub ends the job after 30 of them.
_LAST_START_SECONDS = 15 * 60.0
_NO_PULL = "there is no such pull request"


@dataclass(frozen=True)
class Preview:
    """A preview that exists, whole or half made, and when it was last deployed or applied."""

    environment: str
    touched: datetime


@dataclass(frozen=True)
class StalePreview:
    """A preview that is no longer wanted, why, and the error when it could not be destroyed."""

    environment: str
    why: str
    error: str = ""


def check_wanted(run: Run, environment: str, api: Api) -> None:
    """Refuse, in a workflow, a preview that its pull request does not want.

    Runs finish in any order and old ones can be run again: a closed pull request has no preview,
    and the newest push wins.
    """
    if not is_preview(environment) or not run.on_github:
        return
    # The event is of the moment when the run began, and stays when it is run again.
    # https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs
    event: dict[str, Any] = {}
    if run.event_file:
        event = json.loads(Path(run.event_file).read_bytes()).get("pull_request", {})
    if f"pr-{event.get('number')}" != environment:
        raise ShipError(
            f"this run does not belong to {environment}'s pull request",
            f"label that pull request `{PREVIEW}`; its own run deploys it",
        )
    pull = api("GET", f"repos/{run.repository}/pulls/{event['number']}", None)
    why = _why_unwanted(pull, run.repository)
    # A rebased branch's commits have no order of their own: GitHub knows which push is the newest.
    if not why and pull["head"]["sha"] != event["head"]["sha"]:
        why = f"{event['head']['sha'][:7]} is not its pull request's newest push"
    if why:
        raise ShipError(f"{environment} is not deployed: {why}", "nothing has been changed")


def list_previews(context: Context) -> list[Preview]:
    """Every preview that the account holds a Terraform state of, or the lock of one."""
    # All previews share one deploy role, so any name will do here.
    s3 = context.clients("pr-1").client("s3")
    message, where = "the states of previews cannot be listed", context.state_bucket
    request = {"Bucket": where, "Prefix": "stack/pr-"}
    applied: dict[str, datetime] = {}
    for item in aws_list(s3, "list_objects_v2", "Contents", message, **request):
        if match := _STATE.fullmatch(item["Key"]):
            at = item["LastModified"]
            applied[match[1]] = max(at, applied.get(match[1], at))
    found = []
    for name, at in sorted(applied.items()):
        bucket = context.artifact_bucket(name)
        head = partial(s3.head_object, Bucket=bucket, Key="state.json")
        deployed = aws_find(head, f"state.json in {bucket} cannot be read")
        found.append(Preview(name, max(deployed["LastModified"], at) if deployed else at))
    return found


def stale_previews(context: Context, api: Api, now: datetime) -> list[StalePreview]:
    """The previews that no pull request wants, or that had no push for too long."""
    repository = context.settings.run.repository or context.project.repository
    # GitHub answers 404 for what a token may not read: every pull request would look deleted.
    # https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
    if api("GET", f"repos/{repository}", None) is None:
        raise ShipError(
            f"there is no repository {repository}, or it may not be read",
            "sign in with `gh auth login`; in a workflow, grant the job `contents: read`",
        )
    found, days = [], context.project.preview_days
    for preview in list_previews(context):
        number = preview.environment.removeprefix("pr-")
        pull = api("GET", f"repos/{repository}/pulls/{number}", None)
        why = _why_unwanted(pull, repository)
        if not why and now - preview.touched > timedelta(days=days):
            why = f"nothing was pushed for {days:g} days"
        if why:
            found.append(StalePreview(preview.environment, why))
    return found


def clean_up(context: Context, api: Api) -> list[StalePreview]:
    """Destroy the stale previews and comment on their pull requests; one error stops no other.

    In a workflow none is begun that the job may not live to see the end of: the next night's is.
    """
    run, found = context.settings.run, []
    for preview in stale_previews(context, api, datetime.now(UTC)):
        environment, error = preview.environment, ""
        if run.on_github and context.progress.elapsed() > _LAST_START_SECONDS:
            context.progress.note(f"{environment} and those after it are left to the next run")
            break
        try:
            with context.progress.step(f"destroy {environment}"):
                destroy(context, environment)
            if run.on_github and preview.why != _NO_PULL:
                number = int(environment.removeprefix("pr-"))
                text = _render_gone(environment, preview.why)
                upsert_comment(run.repository, number, PREVIEW, text, api)
        except ShipError as failure:
            context.progress.note(f"{failure}; {failure.hint}")
            error = str(failure)
        found.append(replace(preview, error=error))
    return found


def render_comment(
    environment: str, deployed: str, destroyed: str, release: str, url: str, run_url: str
) -> str:
    """The comment on a preview's pull request, in Markdown.

    Args:
        environment: the preview.
        deployed: the result of the job that deploys it; empty when it did not run.
        destroyed: the result of the job that destroys it.
        release: what is live.
        url: where.
        run_url: the address of the workflow's run.
    """
    run = f"[This run]({run_url})" if run_url else "The run"
    if destroyed == "success":
        return _render_gone(environment, "")
    # The results of a job: success, failure, cancelled, skipped.
    # https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#needs-context
    if destroyed not in ("", "skipped"):
        return (
            f"### {environment} could not be destroyed\n\n"
            f"{run} says why. The nightly clean-up tries again."
        )
    if deployed == "success":
        return (
            f"### {environment}: `{release}`\n\n[Site]({url}) · [Version]({url}/-/version)\n\n"
            "The next push updates it; closing the pull request or removing the label "
            f"`{PREVIEW}` destroys it."
        )
    return (
        f"### {environment}: the last push is not live\n\n"
        f"{run} says why. What was live before, if anything, still is."
    )


def _render_gone(environment: str, why: str) -> str:
    because = f", because {why}" if why else ""
    return (
        f"### {environment} is gone\n\nIt was destroyed with everything in it{because}. "
        f"A push while the label `{PREVIEW}` is on an open pull request creates it again."
    )


def _why_unwanted(pull: dict[str, Any] | None, repository: str) -> str:
    """Why a pull request wants no preview; empty when it wants one."""
    if pull is None:
        return _NO_PULL
    if pull["state"] != "open":
        return "its pull request is closed"
    # The head's repository is null when the fork has been deleted.
    if ((pull["head"].get("repo") or {}).get("full_name")) != repository:
        return "its pull request comes from another repository"
    if PREVIEW not in {label["name"] for label in pull["labels"]}:
        return f"its pull request has no label `{PREVIEW}`"
    return ""


# --- the end of an environment ---


def destroy(context: Context, environment: str) -> None:
    """Destroy an environment with everything in it, and check that nothing is left.

    Nothing is destroyed while a run is at work there; the next run finishes what a dead one has
    begun.
    """
    clients = context.clients(environment)
    s3 = clients.client("s3")
    store = context.store(environment, clients)
    Transaction(store, context.settings.run, environment).check_unlocked()
    key = f"stack/{environment}/{environment}/terraform.tfstate"
    infrastructure.destroy(context, environment)
    # Terraform made SECRET_KEY; the others are of `ship settings`.
    path = f"/{context.project.name}/{environment}"
    Parameters(clients.client("ssm"), path, "").remove_all()
    _check_gone(context, environment)
    _delete_empty_state(s3, context.state_bucket, key)
    if context.is_emulator:
        context.emulator.release_site_port(environment)


def _check_gone(context: Context, environment: str) -> None:
    """Look for what a run may have created that died before Terraform saved its state."""
    clients, name = context.clients(environment), f"{context.project.name}-{environment}"
    function, iam, s3 = (clients.client(service) for service in ("lambda", "iam", "s3"))
    artifacts = context.artifact_bucket(environment)
    site = f"{name}-site-{context.account.account_id}"
    calls: dict[str, Callable[[], dict[str, Any]]] = {
        f"function {name}": lambda: function.get_function_configuration(FunctionName=name),
        f"role {name}-function": lambda: iam.get_role(RoleName=f"{name}-function"),
        f"bucket {artifacts}": lambda: s3.head_bucket(Bucket=artifacts),
        f"bucket {site}": lambda: s3.head_bucket(Bucket=site),
    }
    left = [
        what
        for what, call in calls.items()
        if aws_find(call, f"the {what} cannot be looked for") is not None
    ]
    if left:
        raise ShipError(
            f"{environment} has left something that Terraform does not know: {', '.join(left)}",
            "a run died before it could save what it had created; delete it as an administrator",
        )


def _delete_empty_state(s3: Client, bucket: str, key: str) -> None:
    """Delete a state without resources; its old versions stay in the bucket."""

    def read() -> tuple[Any, str]:
        found = s3.get_object(Bucket=bucket, Key=key)
        return json.loads(found["Body"].read()), found["ETag"]

    state, etag = aws_find(read, f"{key} cannot be read") or (None, "")
    if state is not None and not state.get("resources"):
        # IfMatch: an apply may have written the state since.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
        aws_call(
            lambda: s3.delete_object(Bucket=bucket, Key=key, IfMatch=etag),
            f"{key} cannot be removed",
        )
