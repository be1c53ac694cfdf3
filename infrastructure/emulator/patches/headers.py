"""CloudFront response headers policies."""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import mend

if TYPE_CHECKING:
    from . import Settings
    from .theirs import Theirs

_BLOCKS = ("CustomHeadersConfig", "RemoveHeadersConfig")


@mend(
    "no-empty-header-blocks",
    found="2026-11-23",
    fault="a response headers policy comes back with empty blocks: each second plan differs",
)
def leave_out_empty_blocks(_: Settings) -> None:
    """Leave out the lists of custom and removed headers where a policy has none."""
    from ministack.services import cloudfront

    original = cloudfront._build_rhp_config_xml

    def build(parent: Theirs, config: dict[str, Any]) -> None:
        original(parent, config)
        for block in [found for found in parent if is_empty(found)]:
            parent.remove(block)

    cloudfront._build_rhp_config_xml = build
    cloudfront._RHP_SPEC["build_config"] = build


def is_empty(element: Theirs) -> bool:
    """Whether an XML element is one of the blocks, with no header in it."""
    name = element.tag.rpartition("}")[2]
    return name in _BLOCKS and any(
        child.tag.rpartition("}")[2] == "Quantity" and child.text == "0" for child in element
    )
