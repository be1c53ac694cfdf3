"""Run the pinned emulator, mended, on loopback only, until SIGTERM or SIGINT.

Run by file path with the interpreter of the environment that holds ministack and nothing
else: `ship.emulator.Emulator` does, or a person who wants to watch it. It saves its state
when nothing changes for a while and when it is told to stop. On the ports after the main
one, each environment has a door: a plain address at which its CloudFront distribution
answers.
"""

from __future__ import annotations

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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator import patches
    from emulator.edge import Edge
    from emulator.keeping import Keeper
    from emulator.shared.doors import DOORS, Doors
    from emulator.shared.home import HeldError, Holder, Home
else:
    import patches
    from edge import Edge
    from keeping import Keeper
    from shared.doors import DOORS, Doors
    from shared.home import HeldError, Holder, Home

_LOOPBACK = "127.0.0.1"
_BACKLOG = 100
_GRACE_SECONDS = 1.0


class ServeError(Exception):
    """It cannot run: what is wrong, then what to do."""


class BesideError(ServeError):
    """Another emulator serves from the folder, or is about to."""


class Report:
    """The one line that tells the starting process how it went; the log has it as well."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        if descriptor is not None:
            os.set_inheritable(descriptor, False)

    def send(self, **content: object) -> None:
        """Write the line and close the pipe."""
        line = json.dumps(content) + "\n"
        sys.stderr.write(line)
        sys.stderr.flush()
        if self._descriptor is not None:
            os.write(self._descriptor, line.encode())
            os.close(self._descriptor)
            self._descriptor = None


def main(arguments: list[str] | None = None) -> int:
    """Serve; return the exit status."""
    options = _options(arguments)
    if options.detach and not _detach():
        return 0
    report = Report(options.report)
    try:
        _serve(options, report)
    except ServeError as error:
        beside = isinstance(error, BesideError)
        report.send(fault=error.args[0], hint=error.args[1], beside=beside)
        return 1
    except Exception as error:
        traceback.print_exc()
        report.send(fault=f"the emulator failed: {error}", hint="read the log above this line")
        return 1
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    description, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=rest, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--home", type=Path, required=True, help="the folder for state, log and credentials")
    add("--port", type=int, default=4566, help="the port that answers as AWS (4566)")
    add("--doors", type=_ports, default=[], help="ports that must be free, separated by commas")
    add("--region", default="eu-central-1", help="the region of requests that name none")
    add("--node", type=Path, help="the Node.js for CloudFront Functions")
    add("--save-after", type=float, default=5.0, help="seconds without a change until it saves (5)")
    add("--detach", action="store_true", help="serve in the background")
    add("--report", type=int, help="a descriptor to which one JSON line is written when ready")
    add("--without", action="append", default=[], metavar="MEND", help="leave a mend out (tests)")
    return parser.parse_args(arguments)


def _ports(text: str) -> list[int]:
    return [int(port) for port in text.split(",") if port]


def _detach() -> bool:
    """Leave the starting process and its terminal; True in the process that goes on."""
    if os.fork():
        return False
    os.setsid()
    return True


def _serve(options: argparse.Namespace, report: Report) -> None:
    home = Home(options.home.resolve())
    home.make()
    try:
        home.hold()
    except HeldError:
        raise BesideError(
            f"another emulator serves from {home.path}", "stop it first: `ship down`"
        ) from None
    version = _pinned_version()
    doors = Doors(home, options.port)
    sockets = _bind(options.port, options.doors or doors.promised(), doors)
    me = Holder(os.getpid(), options.port, tuple(sorted(sockets))[1:], version, ready=False)
    home.sign_in(me)
    _clean_environment(home, options)
    settings = patches.Settings(root_file=home.root)
    made = patches.apply(version, settings, options.without)
    edge = Edge(doors, options.port, version, made, Keeper(options.save_after))
    del os.environ["LOG_LEVEL"]  # It is read; functions have a setting of that name themselves.

    def ready() -> None:
        for bound in sockets.values():
            bound.listen(_BACKLOG)
        home.sign_in(replace(me, ready=True))
        report.send(ready=sorted(sockets))

    _run(sockets, edge, ready)


def _pinned_version() -> str:
    """Return the installed version, which must be the one that the mends were written for."""
    try:
        version = metadata.version("ministack")
    except metadata.PackageNotFoundError:
        version = "none"
    if version != patches.PINNED:
        raise ServeError(
            f"this environment has ministack {version}; the patches are for {patches.PINNED}",
            "run `make setup`; to move to a new version, check every mend against it first",
        )
    return version


def _bind(port: int, needed: list[int], doors: Doors) -> dict[int, socket.socket]:
    """Take the main port, the needed doors, and those of the other doors that are free."""
    sockets = {taken: _socket(taken) for taken in (port, *needed)}
    busy = [taken for taken, found in sockets.items() if found is None]
    if busy:
        what = "the port" if busy[0] == port else "the door"
        raise ServeError(
            f"{what} {busy[0]} is taken by another program",
            f"end that program, or set SHIP_PORT so that it and the next {DOORS} ports are free",
        )
    spare = {door: _socket(door) for door in doors.all if door not in sockets}
    return {taken: found for taken, found in {**sockets, **spare}.items() if found}


def _socket(port: int) -> socket.socket | None:
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        found.bind((_LOOPBACK, port))
    except OSError:
        found.close()
        return None
    return found


def _clean_environment(home: Home, options: argparse.Namespace) -> None:
    """Replace the environment variables: functions see the emulator's whole environment."""
    shutil.rmtree(home.temporary, ignore_errors=True)  # It leaks a folder a function worker.
    for folder in (home.temporary, home.state, home.objects):
        folder.mkdir(mode=0o700, exist_ok=True)
    node = [str(options.node.parent)] if options.node else []
    os.environ.clear()
    os.environ.update(
        PATH=os.pathsep.join([*node, "/usr/local/bin", "/usr/bin", "/bin"]),
        HOME=str(home.temporary),
        TMPDIR=str(home.temporary),
        LANG="C.UTF-8",
        LOG_LEVEL="WARNING",
        AUTH="true",
        BIND_HOST=_LOOPBACK,
        GATEWAY_PORT=str(options.port),
        MINISTACK_REGION=options.region,
        IOT_MTLS_ENABLED="0",  # Its port ignores BIND_HOST.
        SFTP_ENABLED="0",
        PERSIST_STATE="1",
        STATE_DIR=str(home.state),
        S3_PERSIST="1",
        S3_DATA_DIR=str(home.objects),
    )


def _run(sockets: dict[int, socket.socket], edge: Edge, ready: Callable[[], None]) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    edge.on_ready(ready)
    config = Config()
    config.bind = [f"fd://{bound.fileno()}" for bound in sockets.values()]
    config.backlog = _BACKLOG
    config.keep_alive_timeout = 75
    config.graceful_timeout = _GRACE_SECONDS
    config.loglevel = "WARNING"
    asyncio.run(serve(edge, config))


if __name__ == "__main__":
    raise SystemExit(main())
