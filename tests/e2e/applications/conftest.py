"""Applications of other people in one environment, one after another."""

import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.sandbox import FIXTURES, ROOT, Sandbox, git, running

LOCK = Path(__file__).parent / "requirements.txt"
Adopt = Callable[..., tuple["Visitor", "Visitor"]]


@dataclass
class Visitor:
    """Somebody at one public endpoint, with a browser's cookies and headers."""

    base: str
    client: httpx.Client
    origin: str
    """What the application takes for its own address."""

    def ask(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        """Send a request, as from a page of the same site; redirects are not followed."""
        headers = {"Referer": f"{self.origin}/"} | options.pop("headers", {})
        return self.client.request(method, self.base + path, headers=headers, **options)

    def follow(self, response: httpx.Response) -> httpx.Response:
        """Go where a redirect leads, at the same endpoint: API Gateway's has a path here."""
        assert response.is_redirect, (response.status_code, response.text)
        return self.ask(urlsplit(response.headers["location"]).path)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Three live environments; the applications go to dev."""
    with running(tmp_path_factory, "applications") as made:
        yield made


@contextmanager
def adopting(sandbox: Sandbox) -> Iterator[Adopt]:
    """Put an application in the place of the owner's, as its people would, and deploy it to dev."""
    project = sandbox.root / "pyproject.toml"
    before = project.read_text()
    patient: Any = {"trust_env": False, "timeout": 20}
    with httpx.Client(**patient) as one, httpx.Client(**patient) as two:

        def put(
            source: Path, *options: str, site: Path | None = None, settings: str = ""
        ) -> tuple[Visitor, Visitor]:
            for name in ("backend", "web"):
                git(sandbox.root, "rm", "-r", "--quiet", "--force", "--ignore-unmatch", name)
                shutil.rmtree(sandbox.root / name, ignore_errors=True)
            sites = ("--site", str(site)) if site else ()
            # The versions that are locked here, whatever came out since.
            locked = {"UV_CONSTRAINT": str(LOCK)}
            sandbox.ship("init", "--from", str(source), *sites, *options, **locked)
            project.write_text(project.read_text() + settings)
            sandbox.commit(f"Put {source.name} in")
            sandbox.ship("apply", "dev")
            sandbox.ship("deploy", "dev")
            status = sandbox.status("dev")
            site_url, api_url = str(status["site_url"]), str(status["api_url"])
            origin = f"https://{api_url.rpartition('/')[2]}.execute-api.localhost"
            return Visitor(site_url, one, site_url), Visitor(api_url, two, origin)

        yield put
        project.write_text(before)


@pytest.fixture
def adopt(sandbox: Sandbox) -> Iterator[Adopt]:
    """The same for one test."""
    with adopting(sandbox) as put:
        yield put


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Unpack the sources that a package's people publish, in the locked version."""
    folder = tmp_path_factory.mktemp("sources")

    def unpack(package: str) -> Path:
        wanted = next(
            line.split()[0] for line in LOCK.read_text().splitlines() if line.startswith(package)
        )
        assert wanted.startswith(f"{package}==")
        python = ROOT / ".ship/tools/uv/bin/python"
        pip = (str(python), "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:")
        subprocess.run([*pip, "--dest", str(folder), wanted], check=True)
        with tarfile.open(next(folder.glob(f"{package}-*.tar.gz"))) as archive:
            archive.extractall(folder, filter="data")
        return folder / wanted.replace("==", "-")

    return unpack


def fixture(name: str) -> Path:
    """The folder of one of our own applications."""
    return FIXTURES / "applications" / name
