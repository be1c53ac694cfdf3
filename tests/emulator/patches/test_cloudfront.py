"""A response headers policy comes back as it was made, a function can be changed."""

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


def test_an_updated_function_has_an_etag(either: Account) -> None:
    cloudfront, name = either.client("cloudfront"), unique("function")
    content = {
        "Name": name,
        "FunctionConfig": {"Comment": "", "Runtime": "cloudfront-js-2.0"},
        "FunctionCode": b"function handler(event) { return event.request; }",
    }
    made = cloudfront.create_function(**content)
    updated = cloudfront.update_function(IfMatch=made["ETag"], **content)
    assert ("ETag" in updated) is either.patched
