"""What must hold before a run of a workflow touches an environment."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING

from ship.build import builder as builds
from ship.environments import previews
from ship.errors import ShipError
from ship.github import settings

if TYPE_CHECKING:
    from pathlib import Path

    from ship.build.builder import Build
    from ship.environments.context import Context

_WORKFLOW = ".github/workflows/deploy.yml"
_REF = "refs/heads/main"


def verify(folder: Path, digest: str) -> Build:
    """Hold a build that was downloaded against the manifest's SHA-256 and its files' digests.

    Raises:
        ShipError: something is missing or differs.
    """
    made = builds.load(folder)
    found = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    if found != digest:
        raise ShipError(
            f"the manifest in {folder} has the SHA-256 {found}, not {digest or '(empty)'}",
            "run the workflow again from its build; nothing has been changed",
        )
    return made.verified()


def check_attested(made: Build, repository: str) -> None:
    """Have GitHub's own tool verify that this repository's workflow built it on main.

    Raises:
        ShipError: it does not say so.
    """
    command = [
        *("gh", "attestation", "verify", str(made.folder / "manifest.json")),
        *("--repo", repository),
        *("--signer-workflow", f"{repository}/{_WORKFLOW}"),
        *("--source-ref", _REF),
        *("--source-digest", made.manifest.commit),
        "--deny-self-hosted-runners",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ShipError("the GitHub command line gh is not installed", "install gh") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ShipError(
            f"nothing attests that {_WORKFLOW} built {made.manifest.release} on main: "
            f"{said[-1] if said else 'gh gave no reason'}",
            "deploy only what a run of that workflow has built; nothing has been changed",
        )


def preflight(context: Context, environment: str, folder: Path) -> Build:
    """Refuse what `ship deploy` would refuse, before that commit's infrastructure is applied.

    Raises:
        ShipError: the build is altered, bad, older than what is live, or the environment is frozen;
            or it is a preview that its pull request wants no more.
    """
    previews.check_wanted(context.settings.run, environment, settings.gh)
    made = builds.load(folder).verified()
    head, _ = context.store(environment, context.clients(environment)).read_state()
    if head.live or head.bad or head.frozen:
        context.engine(environment).check_deployable(made)
    return made
