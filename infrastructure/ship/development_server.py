"""The server that `ship serve` runs: the site's sources and the owner's application.

It runs in the application's own environment, so it uses the standard library only. When a file
changes, the process starts again at the same address, and the site's open pages reload.
"""

from __future__ import annotations

import argparse
import fnmatch
import html
import json
import os
import platform
import re
import subprocess
import sys
import threading
import time
import traceback
import uuid
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from urllib.parse import quote
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from lambda_adapter import parameters, queues
from lambda_adapter.application import load_application
from lambda_adapter.errors import ApplicationError
from ship import config
from ship.build.content_types import content_type
from ship.errors import ShipError
from ship.site_config import SiteSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from ship.config import Project

_MODULE = "ship.development_server"  # Here it is called __main__.
_APP_TF = "infrastructure/stack/app.tf"
_RELOAD = "/-/reload"
# The connection breaks when the server stops, and the browser opens it again by itself.
_SCRIPT = f"""
const server = new EventSource("{_RELOAD}");
let isLost = false;
server.onerror = () => {{ isLost = true; }};
server.onopen = () => {{ if (isLost) location.reload(); }};
"""
_TAG = f'<script src="{_RELOAD}.js"></script>'
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
            environ["lambda_adapter.request_id"] = str(uuid.uuid4())
            return self._application(environ, start)
        # WSGI hands over the bytes of a path as Latin-1. https://peps.python.org/pep-3333/
        name = path.encode("latin-1").decode(errors="replace").lstrip("/")
        name = f"{name}index.html" if path.endswith("/") else name
        file = (self._root / self._settings.source(name)).resolve()
        status, site = "200 OK", (self._root / self._settings.folder).resolve()
        folders = [(self._root / folder).resolve() for folder in self._settings.sources]
        is_inside = any(map(file.is_relative_to, folders))
        if is_inside and (file / "index.html").is_file() and not path.endswith("/"):
            query = environ.get("QUERY_STRING", "")
            start("301 Moved Permanently", [("Location", f"/{quote(name)}/{query and '?'}{query}")])
            return []
        if not is_inside or not file.is_file():
            fallback = self._settings.fallback
            file = site / (fallback or "404.html")
            status = "200 OK" if fallback else "404 Not Found"
        data = file.read_bytes() if file.is_file() else b"not found"
        if file.suffix == ".html":
            data = data.replace(b"</body>", f"{_TAG}</body>".encode())
        key = file.relative_to(site).as_posix() if file.is_relative_to(site) else name
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
                "environment": os.environ.get("ENVIRONMENT", "local"),
                **release,
                "python": platform.python_version(),
                "cold_start": False,
            },
        }
        if path in answers:
            return _respond(start, json.dumps(answers[path]).encode(), "application/json")
        problem = b'{"title": "Not Found", "status": 404}'
        return _respond(start, problem, "application/problem+json", "404 Not Found")


def local_variables(
    project: Project, environment: str, own: Mapping[str, str], site_url: str
) -> dict[str, str]:
    """The environment variables that the application finds on this machine.

    Those of app.tf and pyproject.toml as in Lambda; a person's `own` take their place, as settings
    do there. Of app.tf only what is written out: other values are known in AWS.
    """
    app_tf = project.root / _APP_TF
    text = app_tf.read_text(encoding="utf-8") if app_tf.is_file() else ""
    written = dict(re.findall(r'(?m)^\s*([A-Z][A-Z0-9_]*)\s*=\s*"([^"$\\]*)"', text))
    return {
        "LOG_LEVEL": "INFO",
        # The same after each start: sessions stay valid.
        "SECRET_KEY": "for this machine only",
        **{name: value for name, value in written.items() if not parameters.refusal(name)},
        **project.variables.get(project.role(environment), {}),
        **own,
        "ENVIRONMENT": environment,
        "METRICS_NAMESPACE": "local",
        "ORIGIN_VERIFY": "local",
        "SITE_URL": site_url,
    }


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


def _load(factory: str) -> WSGIApplication:
    """The owner's application; one that shows the error when it cannot be loaded."""
    try:
        return load_application(factory)
    except ApplicationError as error:
        return _show_error(str(error))
    except Exception:
        return _show_error(traceback.format_exc())


def _show_error(message: str) -> WSGIApplication:
    hint = "correct that: the next change of a file starts the application again"
    print(f"ship: {message}\n      → {hint}", file=sys.stderr, flush=True)

    def show(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        status = "500 Internal Server Error"
        if "text/html" in environ.get("HTTP_ACCEPT", ""):
            page = f"<!doctype html><body><pre>{html.escape(message)}</pre>{_TAG}</body>"
            return _respond(start, page.encode(), content_type("error.html"), status)
        return _respond(start, message.encode(), content_type("error.txt"), status)

    return show


def _file_times(watched: list[Path]) -> dict[Path, int]:
    """When each of these files, and those below these folders, was written."""
    found = {}
    for path in (path for one in watched for path in (one, *one.rglob("*"))):
        try:
            if "__pycache__" not in path.parts and not path.is_dir():
                found[path] = path.stat().st_mtime_ns
        except OSError:  # An editor has just removed it.
            pass
    return found


# The stream of each open page holds a thread.
class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="ship serve")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--again", action="store_true")
    given = parser.parse_args()
    inherited = dict(os.environ)
    try:
        server = _Server(("127.0.0.1", given.port), WSGIRequestHandler)
    except OSError as error:
        sys.exit(f"ship: port {given.port} cannot be used: {error}\n      → name another --port")
    address = f"http://127.0.0.1:{server.server_port}"
    if not given.again:
        print(f"{address} (Ctrl-C ends it)", file=sys.stderr, flush=True)
    try:
        watched = [given.root / "pyproject.toml", given.root / _APP_TF, given.root / "backend"]
        project: Project | None = None
        try:
            project = config.project(given.root)
            watched += [given.root / name for name in project.site.sources]
        except ShipError as error:
            message = f"{error}; {error.hint}"
        # Before anything is loaded: what changes meanwhile counts.
        before = _file_times(watched)
        if project:
            served = _load_project(project, given.environment, address)
        else:
            served = DevelopmentServer(given.root, SiteSettings(), _show_error(message), ("/*",))
        server.set_app(served)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        while (now := _file_times(watched)) == before:
            time.sleep(_INTERVAL_SECONDS)
        changed = {path for path, _ in before.items() ^ now.items()}
        if given.root / "backend/requirements.txt" in changed:
            script = given.root / "infrastructure/toolchain.py"
            subprocess.run([sys.executable, script, "setup", "--for", "serve"], check=False)
    except KeyboardInterrupt:
        return
    server.server_close()
    arguments = ["--root", str(given.root), "--environment", given.environment, "--again"]
    command = [sys.executable, "-m", _MODULE, *arguments, "--port", str(server.server_port)]
    # The process stays the same one, so that a terminal's Ctrl-C still reaches it.
    os.execve(sys.executable, command, inherited)


def _load_project(project: Project, environment: str, address: str) -> DevelopmentServer:
    os.environ.update(local_variables(project, environment, os.environ, address))
    # As in Lambda, where the application lies in the working directory and is alone: it may have
    # a module of any name.
    backend = project.root / "backend"
    os.chdir(backend)
    sys.path.insert(0, str(backend))
    for name in [one for one in sys.modules if one.partition(".")[0] == "ship"]:
        del sys.modules[name]
    application = _load(project.application.factory)
    handlers = {name: one.handler for name, one in project.application.events.items()}
    queues.handle_here(handlers, application)
    return DevelopmentServer(project.root, project.site, application, project.application.paths)


if __name__ == "__main__":
    main()
