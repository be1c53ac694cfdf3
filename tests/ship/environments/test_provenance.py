from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ship.build.builder import Build
from ship.build.manifest import Manifest, describe
from ship.environments import provenance
from ship.errors import ShipError
from ship.state.environment_state import EnvironmentState

RELEASE = "20261123-2-1a2b3c4"
COMMIT = "1a2b3c4" + "0" * 33


@pytest.fixture
def made(tmp_path: Path) -> Build:
    folder = tmp_path / "dist"
    (folder / "web").mkdir(parents=True)
    with zipfile.ZipFile(folder / "backend.zip", "w") as archive:
        archive.writestr("backend/handler.py", "")
    (folder / "web/index.html").write_bytes(b"page")
    paths = ("backend.zip", "web/index.html")
    files = {path: describe((folder / path).read_bytes()) for path in paths}
    found = Manifest(RELEASE, COMMIT, 2, "3.13", (1, 1), files)
    (folder / "manifest.json").write_bytes(found.encode())
    return Build(folder, found)


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gh that notes what it was asked, and verifies everything unless told otherwise."""
    said = tmp_path / "asked"
    tool = tmp_path / "bin/gh"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$@" > "{said}"\ncat "{tmp_path}/no" >&2 && exit 1\nexit 0\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    return said


def digest(made: Build) -> str:
    return hashlib.sha256((made.folder / "manifest.json").read_bytes()).hexdigest()


def test_a_build_is_what_the_digest_says(made: Build) -> None:
    assert provenance.verify(made.folder, digest(made)).manifest.release == RELEASE


@pytest.mark.parametrize("wrong", ["", "0" * 64])
def test_another_manifest_is_refused(made: Build, wrong: str) -> None:
    with pytest.raises(ShipError, match="has the SHA-256"):
        provenance.verify(made.folder, wrong)


def test_one_altered_byte_is_refused(made: Build) -> None:
    (made.folder / "backend.zip").write_bytes(b"zip")

    with pytest.raises(ShipError, match=r"backend\.zip"):
        provenance.verify(made.folder, digest(made))


def test_the_origin_is_asked_for_exactly(made: Build, gh: Path) -> None:
    provenance.check_attested(made, "o/r")

    assert gh.read_text().split() == [
        *("attestation", "verify", str(made.folder / "manifest.json"), "--repo", "o/r"),
        *("--signer-workflow", "o/r/.github/workflows/deploy.yml"),
        *("--source-ref", "refs/heads/main", "--source-digest", COMMIT),
        "--deny-self-hosted-runners",
    ]


def test_what_nobody_attests_is_refused(made: Build, gh: Path) -> None:
    gh.with_name("no").write_text("no attestations found\n")

    with pytest.raises(ShipError, match="no attestations found"):
        provenance.check_attested(made, "o/r")


def test_a_machine_without_gh_is_told_so(made: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(ShipError, match="is not installed"):
        provenance.check_attested(made, "o/r")


class _Session:
    """A context of an environment with some head."""

    settings = SimpleNamespace(run=SimpleNamespace(on_github=True, event_file=""))

    def __init__(self, head: EnvironmentState) -> None:
        self._head = head
        self.asked: list[Build] = []

    def clients(self, environment: str) -> None:
        return None

    def store(self, environment: str, clients: None) -> Any:
        return SimpleNamespace(head=lambda: (self._head, ""))

    def engine(self, environment: str) -> Any:
        return SimpleNamespace(check_deployable=self.asked.append)


def test_a_new_environment_has_nothing_to_refuse_for(made: Build) -> None:
    context = _Session(EnvironmentState())

    assert provenance.preflight(context, "dev", made.folder).manifest.release == RELEASE  # type: ignore[arg-type]
    assert context.asked == []


@pytest.mark.parametrize("head", [EnvironmentState(live="a"), EnvironmentState(bad={"a": "slow"})])
def test_an_environment_with_a_past_is_asked(made: Build, head: EnvironmentState) -> None:
    context = _Session(head)

    provenance.preflight(context, "dev", made.folder)  # type: ignore[arg-type]

    assert [build.manifest.release for build in context.asked] == [RELEASE]


def test_a_preview_that_no_pull_request_wants_is_refused(made: Build) -> None:
    with pytest.raises(ShipError, match="not of pr-7's pull request"):
        provenance.preflight(_Session(EnvironmentState()), "pr-7", made.folder)  # type: ignore[arg-type]
