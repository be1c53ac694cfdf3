"""Run the pinned emulator, patched, on loopback only, until SIGTERM or SIGINT.

Run it as a module, with the Python of an environment that holds ministack and nothing else, from
the folder that holds this package. It saves its state when nothing changes for a while and when it
is told to stop. On the ports after the main one are the environments' sites: plain addresses at
which their CloudFront distributions answer.
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import sys
import traceback
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from emulator import patches
from emulator.autosave import AutosaveTimer
from emulator.errors import EmulatorError, Hints
from emulator.site_ports import SitePorts
from emulator.site_proxy import SiteProxy
from emulator.state_directory import SITE_PORTS, LockedError, LockOwner, StateDirectory

_LOOPBACK = "127.0.0.1"
_BACKLOG = 100
_GRACE_SECONDS = 1.0


class ServeError(EmulatorError):
    """It cannot run, for a reason that the caller may have a hint of its own about."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message, getattr(Hints(), kind))
        self.kind = kind


def main(arguments: list[str] | None = None) -> int:
    """Serve; return the exit status."""
    options = _parse_options(arguments)
    if options.detach:
        if os.fork():
            return 0
        os.setsid()
    if options.report is not None:
        os.set_inheritable(options.report, False)
    try:
        _serve(options)
    except EmulatorError as error:
        _report(options, error=str(error), hint=error.hint, kind=getattr(error, "kind", ""))
        return error.status
    except Exception as error:
        traceback.print_exc()
        _report(options, error=f"the emulator failed: {error}", hint="read its log", kind="")
        return 1
    return 0


def _report(options: argparse.Namespace, **content: object) -> None:
    """Say in one line how it went: to the log, and to the starting process, which reads one."""
    line = json.dumps(content) + "\n"
    sys.stderr.write(line)
    sys.stderr.flush()
    if options.report is not None:
        os.write(options.report, line.encode())
        os.close(options.report)
        options.report = None


def _parse_options(arguments: list[str] | None) -> argparse.Namespace:
    description, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="python -m emulator.serve",
        description=description,
        epilog=rest,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = parser.add_argument
    add("--folder", type=Path, required=True, help="the folder for state, log and credentials")
    add("--port", type=int, default=4566, help="the port that answers as AWS (4566)")
    add("--environments", default="", help="names that have fixed site ports, by commas")
    add("--region", default="eu-central-1", help="the region of requests that name none")
    add("--node", type=Path, help="the Node.js for CloudFront Functions")
    add("--save-after", type=float, default=5.0, help="seconds without a change until it saves (5)")
    add("--init-seconds", type=float, default=10.0, help="what INIT of a function may take (10)")
    add("--detach", action="store_true", help="serve in the background")
    add("--report", type=int, help="a descriptor to which one JSON line is written when ready")
    add("--without", action="append", default=[], metavar="PATCH", help="leave a patch out (tests)")
    return parser.parse_args(arguments)


def _serve(options: argparse.Namespace) -> None:
    directory = StateDirectory(options.folder.resolve())
    directory.create()
    try:
        directory.acquire()
    except LockedError:
        text = f"another emulator serves from {directory.path}"
        raise ServeError(text, "running") from None
    version = _check_version()
    environments = [name for name in options.environments.split(",") if name]
    ports = SitePorts(directory, options.port, environments)
    sockets = _bind(options.port, ports)
    site_ports = tuple(sorted(sockets))[1:]
    owner = LockOwner(os.getpid(), options.port, site_ports, version, ready=False)
    directory.record_owner(owner)
    directory.follow_port(options.port)
    _isolate(directory, options)
    settings = patches.Settings(
        directory.root, directory.packages, directory.calls, options.init_seconds
    )
    applied = patches.apply(settings, options.without)
    autosave = AutosaveTimer(options.save_after)
    del os.environ["LOG_LEVEL"]  # ministack has read it; functions have a variable of that name.

    def on_ready() -> None:
        for bound in sockets.values():
            bound.listen(_BACKLOG)
        directory.record_owner(replace(owner, ready=True))
        _report(options, ready=sorted(sockets))

    health: dict[str, object] = {"version": version, "patches": applied}
    _run(sockets, SiteProxy(ports, options.port, health, autosave, on_ready))


def _check_version() -> str:
    """Return the installed version, which must be the one that the patches were written for."""
    try:
        version = metadata.version("ministack")
    except metadata.PackageNotFoundError:
        version = "none"
    if version != patches.PINNED:
        text = f"this environment has ministack {version}; the patches are for {patches.PINNED}"
        raise ServeError(text, "environment")
    return version


def _bind(port: int, ports: SitePorts) -> dict[int, socket.socket]:
    """Take the main port, the reserved site ports, and those of the others that are free."""
    needed = (port, *ports.reserved())
    sockets = {number: _open_socket(number) for number in needed}
    busy = [number for number, found in sockets.items() if found is None]
    if busy:
        text = f"port {busy[0]} is taken by another program; {port} and {SITE_PORTS} after it"
        raise ServeError(f"{text} are the emulator's", "port")
    others = {number: _open_socket(number) for number in ports.all if number not in sockets}
    return {number: found for number, found in {**sockets, **others}.items() if found}


def _open_socket(port: int) -> socket.socket | None:
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        found.bind((_LOOPBACK, port))
    except OSError:
        found.close()
        return None
    return found


def _isolate(directory: StateDirectory, options: argparse.Namespace) -> None:
    """Make the folders, and replace the environment variables.

    Functions get all variables of this process. Without PYTHONPATH among them they cannot import
    what lies beside this package, as they could not on AWS.
    """
    # Each function's worker leaves a folder.
    shutil.rmtree(directory.temporary, ignore_errors=True)
    for folder in (directory.temporary, directory.state, directory.objects):
        folder.mkdir(mode=0o700, exist_ok=True)
    node = [str(options.node.parent)] if options.node else []
    os.environ.clear()
    os.environ.update(
        PATH=os.pathsep.join([*node, "/usr/local/bin", "/usr/bin", "/bin"]),
        HOME=str(directory.temporary),
        TMPDIR=str(directory.temporary),
        LANG="C.UTF-8",
        LOG_LEVEL="WARNING",
        AUTH="true",
        BIND_HOST=_LOOPBACK,
        GATEWAY_PORT=str(options.port),
        MINISTACK_REGION=options.region,
        IOT_MTLS_ENABLED="0",  # Its port ignores BIND_HOST.
        SFTP_ENABLED="0",
        PERSIST_STATE="1",
        STATE_DIR=str(directory.state),
        S3_PERSIST="1",
        S3_DATA_DIR=str(directory.objects),
    )


def _run(sockets: dict[int, socket.socket], application: SiteProxy) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{bound.fileno()}" for bound in sockets.values()]
    config.backlog = _BACKLOG
    config.keep_alive_timeout = 75
    config.graceful_timeout = _GRACE_SECONDS
    config.loglevel = "WARNING"
    asyncio.run(serve(application, config))


if __name__ == "__main__":
    raise SystemExit(main())
