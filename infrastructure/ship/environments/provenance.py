"""What must hold before a workflow touches an environment: the build's origin and its turn."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ship.build import builder as builds
from ship.environments import previews
from ship.errors import ShipError
from ship.github.api import gh, run_gh
from ship.state.transaction import now

if TYPE_CHECKING:
    from pathlib import Path

    from ship.build.builder import Build
    from ship.environments.context import Context
    from ship.state import Freeze

# A certificate names the workflow that signed, and for a reusable one not its caller.
# https://docs.github.com/en/actions/concepts/security/artifact-attestations
_WORKFLOW = ".github/workflows/deploy.yml"
_REF = "refs/heads/main"


def verify(folder: Path, digest: str) -> Build:
    """Compare a downloaded build with its manifest's SHA-256 and with its files' digests."""
    build = builds.load(folder)
    found = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    if found != digest:
        raise ShipError(
            f"the manifest in {folder} has the SHA-256 {found}, not {digest or '(empty)'}",
            "run the workflow again from its build; nothing has been changed",
        )
    return build.verified()


def check_attested(build: Build, repository: str) -> None:
    """Verify with `gh` that this repository's workflow built it on main."""
    done = run_gh(
        *("attestation", "verify", str(build.folder / "manifest.json")),
        *("--repo", repository),
        *("--signer-workflow", f"{repository}/{_WORKFLOW}"),
        *("--source-ref", _REF),
        *("--source-digest", build.manifest.commit),
        # Anybody who may push a workflow can attest on a runner of their own.
        # https://cli.github.com/manual/gh_attestation_verify
        "--deny-self-hosted-runners",
    )
    if done.returncode:
        message = ((done.stderr or done.stdout).strip().splitlines() or ["gh gave no reason"])[-1]
        raise ShipError(
            f"there is no proof that {_WORKFLOW} built {build.manifest.release} on main: {message}",
            "deploy only what a run of that workflow has built; nothing has been changed",
        )


def preflight(context: Context, environment: str, folder: Path) -> tuple[Build, Freeze | None]:
    """Refuse what `ship deploy` would refuse, before that commit's infrastructure is applied.

    Returns:
        The build, and the freeze that keeps it from going there, if one does.

    Raises:
        ShipError: the build is altered, bad, or older than what is live; or it is a preview that
            its pull request no longer wants.
    """
    previews.check_wanted(context.settings.run, environment, gh)
    build = builds.load(folder).verified()
    state, _ = context.store(environment, context.clients(environment)).read_state()
    if state.frozen and context.settings.run.automatic and not state.frozen.is_over(now()):
        return build, state.frozen
    # The engine needs a stack, which a new environment does not have before its first apply.
    if state.live or state.bad:
        context.engine(environment).check_deployable(build)
    return build, None
