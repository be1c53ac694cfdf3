"""HTTP responses, and the form in which Lambda hands them to API Gateway."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from lambda_adapter.errors import ResponseError

LIMIT = 6_291_556
"""Bytes that Lambda returns at most, headers and all:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
TOO_LARGE = (
    f"the response takes more than the {LIMIT} bytes that Lambda returns; "
    "send it in pages, or from a bucket"
)
FORBIDDEN = 403
VIEWER_STATUS = "x-viewer-status"
"""The header that a status travels in which CloudFront would replace."""
INTERNAL_ERROR = (
    "Internal Server Error",
    "Something went wrong here, and it is in the log under this request id; try again later.",
)


class Response(NamedTuple):
    """A response of the application, or of the platform itself."""

    status: int
    headers: dict[str, list[str]]
    """Lower-case names, each with all its values in order."""
    body: str
    is_base64: bool = False
    route: str | None = None
    """The rule that the request's path matched, for the log."""


def problem(status: int, title: str, detail: str, request_id: str) -> Response:
    """Return an error as problem details: https://www.rfc-editor.org/rfc/rfc9457."""
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    headers = {"content-type": ["application/problem+json"], "cache-control": ["no-store"]}
    return Response(status, headers, json.dumps(body))


def to_lambda(response: Response, *, through_cloudfront: bool = False) -> dict[str, Any]:
    """Return a response in API Gateway's payload format 2.0.

    A distribution replaces a 403, whichever origin says it, with the site's page of what is not
    there. So through CloudFront a 403 travels as a 200 with a header; the function
    application_status.js of the stack makes it a 403 again for the viewer.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/GeneratingCustomErrorResponses.html

    Raises:
        ResponseError: it is larger than what Lambda returns.
    """
    headers = {name: ", ".join(values) for name, values in response.headers.items()}
    # Cookies cannot be joined: their dates have commas.
    cookies = response.headers.get("set-cookie", [])
    headers.pop("set-cookie", None)
    status = response.status
    if through_cloudfront and status == FORBIDDEN:
        status, headers[VIEWER_STATUS] = 200, str(FORBIDDEN)
    payload = {
        "statusCode": status,
        "headers": headers,
        "cookies": cookies,
        "body": response.body,
        "isBase64Encoded": response.is_base64,
    }
    # In JSON a character takes 6 bytes at most, so that a short body needs no measuring.
    if len(response.body) > LIMIT // 12:
        size = len(json.dumps(payload, ensure_ascii=False).encode())
        if size > LIMIT:
            raise ResponseError(TOO_LARGE)
    return payload
