"""What an environment's table in the project file says of its edge: CloudFront and the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ship.table import Table

KEYS = "api origin_secret throttling"
_CLOSED = "behind-cloudfront"
_WEB_ACL = r"arn:[a-z-]+:wafv2:us-east-1:[0-9]{12}:global/webacl/[A-Za-z0-9_-]+/[0-9a-f-]+"
_EXAMPLE = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/473e64fd-f30b-4765-81a0"
# What an API of HTTP gets of an account by default.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
_MOST_REQUESTS = 10_000


@dataclass(frozen=True)
class Edge:
    """How requests reach an environment's application: variables of the stack."""

    api_behind_cloudfront: bool = False
    """Whether the API's own address answers nobody but CloudFront."""
    origin_secret: int = 1
    """Counts the values that tell CloudFront's requests from others."""
    throttling: dict[str, float] = field(default_factory=dict)
    """`rate`, in requests a second, and `burst`, in requests; the stack's own are left out."""
    waf: str | None = None
    """The ARN of a web ACL."""
    flat_rate: bool = False
    """Whether the distribution fits CloudFront's cheaper flat-rate plans."""


def read_edge(table: Table) -> Edge:
    """Read it from the table of an environment, or of the previews, which have less of it."""
    limits = table.table("throttling", "rate burst")
    return Edge(
        table.text("api", f"public|{_CLOSED}", _CLOSED, "public") == _CLOSED,
        table.whole("origin_secret", 1, 1_000_000, 1),
        {name: limits.whole(name, 1, _MOST_REQUESTS, 1) for name in limits.values},
        table.text("waf", _WEB_ACL, _EXAMPLE) if "waf" in table.values else None,
        table.flag("flat_rate", default=False),
    )
