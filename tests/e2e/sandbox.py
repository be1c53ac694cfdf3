"""A checkout of the platform with a foreign project in it, live on an emulator of its own.

Project, application, site and app.tf are fixtures: what works here works for a stranger. The
first sandbox of a test run is made with `ship up`, stopped, and kept as a template; every other
one is a copy of its folder, on ports of its own.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import httpx
import pytest
from botocore.config import Config

from ship.aws import Account, Credentials, assume, web_identity_token
from ship.cli.inspect import read_history, read_status
from ship.config import Project, project, settings
from ship.environments.context import Context
from ship.output import Progress
from tests.fixtures import applications
from tests.ports import first_free

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests/fixtures"
SHIP = ROOT / ".venv/bin/ship"
ENVIRONMENTS = ("dev", "staging", "production")
ACCOUNT = "000000000000"
# The emulator's own port and those of its sites lie side by side.
_PORTS = 17
_GITHUB = re.compile(r"^(AWS_|GITHUB_|ACTIONS_|SHIP_|CI$)")
# What belongs to the owner of a project, and gives way to a fixture.
_OWNED = ("backend", "web", "tests/backend", "tests/web")


@dataclass
class Sandbox:
    """A checkout in a folder, its emulator's port, and the commands a person gives there."""

    root: Path
    port: int
    _destroying: subprocess.Popen[str] | None = None
    _addresses: dict[str, dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def project(self) -> Project:
        """What its project file says."""
        return project(self.root)

    @property
    def endpoint(self) -> str:
        """Where its emulator answers as AWS."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """A person's environment variables: nothing of GitHub's, no credentials."""
        kept = {name: value for name, value in os.environ.items() if not _GITHUB.match(name)}
        return kept | {"SHIP_PORT": str(self.port)}

    def function(self, environment: str) -> str:
        """The name of an environment's function, and the start of its other names."""
        return f"{self.project.name}-{environment}"

    def bucket(self, environment: str, kind: str = "artifacts") -> str:
        """The name of an environment's bucket: of its artifacts or its site."""
        return f"{self.function(environment)}-{kind}-{ACCOUNT}"

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return subprocess.Popen(
            [SHIP, *arguments],
            cwd=self.root,
            env=self.environment | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(
        self, *arguments: str, piped: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever that is, with a text piped into it."""
        process = self.start(*arguments, **variables)
        out, err = process.communicate(piped, timeout=300)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def ship(self, *arguments: str, piped: str = "", **variables: str) -> str:
        """Run a command that has to succeed, and return what it printed."""
        done = self.call(*arguments, piped=piped, **variables)
        assert done.returncode == 0, f"ship {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *arguments: str, **variables: str) -> Any:
        """Run a command that prints JSON."""
        return json.loads(self.ship(*arguments, "--json", **variables))

    def refused(
        self,
        *arguments: str,
        status: int = 1,
        piped: str = "",
        variables: dict[str, str] | None = None,
    ) -> str:
        """Run a command that has to be refused with an error and a hint; return both lines."""
        done = self.call(*arguments, piped=piped, **(variables or {}))
        assert done.returncode == status, f"{done.returncode}: {done.stdout}{done.stderr}"
        lines = [line for line in done.stderr.splitlines() if line.startswith(("ship:", "      →"))]
        assert len(lines) == 2, done.stderr
        assert "Traceback (most recent call last)" not in done.stderr
        return "\n".join(lines)

    @property
    def context(self) -> Context:
        """The same context that a command has there, in this process."""
        found = settings()
        person = replace(found.run, on_github=False, identity="", url="")
        found = replace(found, run=person, port=self.port, endpoint=None, use_aws=False)
        return Context(self.project, found, Progress(plain=True, quiet=True))

    def status(self, environment: str) -> dict[str, Any]:
        """What `ship status` says."""
        return read_status(self.context, environment)

    def history(self, environment: str) -> list[dict[str, Any]]:
        """What `ship history` says."""
        return read_history(self.context, environment, 50)

    def credentials(self, environment: str, subject: str | None = None) -> Credentials:
        """What GitHub's action would get for a job of an environment (or another subject)."""
        found = self.project
        if subject:
            found = replace(found, subject_prefix=subject)
        return assume(
            Account(ACCOUNT, found.region, self.endpoint),
            f"{found.name}-deploy-{environment}",
            web_identity_token(found, settings().run, environment),
        )

    def variables(self, environment: str) -> dict[str, str]:
        """The environment variables of a job on GitHub that has assumed its role."""
        github = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": self.project.repository}
        endpoint = {"AWS_ENDPOINT_URL": self.endpoint}
        return self.credentials(environment).variables() | endpoint | github

    def client(self, service: str, environment: str) -> Any:
        """A client with an environment's deploy role."""
        role = self.credentials(environment)
        return boto3.client(
            service,
            region_name=self.project.region,
            endpoint_url=self.endpoint,
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
        """The environment's public endpoints, which stay what they are."""
        if environment not in self._addresses:
            self._addresses[environment] = self.status(environment)
        return self._addresses[environment]

    def served(self, environment: str) -> tuple[str, str, str]:
        """The release that users get: from the API, through CloudFront, and of the pages."""
        status = self.addresses(environment)
        urls = (
            f"{status['api_url']}/-/version",
            f"{status['site_url']}/-/version",
            f"{status['site_url']}/-/site.json",
        )
        with httpx.Client(trust_env=False, timeout=20) as client:
            first, second, third = (str(client.get(url).json()["release"]) for url in urls)
            return first, second, third


# --- making one ---


def clone(folder: Path, *, foreign: bool = True) -> Path:
    """Clone the repository, with a foreign project in it unless told otherwise, and its tools."""
    git(folder.parent, "clone", "--quiet", "--shared", str(ROOT), str(folder))
    # The workflows deploy main, whatever branch the tests run on.
    git(folder, "checkout", "--quiet", "-B", "main")
    share_tools(ROOT, folder)
    if foreign:
        replace_owner(folder)
        made = Sandbox(folder, free_ports())
        made.ship("ci", "workflows")
        made.commit("Make the project another")
    return folder


def replace_owner(root: Path, application: str = "minimal", site: str = "plain") -> None:
    """Put fixtures in the place of everything that belongs to the owner."""
    for name in _OWNED:
        shutil.rmtree(root / name, ignore_errors=True)
    factory = applications.install(application, root / "backend")
    shutil.copytree(FIXTURES / "sites" / site, root / "web")
    stack = root / "infrastructure/stack"
    shutil.copy(FIXTURES / "app.tf", stack / "app.tf")
    (stack / "tests/app.tftest.hcl").unlink(missing_ok=True)
    path = root / "pyproject.toml"
    platform, _, _ = path.read_text().partition("[tool.ship]\n")
    owners = (FIXTURES / "project.toml").read_text()
    path.write_text(platform + owners.replace('"wsgi:app"', f'"{factory}"'))


def share_tools(origin: Path, root: Path) -> None:
    """Tell another checkout which tools the set-up of the first one found."""
    tools = json.loads((origin / ".ship/tools.json").read_text())
    # The application's environment is in the checkout itself, and of no use to another one.
    tools["tools"].pop("app", None)
    (root / ".ship").mkdir(exist_ok=True)
    (root / ".ship/tools.json").write_text(json.dumps(tools | {"root": str(root)}))


@contextmanager
def running(factory: pytest.TempPathFactory, name: str) -> Iterator[Sandbox]:
    """A sandbox with three live environments; it stops at the end."""
    template, port = _template(factory)
    made = Sandbox(factory.mktemp(name) / "checkout", free_ports())
    shutil.copytree(template, made.root, symlinks=True)
    share_tools(template, made.root)
    try:
        made.context.emulator.start()
        _move_ports(made, port)
        yield made
    finally:
        made.call("down")


def _template(factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A stopped sandbox whose environments are live, made once for all workers of a test run."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, port_file = shared / "template", shared / "template.port"
    with (shared / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not port_file.exists():
            made = Sandbox(clone(folder), free_ports())
            try:
                made.ship("up")
            finally:
                made.call("down")
            port_file.write_text(str(made.port))
    return folder, int(port_file.read_text())


def _move_ports(sandbox: Sandbox, old: int) -> None:
    """Change the ports in what Terraform has noted; the emulator changes its own state."""
    ports = {str(old + number): str(sandbox.port + number) for number in range(_PORTS)}
    address = re.compile(r"((?:127\.0\.0\.1|localhost):)(" + "|".join(ports) + r")\b")
    origin = re.compile(rf'("http_port": ){old}\b')
    root = sandbox.context.emulator.root()
    s3 = boto3.client(
        "s3",
        region_name=sandbox.project.region,
        endpoint_url=sandbox.endpoint,
        aws_access_key_id=root.access_key_id,
        aws_secret_access_key=root.secret_access_key,
        config=Config(s3={"addressing_style": "path"}),
    )
    keys = [(sandbox.bucket(name), "stack.json") for name in ENVIRONMENTS]
    states = f"{sandbox.project.name}-state-{ACCOUNT}"
    keys += [(states, one["Key"]) for one in s3.list_objects_v2(Bucket=states)["Contents"]]
    for bucket, key in keys:
        where = {"Bucket": bucket, "Key": key}
        found = s3.get_object(**where)
        text = found["Body"].read().decode()
        moved = address.sub(lambda match: match[1] + ports[match[2]], text)
        moved = origin.sub(rf"\g<1>{sandbox.port}", moved)
        # The provider sees another type or a missing tag as a change.
        tags = {one["Key"]: one["Value"] for one in s3.get_object_tagging(**where)["TagSet"]}
        options = {"ContentType": found["ContentType"], "Tagging": urlencode(tags)}
        s3.put_object(**where, Body=moved.encode(), **options)


def git(folder: Path, *arguments: str) -> str:
    """Run git."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def free_ports() -> int:
    """The first of a row of free ports."""
    # Below the ports that the system gives to clients; each process begins at a row of its own.
    return first_free(range(28100 + os.getpid() % 200 * _PORTS, 32700, _PORTS), _PORTS)


# --- asking while something else goes on ---


@dataclass
class TrafficProbe:
    """What users got at each public endpoint, and when (seconds, monotonic)."""

    answers: list[tuple[float, str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def first(self, endpoint: str, release: str) -> float:
        """When a release first answered at an endpoint."""
        return next(at for at, *found in self.answers if found == [endpoint, release])

    def releases(self, endpoint: str) -> set[str]:
        """Every release that answered at an endpoint: `api`, or `site` for the pages."""
        return {release for _, name, release in self.answers if name == endpoint}


@contextmanager
def probing(status: dict[str, Any]) -> Iterator[TrafficProbe]:
    """Keep asking at both public endpoints; fail when any answer fails."""
    probe, stop = TrafficProbe(), threading.Event()
    urls = {
        "api": f"{status['api_url']}/-/version",
        "site": f"{status['site_url']}/-/site.json",
    }
    threads = [
        threading.Thread(target=_ask, args=(name, url, probe, stop)) for name, url in urls.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield probe
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not probe.failures, probe.failures[:5]
    assert all(probe.releases(name) for name in urls)


def _ask(name: str, url: str, probe: TrafficProbe, stop: threading.Event) -> None:
    with httpx.Client(trust_env=False, timeout=20) as client:
        while not stop.is_set():
            try:
                response = client.get(url).raise_for_status()
                probe.answers.append((time.monotonic(), name, str(response.json()["release"])))
            except (httpx.HTTPError, ValueError, KeyError) as error:
                probe.failures.append(f"{name}: {error!r}")
            time.sleep(0.02)


def poll(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.2)
