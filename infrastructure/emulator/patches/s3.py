"""S3: reads beside writes, and the condition keys of writes."""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from emulator.patches import patch

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.patches import Settings
    from emulator.patches.upstream import Upstream

_ATTEMPTS = 200
_PAUSE_SECONDS = 0.002


@patch("whole-objects", "a read beside a write ends early: a page breaks during a deploy")
def answer_whole_objects(_: Settings) -> None:
    """Read an object's old or its new state, and never a mixture.

    Report: "GetObject beside PutObject returns the new Content-Length with the old body".
    The record of an object is written before its bytes.
    AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
    Reproduce: put two bodies of different lengths in turns while another thread reads. It takes
    many rounds; there is no test without this patch.
    """
    from ministack.services import s3

    original = s3._get_object
    s3._get_object = lambda *given: read_until_whole(lambda: original(*given))


def read_until_whole(read: Callable[[], Upstream]) -> Upstream:
    """Read until the length in the headers is the length of the body, where both are known."""
    for _ in range(_ATTEMPTS):
        status, headers, body = response = read()
        length = headers.get("Content-Length")
        if status != 200 or length is None or not isinstance(body, bytes):
            break
        if int(length) == len(body):
            break
        time.sleep(_PAUSE_SECONDS)
    return response


@patch("conditional-write-keys", "what a bucket policy protects from overwriting is overwritten")
def name_conditional_writes(_: Settings) -> None:
    """Give s3:PutObject the condition keys by which a bucket policy enforces conditional writes.

    Report: "s3:if-none-match and s3:ObjectCreationOperation are not condition keys".
    AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    Reproduce: deny s3:PutObject where s3:if-none-match is null, then put without If-None-Match.
    """
    from ministack.core import iam_actions

    original = iam_actions.s3_service_context

    def s3_service_context(
        action: str, query: Upstream, path: str = "", headers: Upstream = None
    ) -> dict[str, Any]:
        context: dict[str, Any] = original(action, query, path, headers)
        if action == "s3:PutObject":
            context |= write_keys(query or {}, headers or {})
        return context

    iam_actions.s3_service_context = s3_service_context


def write_keys(query: dict[str, Any], headers: dict[str, str]) -> dict[str, str]:
    """Return the keys of a write; the parts of an upload make no object, its completion does."""
    creates = "uploads" not in query and "partNumber" not in query
    keys = {"s3:ObjectCreationOperation": "true" if creates else "false"}
    given = ("if-none-match", "if-match")
    return keys | {f"s3:{name}": headers[name] for name in given if name in headers}


@patch("missing-objects", "a missing file of a mounted folder is forbidden, not missing")
def tell_what_is_missing(_: Settings) -> None:
    """Tell CloudFront that an object is not there, where it may list the bucket.

    Report: "CloudFront gets 403 for a missing object although the policy allows s3:ListBucket".
    AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    Reproduce: allow a distribution s3:GetObject and s3:ListBucket, ask it for a missing object.
    """
    from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
    from ministack.services import s3

    original = s3.serve_cloudfront_origin_fetch

    def fetch(
        bucket: str,
        key: str,
        method: str,
        headers: Upstream,
        source_arn: str = "",
        **more: Upstream,
    ) -> Upstream:
        response = original(bucket, key, method, headers, source_arn, **more)
        found = s3._ensure_bucket(bucket)
        if response[0] != 403 or found is None or key in found["objects"]:
            return response
        context = EvalContext(
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action="s3:ListBucket",
            resource_arn=f"arn:aws:s3:::{bucket}",
            region=s3.get_region(),
            service_context={"aws:sourcearn": source_arn},
        )
        policy = s3._bucket_policies.get_scoped(s3._bucket_owner_account(bucket), None, bucket)
        service = "cloudfront.amazonaws.com"
        if evaluate_resource_policy(policy or {}, context, service=service).decision != "Allow":
            return response
        message = "The specified key does not exist."
        return s3._error("NoSuchKey", message, 404, f"/{bucket}/{key}")

    s3.serve_cloudfront_origin_fetch = fetch
