"""Commands that change what is live or may become it: deploy, promote, rollback and repair."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from ship.cli.local import current_build
from ship.cli.options import (
    ENVIRONMENT,
    FOLDER,
    TEXT,
    environment_argument,
    json_option,
    open_context,
    reason_option,
    required_reason_option,
)
from ship.config import is_preview
from ship.environments.alerts import Message, send, telling
from ship.errors import ShipError, UsageError
from ship.output import result

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ship.build.builder import Build
    from ship.build.manifest import Manifest
    from ship.environments.context import Context
    from ship.release.environment import Outcome


@click.command()
@environment_argument
@click.option(
    "--release", type=TEXT, help="Deploy this release, which is stored in the environment."
)
@click.option(
    "--dist", type=FOLDER, help="Deploy the build in this folder, whatever the work tree holds."
)
@reason_option
@json_option
def deploy(
    environment: str, release: str | None, dist: Path | None, reason: str, as_json: bool
) -> None:
    """Make a release live in ENVIRONMENT, code and pages, and smoke-test it.

    Without options it deploys the work tree: dist/ when it is the tree's build, a fresh build
    otherwise. Whatever fails after users could see it brings the previous release back (status 3).
    """
    if release and dist:
        raise UsageError("--release and --dist exclude each other", "give one of them, or none")
    context = open_context()
    if dist:
        from ship.build import builder
        from ship.environments.previews import check_wanted
        from ship.github.api import gh

        # A run may have waited, or be the second attempt of an old one.
        check_wanted(context.settings.run, environment, gh)
        build = builder.load(dist)
    elif release:
        from ship.environments import stored

        build = stored.fetch(
            context, context.store(environment, context.clients(environment)), release
        )
    else:
        build = current_build(context)
    print_outcome(_deploy(context, environment, build, reason), as_json=as_json)


@click.command()
@click.argument("source", metavar="FROM", type=ENVIRONMENT)
@click.argument("environment", metavar="TO", type=ENVIRONMENT)
@click.option("--release", type=TEXT, help="Another release that was live in FROM.")
@reason_option
@json_option
def promote(source: str, environment: str, release: str | None, reason: str, as_json: bool) -> None:
    """Make what is live in FROM live in TO: the same bytes, nothing is built."""
    if is_preview(source):
        raise ShipError(
            f"{source} is a preview: what it shows has not been merged",
            "merge its pull request; the workflow Deploy then deploys main",
        )
    if source == environment:
        raise ShipError(f"{source} cannot be promoted to itself", "name two environments")
    from ship.environments import stored

    context = open_context()
    build = stored.fetch_good(context, source, context.clients(source), release)
    outcome = _deploy(context, environment, build, reason or f"promoted from {source}")
    print_outcome(outcome, as_json=as_json)


@click.command()
@environment_argument
@click.option(
    "--to",
    "release",
    default="",
    help="The release to go back to; none or empty: the good one before.",
)
@required_reason_option
@json_option
def rollback(environment: str, release: str, reason: str, as_json: bool) -> None:
    """Make an older release of ENVIRONMENT live again, code and pages, in about a second.

    No build, no Terraform. The release that was live is marked bad and the environment is frozen:
    no workflow deploys until a person lifts that with `ship unfreeze`, or deploys a release
    that is not bad.
    """
    context = open_context()
    with telling(context, environment, f"rollback to {release or 'the last good release'}"):
        outcome = context.engine(environment).rollback(release or None, reason)
    what = f"{outcome.previous} was rolled back to {outcome.release}"
    hint = f"nothing is deployed until `ship unfreeze {environment}`, or a deploy of a good release"
    send(context, environment, Message(what, reason, hint))
    print_outcome(outcome, as_json=as_json)


@click.command()
@environment_argument
def repair(environment: str) -> None:
    """Finish or revert what a run that died left behind in ENVIRONMENT.

    Deploy and rollback do this by themselves before they begin.
    """
    engine = open_context().engine(environment)
    repaired = engine.repair()
    text = f"{engine.state.live or 'nothing'} is live in {environment}"
    result({}, text if repaired else f"there was nothing to repair; {text}", as_json=False)


@click.command()
@environment_argument
@click.option(
    "--run", type=TEXT, help="The run that holds the lock; needed where `ship` cannot ask about it."
)
def unlock(environment: str, run: str | None) -> None:
    """Take the locks of ENVIRONMENT over from a run that has ended, and repair what it left.

    The lock of the infrastructure, and that of the release. Without --run only from a run that is
    known to have ended; name it where nobody can find out, as `ship status` or a refusal says it.
    """
    from ship.environments import infrastructure

    context = open_context()
    was_locked = infrastructure.unlock(context, environment, run)
    store = context.store(environment, context.clients(environment))
    if store.exists():
        engine = context.engine(environment)
        was_locked |= engine.repair(force=None if was_locked and run else run)
    if not was_locked:
        raise ShipError(f"{environment} is not locked", "there is nothing to unlock")
    result({}, f"{environment} is unlocked, and what the dead run left is repaired", as_json=False)


@click.command()
@environment_argument
@required_reason_option
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="When it ends, in UTC."
)
def freeze(environment: str, reason: str, until: datetime | None) -> None:
    """Keep workflows from deploying to ENVIRONMENT until a person lifts it, or until a time.

    Deploy then skips it, and says so. What a person deploys lifts it.
    """
    from ship.state import Freeze
    from ship.state.transaction import now

    end = f"{until:%Y-%m-%dT%H:%M}:00Z" if until else ""
    if end and Freeze("", "", "", end).is_over(now()):
        raise UsageError(f"--until {end} is in the past", f"give a time in UTC; it is {now()}")
    engine = open_context().engine(environment)
    text = f"{environment} is {engine.freeze(reason, end).frozen}"
    result({}, text, as_json=False)


@click.command()
@environment_argument
@required_reason_option
def unfreeze(environment: str, reason: str) -> None:
    """Let workflows deploy to ENVIRONMENT again."""
    engine = open_context().engine(environment)
    if not engine.state.frozen:
        raise ShipError(f"{environment} is not frozen", "there is nothing to lift")
    engine.change("unfrozen", None, reason, lambda state: replace(state, frozen=None))
    result({}, f"workflows deploy to {environment} again", as_json=False)


@click.command()
@environment_argument
@click.argument("release", type=TEXT)
@click.option("--good/--bad", "good", required=True, help="What it is.")
@required_reason_option
def mark(environment: str, release: str, good: bool, reason: str) -> None:
    """Mark a RELEASE bad, so that nothing makes it live, or good again."""
    engine = open_context().engine(environment)
    if good and release not in engine.state.bad:
        raise ShipError(f"{release} is not marked bad", f"see `ship status {environment}`")
    if not good and release not in engine.state.releases:
        raise ShipError(
            f"{release} was never live in {environment}", f"see `ship history {environment}`"
        )
    event = "marked good" if good else "marked bad"
    engine.change(
        event,
        release,
        reason,
        lambda state: state.without_bad(release) if good else state.with_bad(release, reason),
    )
    result({}, f"{release} is {event}", as_json=False)


@click.command()
@environment_argument
@click.argument("release", type=TEXT)
@click.option("--remove", is_flag=True, help="Let `ship` prune it again.")
@reason_option
def pin(environment: str, release: str, remove: bool, reason: str) -> None:
    """Keep a RELEASE of ENVIRONMENT while it is pinned, so that a rollback may go there."""
    engine = open_context().engine(environment)
    if release not in engine.state.releases:
        raise ShipError(
            f"{release} is not stored in {environment}", f"see `ship status {environment} --json`"
        )
    event = "unpinned" if remove else "pinned"
    others = tuple(name for name in engine.state.pinned if name != release)
    pinned = others if remove else (*others, release)
    engine.change(event, release, reason, lambda state: replace(state, pinned=pinned))
    result({}, f"{release} is {event}", as_json=False)


def check_committed(context: Context, environment: str, manifest: Manifest) -> None:
    """Refuse what was built from uncommitted changes, but in the first environment."""
    first, *others = context.project.environments
    if manifest.dirty and environment in others:
        raise ShipError(
            f"release {manifest.release} was built from uncommitted changes",
            f"commit them, deploy to {first}, then promote",
        )


def _deploy(context: Context, environment: str, build: Build, reason: str) -> Outcome:
    check_committed(context, environment, build.manifest)
    with telling(context, environment, f"deploy of {build.manifest.release}"):
        return context.engine(environment).deploy(build, context.shift(environment), reason)


def print_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Print what is live now, and how long that took."""
    text = (
        f"{outcome.release} is live in {outcome.environment} "
        f"after {outcome.live_seconds:.2f} s, tested after {outcome.seconds:.2f} s"
    )
    if outcome.configuration:
        text += f"\nlive with it: {outcome.configuration}"
    if outcome.kept:
        text += f"\nnot undone, so what these have changed stays: {', '.join(outcome.kept)}"
    result(asdict(outcome), text, as_json=as_json)
