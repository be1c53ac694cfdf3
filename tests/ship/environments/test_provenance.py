import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ship.build.builder import Build
from ship.config import OPERATE, Run
from ship.environments import provenance
from ship.errors import ShipError
from ship.state import EnvironmentState, Freeze
from tests.ship.environments.factories import COMMIT, RELEASE, make_build, write_gh


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return make_build(tmp_path / "dist")


def digest(build: Build) -> str:
    return hashlib.sha256((build.folder / "manifest.json").read_bytes()).hexdigest()


def test_a_build_is_what_the_digest_says(build: Build) -> None:
    assert provenance.verify(build.folder, digest(build)).manifest.release == RELEASE
    for wrong in ("", "0" * 64):
        with pytest.raises(ShipError, match="has the SHA-256"):
            provenance.verify(build.folder, wrong)


def test_one_altered_byte_is_refused(build: Build) -> None:
    (build.folder / "backend.zip").write_bytes(b"zip")

    with pytest.raises(ShipError, match=r"backend\.zip"):
        provenance.verify(build.folder, digest(build))


def test_the_attestation_is_checked_for_workflow_ref_and_commit(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gh = write_gh(tmp_path, monkeypatch)

    provenance.check_attested(build, "o/r")

    assert (gh / "asked").read_text().split() == [
        *("attestation", "verify", str(build.folder / "manifest.json"), "--repo", "o/r"),
        *("--signer-workflow", "o/r/.github/workflows/deploy.yml"),
        *("--source-ref", "refs/heads/main", "--source-digest", COMMIT),
        "--deny-self-hosted-runners",
    ]
    (gh / "no").write_text("no attestations found\n")
    with pytest.raises(ShipError, match="no attestations found"):
        provenance.check_attested(build, "o/r")


def make_context(state: EnvironmentState, asked: list[Build], workflow: str = "deploy.yml") -> Any:
    run = Run("ann", "", "", True, "o/r", "", workflow=workflow)
    return SimpleNamespace(
        settings=SimpleNamespace(run=run),
        clients=lambda _: None,
        store=lambda *_: SimpleNamespace(read_state=lambda: (state, "")),
        engine=lambda _: SimpleNamespace(check_deployable=asked.append),
    )


@pytest.mark.parametrize(
    ("state", "is_checked"),
    [
        (EnvironmentState(), False),
        (EnvironmentState(live="a"), True),
        (EnvironmentState(bad={"a": "slow"}), True),
    ],
)
def test_only_a_new_environment_refuses_nothing(
    build: Build, state: EnvironmentState, is_checked: bool
) -> None:
    asked: list[Build] = []

    found, freeze = provenance.preflight(make_context(state, asked), "dev", build.folder)

    assert freeze is None
    assert found.manifest.release == RELEASE
    assert len(asked) == is_checked


@pytest.mark.parametrize(
    ("until", "workflow", "is_kept"),
    [
        ("", "deploy.yml", True),
        ("2126-11-23T08:00:00Z", "deploy.yml", True),
        ("2025-11-23T08:00:00Z", "deploy.yml", False),
        # A person asks for a promotion.
        ("", OPERATE, False),
    ],
)
def test_a_freeze_keeps_merges_away_until_it_ends(
    build: Build, until: str, workflow: str, is_kept: bool
) -> None:
    freeze = Freeze("bob", "2025-11-20T08:00:00Z", "holidays", until)
    asked: list[Build] = []
    context = make_context(EnvironmentState(live="a", frozen=freeze), asked, workflow)

    _, found = provenance.preflight(context, "live", build.folder)

    assert (found, len(asked)) == ((freeze, 0) if is_kept else (None, 1))


def test_an_unwanted_preview_is_refused(build: Build) -> None:
    with pytest.raises(ShipError, match="does not belong to pr-7's pull request"):
        provenance.preflight(make_context(EnvironmentState(), []), "pr-7", build.folder)
