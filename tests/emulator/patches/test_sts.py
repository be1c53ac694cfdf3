"""GitHub's token opens a role only when it is current, meant for AWS, and known."""

import base64
import json
import time
from typing import Any

import pytest

from emulator.patches.sts import github_keys, read_claims

from ..account import NUMBER, Account, error_code

HOST = "token.actions.githubusercontent.com"
PROVIDER = {"Federated": f"arn:aws:iam::{NUMBER}:oidc-provider/{HOST}"}
CLAIMS: dict[str, Any] = {
    "iss": f"https://{HOST}",
    "aud": "sts.amazonaws.com",
    "sub": "repo:acme/shop:environment:dev",
    "ref": "refs/heads/main",
    "repository_id": 7,
}


@pytest.fixture(scope="module")
def role(account: Account) -> str:
    """A role that GitHub's tokens of one branch may assume."""
    return _make_role(account)


def _make_role(account: Account) -> str:
    account.client("iam").create_open_id_connect_provider(
        Url=f"https://{HOST}", ClientIDList=["sts.amazonaws.com"]
    )
    required = {f"{HOST}:{name}": str(CLAIMS[name]) for name in CLAIMS if name != "iss"}
    condition = {"Condition": {"StringEquals": required}}
    return str(account.role(PROVIDER, more=condition)["Arn"])


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({}, ""),
        ({"exp": 1}, "ExpiredTokenException"),
        ({"exp": None}, "ExpiredTokenException"),
        ({"aud": "another"}, "InvalidIdentityToken"),
        ({"aud": []}, "InvalidIdentityToken"),
        ({"iss": "https://elsewhere.example.org"}, "InvalidIdentityToken"),
        ({"sub": "repo:acme/shop:environment:production"}, "AccessDenied"),
        ({"ref": "refs/heads/other"}, "AccessDenied"),
        ({"repository_id": 8}, "AccessDenied"),
    ],
)
def test_only_right_claims_open_a_role(
    account: Account, role: str, claims: dict[str, Any], code: str
) -> None:
    assert error_code(lambda: _assume(account, role, **claims)) == code


def test_without_the_patch_an_expired_token_opens_a_role(unpatched: Account) -> None:
    right, open_to_all = _make_role(unpatched), str(unpatched.role(PROVIDER)["Arn"])
    assert error_code(lambda: _assume(unpatched, right)) == "AccessDenied"
    assert error_code(lambda: _assume(unpatched, open_to_all, exp=1, aud="another")) == ""


def _assume(account: Account, role: str, **claims: Any) -> object:
    return account.client("sts").assume_role_with_web_identity(
        RoleArn=role,
        RoleSessionName="test",
        WebIdentityToken=_token({**CLAIMS, "exp": int(time.time()) + 60, **claims}),
    )


def _token(claims: dict[str, Any]) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(part).decode() for part in parts), "x"])


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.!!.c", "a.W10.c"])
def test_what_is_not_a_token_has_no_claims(token: str) -> None:
    assert read_claims(token) == {}


def test_only_githubs_own_tokens_have_githubs_claims() -> None:
    assert github_keys(CLAIMS)[f"{HOST}:repository_id"] == "7"
    assert github_keys({**CLAIMS, "iss": "https://elsewhere.example.org"}) == {}
