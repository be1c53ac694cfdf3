"""CloudFront: response headers policies and functions."""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.patches import patch

if TYPE_CHECKING:
    from emulator.patches import Settings
    from emulator.patches.upstream import Upstream

_BLOCKS = ("CustomHeadersConfig", "RemoveHeadersConfig")


@patch("no-empty-header-blocks", "every second plan differs in the response headers policy")
def leave_out_empty_blocks(_: Settings) -> None:
    """Leave out the lists of custom and removed headers where a policy has none.

    Report: "GetResponseHeadersPolicy returns empty CustomHeadersConfig and RemoveHeadersConfig".
    AWS: a policy comes back with the blocks that it was created with.
    Reproduce: create a policy with FrameOptions only, then get its configuration.
    """
    from ministack.services import cloudfront

    original = cloudfront._build_rhp_config_xml

    def build(parent: Upstream, config: dict[str, Any]) -> None:
        original(parent, config)
        for block in [found for found in parent if found.tag.rpartition("}")[2] in _BLOCKS]:
            if any(child.tag.endswith("Quantity") and child.text == "0" for child in block):
                parent.remove(block)

    cloudfront._build_rhp_config_xml = build
    cloudfront._RHP_SPEC["build_config"] = build


@patch("function-etags", "an edited function cannot be published")
def name_etag_as_aws_does(_: Settings) -> None:
    """Answer UpdateFunction with the header that SDKs read its ETag from.

    Report: "UpdateFunction answers with the header ETag; SDKs read ETtag, and get none".
    AWS: the header is called ETtag, in the service's own model as well.
    Reproduce: update a function with an SDK, then publish it with the ETag of the answer.
    """
    from ministack.services import cloudfront

    original = cloudfront._cf_update_function

    def update(*given: Upstream) -> Upstream:
        status, headers, body = original(*given)
        etag = {"ETtag": headers["ETag"]} if "ETag" in headers else {}
        return status, {**headers, **etag}, body

    cloudfront._cf_update_function = update
