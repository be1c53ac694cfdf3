"""`make web`: the site's sources and the owner's application, on this machine only.

It needs neither the emulator nor a build. When a file of backend/ or web/ changes, the server
starts again at the same address, and open pages reload.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import platform
import sys
import threading
import time
import traceback
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIServer, make_server

from lambda_adapter.application import load_application
from ship import config
from ship.build.content_types import content_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from ship.site_config import SiteSettings

_RELOAD = "/-/reload"
# The connection breaks when the server stops, and the browser opens it again by itself.
_SCRIPT = f"""
const server = new EventSource("{_RELOAD}");
let isLost = false;
server.onerror = () => {{ isLost = true; }};
server.onopen = () => {{ if (isLost) location.reload(); }};
"""
_INTERVAL_SECONDS = 0.5


class DevelopmentServer:
    """A WSGI application: the site's sources, and the owner's application beside them."""

    def __init__(
        self,
        root: Path,
        settings: SiteSettings,
        application: WSGIApplication,
        paths: tuple[str, ...],
    ) -> None:
        self._root = root
        self._settings = settings
        self._application = application
        self._paths = paths

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        if path.startswith("/-/"):
            return self._answer_platform(path, start)
        is_application = any(fnmatch.fnmatchcase(path, pattern) for pattern in self._paths)
        if is_application and not self._settings.is_mounted(path):
            return self._application(environ, start)
        name = f"{path}index.html" if path.endswith("/") else path
        file = (self._root / self._settings.source(name.lstrip("/"))).resolve()
        status, site = "200 OK", (self._root / self._settings.folder).resolve()
        folders = [(self._root / folder).resolve() for folder in self._settings.sources]
        if not file.is_file() or not any(map(file.is_relative_to, folders)):
            fallback = self._settings.fallback
            file = site / (fallback or "404.html")
            status = "200 OK" if fallback else "404 Not Found"
        data = file.read_bytes() if file.is_file() else b"not found"
        if file.suffix == ".html":
            data = data.replace(b"</body>", f'<script src="{_RELOAD}.js"></script></body>'.encode())
        key = file.relative_to(site).as_posix() if file.is_relative_to(site) else name[1:]
        return _respond(start, data, content_type(key, self._settings.content_types), status)

    def _answer_platform(self, path: str, start: StartResponse) -> Iterable[bytes]:
        if path == _RELOAD:
            start("200 OK", [("Content-Type", "text/event-stream")])
            return _keep_open()
        if path == f"{_RELOAD}.js":
            return _respond(start, _SCRIPT.encode(), content_type("reload.js"))
        release = {"release": "local", "commit": "", "function_version": "$LATEST"}
        answers = {
            "/-/health": {"status": "ok"},
            "/-/ready": {"status": "ready"},
            "/-/site.json": {"release": "local"},
            "/-/version": {
                "environment": "local",
                **release,
                "python": platform.python_version(),
                "cold_start": False,
            },
        }
        if path in answers:
            return _respond(start, json.dumps(answers[path]).encode(), "application/json")
        problem = b'{"title": "Not Found", "status": 404}'
        return _respond(start, problem, "application/problem+json", "404 Not Found")


def _respond(
    start: StartResponse, data: bytes, kind: str, status: str = "200 OK"
) -> Iterable[bytes]:
    start(status, [("Content-Type", kind), ("Cache-Control", "no-store")])
    return [data]


def _keep_open() -> Iterator[bytes]:
    yield b"retry: 200\n\n"
    while True:
        time.sleep(1)
        yield b":\n\n"


def _load(root: Path, factory: str) -> WSGIApplication:
    """The owner's application; one that shows the error when it cannot be loaded."""
    sys.path.insert(0, str(root / "backend"))
    try:
        return load_application(factory)
    except Exception:
        message = traceback.format_exc()
        print(message, file=sys.stderr, flush=True)

        def show_error(_: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
            return _respond(
                start, message.encode(), content_type("error.txt"), "500 Internal Server Error"
            )

        return show_error


def _wait_for_change(folders: list[Path]) -> None:
    def times() -> dict[Path, int]:
        found = {}
        for path in (path for folder in folders for path in folder.rglob("*")):
            try:
                if "__pycache__" not in path.parts:
                    found[path] = path.stat().st_mtime_ns
            except OSError:  # An editor has just removed it.
                pass
        return found

    before = times()
    while times() == before:
        time.sleep(_INTERVAL_SECONDS)


# The stream of each open page holds a thread.
class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make web", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="a free one when it is 0")
    port = parser.parse_args().port
    project = config.project(Path.cwd())
    folders = [project.root / name for name in ("backend", *project.site.sources)]
    application = _load(project.root, project.application.factory)
    paths = project.application.paths
    served = DevelopmentServer(project.root, project.site, application, paths)
    server = make_server("127.0.0.1", port, served, server_class=_Server)
    if not port:
        address = f"http://127.0.0.1:{server.server_port}"
        print(f"{address} (Ctrl-C ends it)", file=sys.stderr, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        _wait_for_change(folders)
    except KeyboardInterrupt:
        return
    server.server_close()
    arguments = ["-m", "ship.cli.web", "--port", str(server.server_port)]
    # The process stays the same one, so that a terminal's Ctrl-C still reaches it.
    os.execv(sys.executable, [sys.executable, *arguments])


if __name__ == "__main__":
    main()
