"""A response headers policy comes back as it was made."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from emulator.patches.headers import is_empty

from ..account import Account, unique

BLOCKS = ("CustomHeadersConfig", "RemoveHeadersConfig")


def test_a_policy_without_own_headers_has_no_such_block(account: Account) -> None:
    assert not any(block in _policy(account) for block in BLOCKS)


def test_without_the_mend_it_has_both(unmended: Account) -> None:
    assert all(block in _policy(unmended) for block in BLOCKS)


def test_a_policy_with_own_headers_keeps_them(account: Account) -> None:
    header = {"Header": "X-One", "Value": "1", "Override": True}
    found = _policy(account, CustomHeadersConfig={"Quantity": 1, "Items": [header]})
    assert found["CustomHeadersConfig"]["Items"] == [header]
    assert "RemoveHeadersConfig" not in found


def _policy(account: Account, **more: Any) -> dict[str, Any]:
    frame = {"FrameOptions": {"Override": True, "FrameOption": "DENY"}}
    config = {"Name": unique("headers"), "SecurityHeadersConfig": frame, **more}
    cloudfront = account.client("cloudfront")
    made = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=config)
    identifier = made["ResponseHeadersPolicy"]["Id"]
    assert made["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["Name"] == config["Name"]
    answer = cloudfront.get_response_headers_policy_config(Id=identifier)
    found: dict[str, Any] = answer["ResponseHeadersPolicyConfig"]
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<CustomHeadersConfig><Quantity>0</Quantity></CustomHeadersConfig>", True),
        ("<RemoveHeadersConfig><Quantity>1</Quantity></RemoveHeadersConfig>", False),
        ("<Other><Quantity>0</Quantity></Other>", False),
        ('<CustomHeadersConfig xmlns="u"><Quantity>0</Quantity></CustomHeadersConfig>', True),
    ],
)
def test_only_empty_lists_of_headers_are_left_out(text: str, expected: bool) -> None:
    assert is_empty(ET.fromstring(text)) is expected  # noqa: S314
