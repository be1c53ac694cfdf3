"""A checkout of its own with dev, staging and production live on an emulator of its own."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from ship.aws import Account, Credentials, assume, web_identity_token
from ship.cli import commands
from ship.config import project, settings
from ship.environments.context import Context
from ship.output import Progress

ROOT = Path(__file__).parents[2]
SHIP = ROOT / ".venv/bin/ship"
ENVIRONMENTS = ("dev", "staging", "production")
# The emulator's own port and those of its doors lie side by side.
_PORTS = 17
_GITHUB = re.compile(r"^(AWS_|GITHUB_|ACTIONS_|SHIP_|CI$)")


@dataclass
class Sandbox:
    """A checkout in a folder, its emulator's port, and the commands a person gives there."""

    root: Path
    port: int
    _destroying: subprocess.Popen[str] | None = None
    _addresses: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """A person's environment: nothing of GitHub's, no credentials."""
        kept = {name: value for name, value in os.environ.items() if not _GITHUB.match(name)}
        return kept | {"SHIP_PORT": str(self.port)}

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return subprocess.Popen(
            [SHIP, *arguments],
            cwd=self.root,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever that is."""
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def ship(self, *arguments: str, **variables: str) -> str:
        """Run a command that has to succeed, and return what it printed."""
        done = self.call(*arguments, **variables)
        assert done.returncode == 0, f"ship {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *arguments: str, **variables: str) -> Any:
        """Run a command that prints JSON."""
        return json.loads(self.ship(*arguments, "--json", **variables))

    def refused(
        self, *arguments: str, status: int = 1, variables: dict[str, str] | None = None
    ) -> str:
        """Run a command that has to be refused with two lines, fault and hint; return them."""
        done = self.call(*arguments, **(variables or {}))
        assert done.returncode == status, f"{done.returncode}: {done.stdout}{done.stderr}"
        lines = [line for line in done.stderr.splitlines() if line.startswith(("ship:", "      →"))]
        assert len(lines) == 2, done.stderr
        assert "Traceback" not in done.stderr
        return "\n".join(lines)

    @property
    def session(self) -> Context:
        """The same surroundings that a command has there, in this process."""
        found = settings()
        person = replace(found.run, on_github=False, identity="", url="", event="")
        found = replace(found, run=person, port=self.port, endpoint=None, use_aws=False)
        return Context(project(self.root), found, Progress(plain=True, quiet=True))

    def status(self, environment: str) -> dict[str, Any]:
        """What `ship status` says."""
        return commands.status(self.context, environment)

    def history(self, environment: str) -> list[dict[str, Any]]:
        """What `ship history` says."""
        return commands.history(self.context, environment, 50)

    def credentials(self, environment: str, subject: str | None = None) -> Credentials:
        """What GitHub's action would get for a job of an environment (or another subject)."""
        found = project(self.root)
        run = settings().run
        if subject:
            found = replace(found, subject_prefix=subject)
        return assume(
            Account("000000000000", found.region, f"http://127.0.0.1:{self.port}"),
            f"{found.name}-deploy-{environment}",
            web_identity_token(found, run, environment),
        )

    def variables(self, environment: str) -> dict[str, str]:
        """The environment variables of a job on GitHub that has assumed its role."""
        endpoint = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}"}
        github = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "your-org/serverless-flask"}
        return self.credentials(environment).variables() | endpoint | github

    def client(self, service: str, environment: str) -> Any:
        """A client with an environment's deploy role."""
        role = self.credentials(environment)
        return boto3.client(
            service,
            region_name="eu-central-1",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=role.access_key,
            aws_secret_access_key=role.secret_key,
            aws_session_token=role.token,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def edit(self, note: str) -> None:
        """Change a line of the application and one of the page; not committed."""
        page = self.root / "web/index.html"
        text = re.sub(r"\n<!-- .* -->\n$", "\n", page.read_text())
        page.write_text(f"{text.rstrip()}\n<!-- {note} -->\n")
        (self.root / "backend/note.py").write_text(f'"""{note}"""\n')

    def commit(self, note: str) -> None:
        """Commit whatever the checkout holds."""
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        git(self.root, "add", "--all")
        git(self.root, *identity, "commit", "--quiet", "--allow-empty", "--message", note)

    def clean(self) -> None:
        """Drop what is not committed."""
        git(self.root, "checkout", "--quiet", "--force", "HEAD")
        git(self.root, "clean", "--quiet", "-d", "--force", "--", "backend", "web")

    def plans(self) -> dict[str, bool]:
        """Whether Terraform would change something, for each environment."""
        with ThreadPoolExecutor(len(ENVIRONMENTS)) as pool:
            found = pool.map(lambda name: self.json("plan", name)["changes"], ENVIRONMENTS)
            return dict(zip(ENVIRONMENTS, found, strict=True))

    def begin_to_destroy(self, environment: str) -> None:
        """Let an environment go while other things are tested: CloudFront takes its time."""
        if self._destroying is None:
            self._destroying = self.start("destroy", environment, "--yes", environment)

    def destroyed(self) -> subprocess.CompletedProcess[str]:
        """Wait for its end."""
        assert self._destroying is not None
        out, err = self._destroying.communicate(timeout=300)
        return subprocess.CompletedProcess((), self._destroying.returncode, out, err)

    def addresses(self, environment: str) -> dict[str, Any]:
        """The environment's two doors, which stay what they are."""
        if environment not in self._addresses:
            self._addresses[environment] = self.status(environment)
        return self._addresses[environment]

    def seen(self, environment: str) -> tuple[str, str, str]:
        """The release that users get: through API Gateway, through CloudFront, on the page."""
        status = self.addresses(environment)
        with httpx.Client(trust_env=False, timeout=20) as client:
            doors = [
                client.get(f"{status[door]}/api/version").json()["release"]
                for door in ("api_url", "site_url")
            ]
            return doors[0], doors[1], page_release(client.get(f"{status['site_url']}/").text)


def page_release(html: str) -> str:
    """The release that a page carries."""
    found = re.search(r'<meta name="release" content="([^"]*)">', html)
    assert found, html[:300]
    return found.group(1)


def with_dev_alone(root: Path) -> None:
    """Leave staging and production out of the project."""
    project = root / "pyproject.toml"
    later = r"\[tool\.ship\.environments\.(staging|production)\]\n(.+\n)+"
    project.write_text(re.sub(later, "", project.read_text()))


def with_short_bakes(root: Path) -> None:
    """Have staging and production watched for a second instead of the time that a person waits."""
    project = root / "pyproject.toml"
    text = re.sub(r"bake_seconds = [1-9]\d*", "bake_seconds = 1", project.read_text())
    project.write_text(text)


def git(folder: Path, *arguments: str) -> str:
    """Run git."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def clone(folder: Path) -> Path:
    """Clone the repository, with the tools that its set-up found."""
    git(folder.parent, "clone", "--quiet", "--shared", str(ROOT), str(folder))
    tools = json.loads((ROOT / ".ship/tools.json").read_text())
    (folder / ".ship").mkdir()
    (folder / ".ship/tools.json").write_text(json.dumps(tools | {"root": str(folder)}))
    return folder


def free_ports() -> int:
    """The first of a row of free ports."""
    # Below the ports that the system gives to clients; each process begins at a row of its own.
    for first in range(28100 + os.getpid() % 200 * _PORTS, 32700, _PORTS):
        if all(_is_free(first + offset) for offset in range(_PORTS)):
            return first
    raise AssertionError("no row of free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass
class Visits:
    """What visitors got while something else went on."""

    answers: list[tuple[float, str, int, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def first(self, door: str, release: str) -> float:
        """When a release first answered at a door (seconds, monotonic)."""
        return next(at for at, name, _, seen in self.answers if (name, seen) == (door, release))

    def releases(self, door: str) -> set[str]:
        """Every release that answered at a door."""
        return {seen for _, name, _, seen in self.answers if name == door}


@contextmanager
def visiting(status: dict[str, Any]) -> Iterator[Visits]:
    """Keep asking at both doors, and fail when any answer fails."""
    visits, stop = Visits(), threading.Event()
    asks: dict[str, tuple[str, Callable[[httpx.Response], str]]] = {
        "api": (f"{status['api_url']}/api/version", lambda r: str(r.json()["release"])),
        "site": (f"{status['site_url']}/", lambda r: page_release(r.text)),
    }
    threads = [
        threading.Thread(target=_visit, args=(name, *ask, visits, stop))
        for name, ask in asks.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield visits
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not visits.failures, visits.failures[:5]
    assert all(visits.releases(name) for name in asks)


def _visit(
    name: str,
    url: str,
    release: Callable[[httpx.Response], str],
    visits: Visits,
    stop: threading.Event,
) -> None:
    with httpx.Client(trust_env=False, timeout=20) as client:
        while not stop.is_set():
            try:
                response = client.get(url)
                response.raise_for_status()
                found = (time.monotonic(), name, response.status_code, release(response))
                visits.answers.append(found)
            except (httpx.HTTPError, ValueError, KeyError, AssertionError) as error:
                visits.failures.append(f"{name}: {error!r}")
            time.sleep(0.02)
