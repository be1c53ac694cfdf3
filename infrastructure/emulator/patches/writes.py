"""What a write to S3 asks for, as condition keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import mend

if TYPE_CHECKING:
    from . import Settings


@mend(
    "conditional-writes-are-conditions",
    found="2026-11-23",
    fault="a bucket policy cannot want If-None-Match: what was written once can be overwritten",
)
def name_conditional_writes(_: Settings) -> None:
    """Give s3:PutObject the condition keys by which a bucket policy enforces conditional writes.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    from ministack.core import iam_actions

    original = iam_actions.s3_service_context

    def s3_service_context(
        iam_action: str,
        query_params: dict[str, Any] | None,
        path: str = "",
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        context: dict[str, Any] = original(iam_action, query_params, path, headers)
        if iam_action == "s3:PutObject":
            context |= write_keys(query_params or {}, headers or {})
        return context

    iam_actions.s3_service_context = s3_service_context


def write_keys(query: dict[str, Any], headers: dict[str, str]) -> dict[str, str]:
    """Return the keys of a write; the parts of an upload make no object, its completion does."""
    makes = "uploads" not in query and "partNumber" not in query
    given = {
        f"s3:{name}": headers[name] for name in ("if-none-match", "if-match") if name in headers
    }
    return {"s3:ObjectCreationOperation": "true" if makes else "false", **given}
