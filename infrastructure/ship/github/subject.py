"""How the tokens of a repository's jobs name it; an AWS role trusts exactly that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ship.config import SUBJECT_PREFIX, Subject
from ship.errors import ShipError

if TYPE_CHECKING:
    from ship.config import Project
    from ship.github.api import Api


def read_subject(project: Project, api: Api) -> Subject:
    """Ask GitHub; where it cannot be asked, take what pyproject.toml says.

    A repository that was made, renamed or transferred since 2026-07-15 presents ids, an older one
    may: only GitHub knows.
    https://docs.github.com/en/rest/actions/oidc

    Raises:
        ShipError: the repository has a template of its own, pyproject.toml says something else, or
            GitHub cannot be asked and pyproject.toml does not say it.
    """
    path = f"repos/{project.repository}/actions/oidc/customization/sub"
    try:
        found, repository = api("GET", path, None), api("GET", f"repos/{project.repository}", None)
    except ShipError as error:
        return _read_setting(project, str(error))
    if not found or not repository:
        return _read_setting(project, "the repository is not there, or you may not see it")
    if not found.get("use_default", True):
        raise ShipError(
            f"the tokens of {project.repository} follow a template of their own, "
            f"{found.get('include_claim_keys') or "the organisation's"}: no role would trust them",
            f"set it back: `gh api --method PUT {path} -F use_default=true`",
        )
    # The field beside it, use_immutable_subject, is false for some that present ids.
    prefix = str(found.get("sub_claim_prefix") or "")
    if not re.fullmatch(SUBJECT_PREFIX, prefix):
        return _read_setting(project, f"it answers {prefix or 'no sub_claim_prefix'}")
    if project.subject_prefix not in (None, prefix):
        raise ShipError(
            f"the tokens of {project.repository} begin with {prefix}, and subject_prefix in "
            f"pyproject.toml is {project.subject_prefix}",
            f'write subject_prefix = "{prefix}", or leave it out',
        )
    return Subject(prefix, str(repository["id"]))


def _read_setting(project: Project, reason: Any) -> Subject:
    subject = project.subject
    if project.subject_prefix is None or not subject.repository_id:
        raise ShipError(
            f"GitHub cannot be asked how the tokens of {project.repository} begin: {reason}",
            "sign in with `gh auth login`; or set subject_prefix in pyproject.toml, in the form "
            f"with ids, to what `gh api repos/{project.repository}/actions/oidc/customization/sub "
            "--jq .sub_claim_prefix` prints where you are signed in",
        )
    return subject
