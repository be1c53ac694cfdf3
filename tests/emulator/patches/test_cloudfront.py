"""A response headers policy comes back as it was made."""

from __future__ import annotations

from typing import Any

from ..account import Account, unique

BLOCKS = {"CustomHeadersConfig", "RemoveHeadersConfig"}


def test_a_policy_without_own_headers_has_no_such_block(either: Account) -> None:
    assert BLOCKS & set(_make_policy(either)) == (set() if either.patched else BLOCKS)


def test_a_policy_with_own_headers_keeps_them(account: Account) -> None:
    header = {"Header": "X-One", "Value": "1", "Override": True}
    found = _make_policy(account, CustomHeadersConfig={"Quantity": 1, "Items": [header]})
    assert found["CustomHeadersConfig"]["Items"] == [header]
    assert "RemoveHeadersConfig" not in found


def _make_policy(account: Account, **more: Any) -> dict[str, Any]:
    frame = {"FrameOptions": {"Override": True, "FrameOption": "DENY"}}
    config = {"Name": unique("headers"), "SecurityHeadersConfig": frame, **more}
    cloudfront = account.client("cloudfront")
    made = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=config)
    identifier = made["ResponseHeadersPolicy"]["Id"]
    found = cloudfront.get_response_headers_policy_config(Id=identifier)
    return dict(found["ResponseHeadersPolicyConfig"])
