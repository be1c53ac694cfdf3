"""What the commands do, apart from reading their arguments and printing their results."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ship import bootstrap, github, previews, terraform, tree
from ship import build as builds
from ship.aws import Clients, calling
from ship.config import is_preview
from ship.errors import Fault
from ship.manifest import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ship.build import Build
    from ship.engine import Outcome
    from ship.output import Progress
    from ship.session import Session
    from ship.store import Store

_FOLLOW_SECONDS = 1.0


def build(session: Session) -> Build:
    """Build the work tree into `dist/`."""
    root = session.project.root
    source = tree.describe(root)
    with session.progress.step(f"build {source.release}"):
        return builds.make(root, session.tools, source, root / "dist", _caches(session))


def deploy(session: Session, environment: str, release: str | None, reason: str) -> Outcome:
    """Make the work tree's build, or a stored release, live in an environment."""
    engine = session.engine(environment)
    if release is None:
        made = current_build(session)
        _check_committed(session, environment, made)
    else:
        clients = session.clients(environment)
        made = fetch(session.store(environment, clients), release, _cached(session, release))
    return engine.deploy(made, session.project.shift(environment), reason)


def promote(session: Session, origin: str, environment: str, reason: str) -> Outcome:
    """Make what is live in one environment live in another, byte for byte."""
    if is_preview(origin):
        raise Fault(
            f"{origin} is a preview: what it shows has not been merged",
            "merge its pull request; the workflow Deploy takes up what main then holds",
        )
    if origin == environment:
        raise Fault(f"{origin} cannot be promoted to itself", "name two environments")
    store = session.store(origin, session.clients(origin))
    head, _ = store.head()
    if head.live is None:
        raise Fault(f"nothing is live in {origin}", f"deploy with `ship deploy {origin}`")
    with session.progress.step(f"fetch {head.live} from {origin}"):
        made = fetch(store, head.live, _cached(session, head.live))
    _check_committed(session, environment, made)
    shift = session.project.shift(environment)
    return session.engine(environment).deploy(made, shift, reason or f"promoted from {origin}")


def deploy_folder(session: Session, environment: str, folder: Path, reason: str) -> Outcome:
    """Make the build in a folder live, whatever the work tree holds."""
    previews.check_wanted(session.settings.run, environment, github.gh)
    made = builds.load(folder)
    _check_committed(session, environment, made)
    return session.engine(environment).deploy(made, session.project.shift(environment), reason)


def current_build(session: Session) -> Build:
    """The build in `dist/` when it is the work tree's; otherwise a fresh one."""
    root = session.project.root
    source = tree.describe(root)
    folder = root / "dist"
    if (folder / "manifest.json").is_file():
        found = builds.load(folder)
        if found.manifest.release == source.release:
            return found
    return build(session)


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


def status(session: Session, environment: str) -> dict[str, Any]:
    """What is live in an environment, and where a rollback would go."""
    clients = session.clients(environment)
    store = session.store(environment, clients)
    stack = store.stack()
    head, _ = store.head()
    live = head.releases.get(head.live or "")
    operation = head.operation
    return {
        "environment": environment,
        "release": head.live,
        "previous": head.previous,
        "candidates": list(head.candidates),
        "commit": live.commit if live else None,
        "function_version": live.version if live else None,
        "api_url": stack.api_url,
        "site_url": stack.site_url,
        "frozen": asdict(head.frozen) if head.frozen else None,
        "bad": head.bad,
        "pinned": list(head.pinned),
        "operation": asdict(operation) if operation else None,
    }


def up(session: Session) -> list[dict[str, Any]]:
    """Start the emulator and bring every environment to life that is not alive yet."""
    with session.progress.step("emulator"):
        session.emulator.start(session.progress.note)
    bootstrap.make(session)
    names = session.project.environments
    _each(session, names, lambda name, progress: _apply(session, name, progress))
    with TemporaryDirectory(dir=_caches(session)) as work:
        made: list[Build] = []
        for name in names:
            _first_release(session, name, made, Path(work))
    return [status(session, name) for name in names]


def destroy(session: Session, environment: str) -> None:
    """Destroy an environment with everything in it; a workflow destroys previews only.

    Raises:
        Fault: it must not be, a run is at work there, or something could not be destroyed.
    """
    if session.settings.run.on_github and not is_preview(environment):
        raise Fault(
            f"{environment} is a lasting environment: no workflow destroys it",
            f"whoever means it runs `ship destroy {environment}` from a terminal",
        )
    with session.progress.step(f"destroy {environment}"):
        previews.destroy(session, environment)


def logs(session: Session, environment: str, minutes: float, *, follow: bool) -> Iterator[str]:
    """The function's log lines of the last minutes, oldest first."""
    clients = session.clients(environment)
    group = session.store(environment, clients).stack().log_group
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


def history(session: Session, environment: str, newest: int) -> list[dict[str, Any]]:
    """The newest entries of an environment's ledger, newest first."""
    store = session.store(environment, session.clients(environment))
    store.stack()
    return [asdict(entry) for entry in store.ledger(newest)]


def _events(clients: Clients, group: str, start: int) -> list[dict[str, Any]]:
    pages = clients.client("logs").get_paginator("filter_log_events")
    return calling(
        lambda: [
            event
            for page in pages.paginate(logGroupName=group, startTime=start)
            for event in page["events"]
        ],
        f"the log group {group} cannot be read",
        "check the credentials, then run the command again",
    )


def _apply(session: Session, environment: str, progress: Progress) -> None:
    with progress.step("infrastructure"):
        session.stack(environment, progress).apply()


def _first_release(session: Session, environment: str, made: list[Build], work: Path) -> None:
    """Deploy the last commit where nothing is live; one build serves all."""
    progress = session.progress.within(environment)
    engine = session.engine(environment, progress)
    engine.repair()
    if engine.head.live:
        progress.note(f"{engine.head.live} is live")
        return
    if not made:
        made.append(_committed_build(session, work))
    engine.deploy(made[0], session.project.shift(environment), "first release")


def _committed_build(session: Session, work: Path) -> Build:
    """A build of the last commit; what is not committed is left out, and said to be."""
    root = session.project.root
    if not tree.describe(root).changes:
        return current_build(session)
    session.progress.note("uncommitted changes are left out; show them with `ship deploy dev`")
    tree.check_out(root, work / "checkout")
    source = tree.describe(work / "checkout")
    with session.progress.step(f"build {source.release}"):
        return builds.make(
            work / "checkout", session.tools, source, work / "dist", _caches(session)
        )


def _check_committed(session: Session, environment: str, made: Build) -> None:
    first = session.project.environments[0]
    if made.manifest.dirty and environment in session.project.environments[1:]:
        raise Fault(
            f"release {made.manifest.release} was built from uncommitted changes",
            f"commit them, deploy to {first}, then promote",
        )


def _each(
    session: Session, names: tuple[str, ...], action: Callable[[str, Progress], None]
) -> None:
    """Do something for several environments at once; all faults are told when all have ended."""
    with ThreadPoolExecutor(len(names)) as pool:
        running = {name: pool.submit(action, name, session.progress.within(name)) for name in names}
        try:
            faults = {name: future.exception() for name, future in running.items()}
        except KeyboardInterrupt:
            terraform.interrupt()
            raise
    found = {name: fault for name, fault in faults.items() if fault}
    for name, fault in list(found.items())[1:]:
        session.progress.within(name).note(str(fault))
    for fault in found.values():
        raise fault


def _caches(session: Session) -> Path:
    folder = session.project.home / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _cached(session: Session, release: str) -> Path:
    folder = _caches(session) / "releases" / release
    shutil.rmtree(folder, ignore_errors=True)
    return folder
