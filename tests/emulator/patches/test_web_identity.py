"""GitHub's token opens a role only when it is current, meant for AWS, and known."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from emulator.patches.web_identity import github_keys, read_claims, token_fault

from ..account import NUMBER, Account, error_code

HOST = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::{NUMBER}:oidc-provider/{HOST}"
NOW = 1_800_000_000.0
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
    return _role(account)


def _role(account: Account) -> str:
    account.client("iam").create_open_id_connect_provider(
        Url=f"https://{HOST}", ClientIDList=["sts.amazonaws.com"]
    )
    wanted = {
        f"{HOST}:aud": "sts.amazonaws.com",
        f"{HOST}:sub": CLAIMS["sub"],
        f"{HOST}:ref": CLAIMS["ref"],
        f"{HOST}:repository_id": "7",
    }
    condition = {"Condition": {"StringEquals": wanted}}
    return str(account.role({"Federated": PROVIDER}, more=condition)["Arn"])


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({}, ""),
        ({"exp": 1}, "ExpiredTokenException"),
        ({"exp": None}, "ExpiredTokenException"),
        ({"aud": "another"}, "InvalidIdentityToken"),
        ({"iss": "https://elsewhere.example.org"}, "InvalidIdentityToken"),
        ({"sub": "repo:acme/shop:environment:production"}, "AccessDenied"),
        ({"ref": "refs/heads/other"}, "AccessDenied"),
        ({"repository_id": 8}, "AccessDenied"),
    ],
)
def test_a_token_opens_the_role_only_with_the_right_claims(
    account: Account, role: str, claims: dict[str, Any], code: str
) -> None:
    assert error_code(lambda: _assume(account, role, **claims)) == code


def test_without_the_mend_an_expired_token_opens_it_and_the_branch_cannot_be_asked_for(
    unmended: Account,
) -> None:
    role = _role(unmended)
    assert error_code(lambda: _assume(unmended, role)) == "AccessDenied"
    unmended.client("iam").update_assume_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"Federated": PROVIDER},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                },
            }
        ),
    )
    assert error_code(lambda: _assume(unmended, role, exp=1, aud="another")) == ""


def _assume(account: Account, role: str, **claims: Any) -> object:
    return account.client("sts").assume_role_with_web_identity(
        RoleArn=role,
        RoleSessionName="test",
        WebIdentityToken=_token({**CLAIMS, "exp": int(time.time()) + 60, **claims}),
    )


def _token(claims: dict[str, Any]) -> str:
    parts = ({"alg": "RS256"}, claims)
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts), "x"]
    )


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.!!.c", "a.W10.c"])
def test_what_is_no_token_has_no_claims(token: str) -> None:
    assert read_claims(token) == {}


@pytest.mark.parametrize(
    ("claims", "registered", "code"),
    [
        ({"exp": NOW + 1, "aud": "a"}, ["a"], None),
        ({"exp": NOW + 1, "aud": ["b", "a"]}, ["a"], None),
        ({"exp": NOW, "aud": "a"}, ["a"], "ExpiredTokenException"),
        ({"exp": NOW + 1, "aud": "a"}, [], "InvalidIdentityToken"),
        ({"exp": NOW + 1, "aud": "a"}, None, "InvalidIdentityToken"),
        ({}, ["a"], "ExpiredTokenException"),
    ],
)
def test_a_token_must_be_current_and_for_a_registered_audience(
    claims: dict[str, Any], registered: list[str] | None, code: str | None
) -> None:
    fault = token_fault(claims, registered, NOW)
    assert (fault and fault[0]) == code


def test_only_githubs_own_tokens_have_githubs_claims() -> None:
    assert github_keys(CLAIMS)[f"{HOST}:repository_id"] == "7"
    assert github_keys({**CLAIMS, "iss": "https://elsewhere.example.org"}) == {}
