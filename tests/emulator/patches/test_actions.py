"""The action of a request is read from what it does, and from nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..account import NUMBER, REGION, Account, is_refused

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = {"AWS": f"arn:aws:iam::{NUMBER}:root"}
FUNCTION = f"arn:aws:lambda:{REGION}:{NUMBER}:function:any"


def test_changing_an_alias_takes_its_own_permission(account: Account) -> None:
    acting = _acting(account, "lambda:ListAliases")
    assert is_refused(_update_alias(acting))
    assert not is_refused(lambda: acting.client("lambda").list_aliases(FunctionName="any"))


def test_without_the_mend_listing_aliases_lets_one_change_them(unmended: Account) -> None:
    acting = _acting(unmended, "lambda:ListAliases")
    assert not is_refused(_update_alias(acting))


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("lambda", "delete_function", {"FunctionName": "any"}),
        ("s3", "delete_bucket", {"Bucket": "any"}),
        ("cloudfront", "delete_origin_access_control", {"Id": "any", "IfMatch": "any"}),
    ],
)
def test_a_header_cannot_choose_what_is_authorized(
    account: Account, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    acting = _acting(account, f"{service}:Harmless")
    call = _with_target(acting, service, operation, parameters)
    assert is_refused(call)


def test_without_the_mend_a_header_chooses_what_is_authorized(unmended: Account) -> None:
    acting = _acting(unmended, "lambda:Harmless")
    call = _with_target(acting, "lambda", "delete_function", {"FunctionName": "any"})
    assert not is_refused(call)


def _acting(account: Account, action: str) -> Account:
    role = account.role(ROOT)
    account.allow(role["RoleName"], {"Effect": "Allow", "Action": action, "Resource": "*"})
    return account.assume(role["Arn"])


def _update_alias(acting: Account) -> Callable[[], object]:
    update = acting.client("lambda").update_alias
    return lambda: update(FunctionName="any", Name="live", FunctionVersion="1")


def _with_target(
    acting: Account, service: str, operation: str, parameters: dict[str, Any]
) -> Callable[[], object]:
    client = acting.client(service)

    def name_another(request: Any, **_: object) -> None:
        request.headers["X-Amz-Target"] = "Any.Harmless"

    client.meta.events.register("before-sign", name_another)
    return lambda: getattr(client, operation)(**parameters)
