"""The page with the local API, on this machine only, for whoever works on it: `make web`.

It needs neither the emulator nor a build. A change of the page or of the backend starts the server
anew, on the same address, and open pages reload as soon as it is back.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ship.build import pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from werkzeug.wrappers import Response

_RELOAD = "/-/reload"
_SCRIPT = f"{_RELOAD}.js"
_TAG = f'<script src="{_SCRIPT}"></script></body>'
# The connection breaks when the server goes, and opens again, by itself, when it is back.
_RELOADER = f"""
const server = new EventSource("{_RELOAD}");
let isLost = false;
server.onerror = () => {{ isLost = true; }};
server.onopen = () => {{ if (isLost) location.reload(); }};
"""


class Site:
    """A WSGI application: the sources of the page, and the API beside them."""

    def __init__(self, folder: Path, api: WSGIApplication, status: Path | None = None) -> None:
        self._folder = folder.resolve()
        self._api = api
        self._status = status

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        if path == "/api/status" and self._status:
            return self._answer(self._status.read_bytes(), ".json")(environ, start)
        if path.startswith("/api/"):
            return self._api(environ, start)
        return self._file(path)(environ, start)

    def _file(self, path: str) -> Response:
        if path == _RELOAD:
            return self._stream()
        if path == _SCRIPT:
            return self._answer(_RELOADER.encode(), ".js")
        name = path.lstrip("/") or "index.html"
        file = (self._folder / name).resolve()
        if file.is_file() and file.is_relative_to(self._folder):
            return self._answer(file.read_bytes(), file.suffix)
        return self._answer((self._folder / "404.html").read_bytes(), ".html", 404)

    def _stream(self) -> Response:
        from werkzeug.wrappers import Response

        return Response(_until_the_server_goes(), content_type="text/event-stream")

    def _answer(self, data: bytes, kind: str, status: int = 200) -> Response:
        from werkzeug.wrappers import Response

        if kind == ".html":
            data = data.replace(b"</body>", _TAG.encode())
        kept = {"Cache-Control": "no-store"}
        return Response(data, status, kept, content_type=pages.content_type(f"x{kind}"))


def _until_the_server_goes() -> Iterator[bytes]:
    yield b"retry: 200\n\n"
    while True:
        time.sleep(1)
        yield b":\n\n"


def main() -> None:
    """Serve until Ctrl-C."""
    from werkzeug.serving import run_simple

    from app import application
    from lambda_adapter import config

    parser = argparse.ArgumentParser(prog="make web", description=__doc__)
    parser.add_argument("--status", type=Path, help="answer /api/status with this JSON file")
    arguments = parser.parse_args()
    web = Path.cwd() / "web"
    site = Site(web, application.build(config.Settings()), arguments.status)
    logging.getLogger("werkzeug").setLevel(logging.INFO)
    watched = [str(file) for file in web.rglob("*")]
    run_simple("127.0.0.1", 0, site, threaded=True, use_reloader=True, extra_files=watched)


if __name__ == "__main__":
    main()
