"""Roles that are assumed with the token of an identity provider, GitHub's above all."""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from . import mend

if TYPE_CHECKING:
    from . import Settings
    from .theirs import Theirs

_GITHUB = "token.actions.githubusercontent.com"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
_GITHUB_CLAIMS = (
    *("actor", "actor_id", "enterprise_id", "environment", "job_workflow_ref"),
    *("ref", "repository", "repository_id", "workflow"),
)


@mend(
    "checked-tokens",
    found="2026-11-23",
    fault="a token's expiry and audience, and whether its provider is registered, are not"
    " checked; of GitHub's claims only sub and aud can be conditions",
)
def check_tokens(_: Settings) -> None:
    """Refuse expired tokens, unregistered providers and audiences; know GitHub's claims.

    The signature stays unchecked: nobody here has the provider's private key.
    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
    """
    from ministack.services import sts

    denied, principal = sts._web_identity_trust_denied, sts._web_identity_principal

    def trust_denied(role_arn: str, params: Theirs, use_json: bool) -> Theirs:
        claims = read_claims(sts._p(params, "WebIdentityToken"))
        fault = token_fault(claims, _audiences(claims, role_arn), time.time())
        if fault is None:
            return denied(role_arn, params, use_json)
        code, message = fault
        if use_json:
            return sts.error_response_json(code, message, 400)
        return sts._error(400, code, message, ns="sts")

    def web_identity_principal(token: str, provider_id: str, role_arn: str) -> Theirs:
        arn, keys = principal(token, provider_id, role_arn)
        return arn, {**keys, **github_keys(read_claims(token))}

    sts._web_identity_trust_denied = trust_denied
    sts._web_identity_principal = web_identity_principal


def read_claims(token: str) -> dict[str, Any]:
    """Read a token's claims; a token that is none has none."""
    parts = token.split(".")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def token_fault(
    claims: dict[str, Any], registered: list[str] | None, now: float
) -> tuple[str, str] | None:
    """Return the code and message of what is wrong with a token; None when nothing is.

    Args:
        claims: the token's claims.
        registered: the audiences registered for its provider; None when that is unknown.
        now: in seconds since the epoch.
    """
    if registered is None:
        issuer = claims.get("iss")
        text = f"No OpenIDConnect provider found in your account for {issuer}"
        return "InvalidIdentityToken", text
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or expires <= now:
        return "ExpiredTokenException", "Token expired: current time is past the expiration time"
    audience = claims.get("aud")
    if not set(audience if isinstance(audience, list) else [audience]) & set(registered):
        return "InvalidIdentityToken", "Incorrect token audience"
    return None


def github_keys(claims: dict[str, Any]) -> dict[str, str]:
    """Return the condition keys of GitHub's own claims."""
    if str(claims.get("iss", "")).partition("://")[2].rstrip("/") != _GITHUB:
        return {}
    return {f"{_GITHUB}:{name}": str(claims[name]) for name in _GITHUB_CLAIMS if name in claims}


def _audiences(claims: dict[str, Any], role_arn: str) -> list[str] | None:
    from ministack.services import iam

    host = str(claims.get("iss", "")).partition("://")[2].rstrip("/")
    account = (role_arn.split(":") + [""] * 5)[4]
    arn = f"arn:aws:iam::{account}:oidc-provider/{host}"
    provider = iam._oidc_providers.get_scoped(account, None, arn)
    return list(provider.get("ClientIDList") or []) if provider else None
