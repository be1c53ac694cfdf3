"""What the commands do, apart from reading their arguments and printing their results."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ship.aws import Clients, aws_call
from ship.build import builder as builds
from ship.build import tree
from ship.build.manifest import decode
from ship.config import is_preview
from ship.environments import bootstrap, previews, terraform
from ship.errors import ShipError
from ship.github import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ship.build.builder import Build
    from ship.environments.context import Context
    from ship.output import Progress
    from ship.release.engine import Outcome
    from ship.state.store import Store

_FOLLOW_SECONDS = 1.0


def build(context: Context) -> Build:
    """Build the work tree into `dist/`."""
    root = context.project.root
    source = tree.describe(root)
    with context.progress.step(f"build {source.release}"):
        return builds.make(root, context.tools, source, root / "dist", _caches(context))


def deploy(context: Context, environment: str, release: str | None, reason: str) -> Outcome:
    """Make the work tree's build, or a stored release, live in an environment."""
    engine = context.engine(environment)
    if release is None:
        made = current_build(context)
        _check_committed(context, environment, made)
    else:
        clients = context.clients(environment)
        made = fetch(context.store(environment, clients), release, _cached(context, release))
    return engine.deploy(made, context.project.shift(environment), reason)


def promote(context: Context, origin: str, environment: str, reason: str) -> Outcome:
    """Make what is live in one environment live in another, byte for byte."""
    if is_preview(origin):
        raise ShipError(
            f"{origin} is a preview: what it shows has not been merged",
            "merge its pull request; the workflow Deploy takes up what main then holds",
        )
    if origin == environment:
        raise ShipError(f"{origin} cannot be promoted to itself", "name two environments")
    store = context.store(origin, context.clients(origin))
    head, _ = store.read_state()
    if head.live is None:
        raise ShipError(f"nothing is live in {origin}", f"deploy with `ship deploy {origin}`")
    with context.progress.step(f"fetch {head.live} from {origin}"):
        made = fetch(store, head.live, _cached(context, head.live))
    _check_committed(context, environment, made)
    shift = context.project.shift(environment)
    return context.engine(environment).deploy(made, shift, reason or f"promoted from {origin}")


def deploy_folder(context: Context, environment: str, folder: Path, reason: str) -> Outcome:
    """Make the build in a folder live, whatever the work tree holds."""
    previews.check_wanted(context.settings.run, environment, settings.gh)
    made = builds.load(folder)
    _check_committed(context, environment, made)
    return context.engine(environment).deploy(made, context.project.shift(environment), reason)


def current_build(context: Context) -> Build:
    """The build in `dist/` when it is the work tree's; otherwise a fresh one."""
    root = context.project.root
    source = tree.describe(root)
    folder = root / "dist"
    if (folder / "manifest.json").is_file():
        found = builds.load(folder)
        if found.manifest.release == source.release:
            return found
    return build(context)


def fetch(store: Store, release: str, folder: Path) -> Build:
    """Download a stored release, each file compared with the manifest."""
    found = store.manifest(release)
    with ThreadPoolExecutor(8) as pool:
        contents = pool.map(lambda path: store.read(found, path), found.files)
        for path, data in zip(found.files, contents, strict=True):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    (folder / "manifest.json").write_bytes(found.encode())
    return builds.Build(folder, decode(found.encode(), release))


def status(context: Context, environment: str) -> dict[str, Any]:
    """What is live in an environment, and where a rollback would go."""
    clients = context.clients(environment)
    store = context.store(environment, clients)
    stack = store.stack()
    head, _ = store.read_state()
    live = head.releases.get(head.live or "")
    operation = head.operation
    return {
        "environment": environment,
        "release": head.live,
        "previous": head.previous,
        "rollback_candidates": list(head.rollback_candidates),
        "commit": live.commit if live else None,
        "function_version": live.version if live else None,
        "api_url": stack.api_url,
        "site_url": stack.site_url,
        "frozen": asdict(head.frozen) if head.frozen else None,
        "bad": head.bad,
        "pinned": list(head.pinned),
        "operation": asdict(operation) if operation else None,
    }


def up(context: Context) -> list[dict[str, Any]]:
    """Start the emulator and bring every environment to life that is not alive yet."""
    with context.progress.step("emulator"):
        context.emulator.start(context.progress.note)
    bootstrap.make(context)
    names = context.project.environments
    _each(context, names, lambda name, progress: _apply(context, name, progress))
    with TemporaryDirectory(dir=_caches(context)) as work:
        made: list[Build] = []
        for name in names:
            _first_release(context, name, made, Path(work))
    return [status(context, name) for name in names]


def destroy(context: Context, environment: str) -> None:
    """Destroy an environment with everything in it; a workflow destroys previews only.

    Raises:
        ShipError: it must not be, a run is at work there, or something could not be destroyed.
    """
    if context.settings.run.on_github and not is_preview(environment):
        raise ShipError(
            f"{environment} is a lasting environment: no workflow destroys it",
            f"whoever means it runs `ship destroy {environment}` from a terminal",
        )
    with context.progress.step(f"destroy {environment}"):
        previews.destroy(context, environment)


def logs(context: Context, environment: str, minutes: float, *, follow: bool) -> Iterator[str]:
    """The function's log lines of the last minutes, oldest first."""
    clients = context.clients(environment)
    group = context.store(environment, clients).stack().log_group
    start, seen = int((time.time() - minutes * 60) * 1000), set[tuple[object, ...]]()
    while True:
        for event in _events(clients, group, start):
            identity = (event["logStreamName"], event["timestamp"], event["message"])
            if identity not in seen:
                seen.add(identity)
                yield str(event["message"]).rstrip()
        if not follow:
            return
        time.sleep(_FOLLOW_SECONDS)


def history(context: Context, environment: str, newest: int) -> list[dict[str, Any]]:
    """The newest entries of an environment's history, newest first."""
    store = context.store(environment, context.clients(environment))
    store.stack()
    return [asdict(entry) for entry in store.history(newest)]


def _events(clients: Clients, group: str, start: int) -> list[dict[str, Any]]:
    pages = clients.client("logs").get_paginator("filter_log_events")
    return aws_call(
        lambda: [
            event
            for page in pages.paginate(logGroupName=group, startTime=start)
            for event in page["events"]
        ],
        f"the log group {group} cannot be read",
        "check the credentials, then run the command again",
    )


def _apply(context: Context, environment: str, progress: Progress) -> None:
    with progress.step("infrastructure"):
        context.stack(environment, progress).apply()


def _first_release(context: Context, environment: str, made: list[Build], work: Path) -> None:
    """Deploy the last commit where nothing is live; one build serves all."""
    progress = context.progress.within(environment)
    engine = context.engine(environment, progress)
    engine.repair()
    if engine.state.live:
        progress.note(f"{engine.state.live} is live")
        return
    if not made:
        made.append(_committed_build(context, work))
    engine.deploy(made[0], context.project.shift(environment), "first release")


def _committed_build(context: Context, work: Path) -> Build:
    """A build of the last commit; what is not committed is left out, and said to be."""
    root = context.project.root
    if not tree.describe(root).changes:
        return current_build(context)
    context.progress.note("uncommitted changes are left out; show them with `ship deploy dev`")
    tree.check_out(root, work / "checkout")
    source = tree.describe(work / "checkout")
    with context.progress.step(f"build {source.release}"):
        return builds.make(
            work / "checkout", context.tools, source, work / "dist", _caches(context)
        )


def _check_committed(context: Context, environment: str, made: Build) -> None:
    first = context.project.environments[0]
    if made.manifest.dirty and environment in context.project.environments[1:]:
        raise ShipError(
            f"release {made.manifest.release} was built from uncommitted changes",
            f"commit them, deploy to {first}, then promote",
        )


def _each(
    context: Context, names: tuple[str, ...], action: Callable[[str, Progress], None]
) -> None:
    """Do something for several environments at once; all faults are told when all have ended."""
    with ThreadPoolExecutor(len(names)) as pool:
        running = {name: pool.submit(action, name, context.progress.within(name)) for name in names}
        try:
            faults = {name: future.exception() for name, future in running.items()}
        except KeyboardInterrupt:
            terraform.interrupt()
            raise
    found = {name: fault for name, fault in faults.items() if fault}
    for name, fault in list(found.items())[1:]:
        context.progress.within(name).note(str(fault))
    for fault in found.values():
        raise fault


def _caches(context: Context) -> Path:
    folder = context.project.home / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _cached(context: Context, release: str) -> Path:
    folder = _caches(context) / "releases" / release
    shutil.rmtree(folder, ignore_errors=True)
    return folder
