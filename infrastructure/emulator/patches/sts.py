"""STS: roles that are assumed with the token of an identity provider, GitHub's above all."""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from emulator.patches import patch

if TYPE_CHECKING:
    from emulator.patches import Settings
    from emulator.patches.upstream import Upstream

_GITHUB = "token.actions.githubusercontent.com"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
_GITHUB_CLAIMS = (
    *("actor", "actor_id", "enterprise_id", "environment", "job_workflow_ref"),
    *("ref", "repository", "repository_id", "workflow"),
)


@patch("checked-tokens", "an expired token, or one for another audience, opens a role")
def check_tokens(_: Settings) -> None:
    """Refuse expired tokens, unregistered providers and audiences; know GitHub's claims.

    Report: "AssumeRoleWithWebIdentity checks neither exp nor aud nor the provider; of GitHub's
    claims only sub and aud are condition keys".
    The signature stays unchecked: nobody here has the provider's private key.
    AWS: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
    Reproduce: assume a role with a token whose exp is 1.
    """
    from ministack.services import iam, sts

    original, principal = sts._web_identity_trust_denied, sts._web_identity_principal

    def trust_denied(role_arn: str, params: Upstream, use_json: bool) -> Upstream:
        claims = read_claims(sts._p(params, "WebIdentityToken"))
        account = (role_arn.split(":") + [""] * 5)[4]
        arn = f"arn:aws:iam::{account}:oidc-provider/{_provider_host(claims)}"
        provider = iam._oidc_providers.get_scoped(account, None, arn)
        registered = list(provider.get("ClientIDList") or []) if provider else None
        error = check_claims(claims, registered, time.time())
        if error is None:
            return original(role_arn, params, use_json)
        code, message = error
        if use_json:
            return sts.error_response_json(code, message, 400)
        return sts._error(400, code, message, ns="sts")

    def web_identity_principal(token: str, provider_id: str, role_arn: str) -> Upstream:
        arn, keys = principal(token, provider_id, role_arn)
        return arn, {**keys, **github_keys(read_claims(token))}

    sts._web_identity_trust_denied = trust_denied
    sts._web_identity_principal = web_identity_principal


def read_claims(token: str) -> dict[str, Any]:
    """Read a token's claims; what is not a token has none."""
    parts = token.split(".")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def check_claims(
    claims: dict[str, Any], registered: list[str] | None, now: float
) -> tuple[str, str] | None:
    """Return the code and message of what is wrong with a token; None when nothing is.

    Args:
        claims: the token's claims.
        registered: the audiences registered for its provider; None when that is unknown.
        now: in seconds since the epoch.
    """
    if registered is None:
        text = f"No OpenIDConnect provider found in your account for {claims.get('iss')}"
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
    if _provider_host(claims) != _GITHUB:
        return {}
    return {f"{_GITHUB}:{name}": str(claims[name]) for name in _GITHUB_CLAIMS if name in claims}


def _provider_host(claims: dict[str, Any]) -> str:
    return str(claims.get("iss", "")).partition("://")[2].rstrip("/")
