"""Which IAM action a request asks for."""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import mend
from .theirs import Theirs, replace

if TYPE_CHECKING:
    from . import Settings

# Operations that AWS authorizes under another name than their own.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
_LAMBDA_ACTIONS = {
    "Invoke": "InvokeFunction",
    "InvokeAsync": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
    "GetLayerVersionByArn": "GetLayerVersion",
}
# https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateDistributionWithTags.html
_CLOUDFRONT_ACTIONS = {"CreateDistributionWithTags": "CreateDistribution"}
_BY_PATH = ("cloudfront", "lambda", "s3")


@mend(
    "right-actions",
    found="2026-11-23",
    fault="GetAlias, UpdateAlias and DeleteAlias count as ListAliases, other Lambda operations"
    " as wrong ones too; a header chooses the action of Lambda, CloudFront and S3 requests",
)
def name_actions(_: Settings) -> None:
    """Read the action of Lambda, CloudFront and S3 requests from method and path alone.

    Their protocols are REST: the header X-Amz-Target and the parameter Action mean nothing
    to them, so they must not choose what is authorized. Lambda's operations come from the
    SDK's own model, as those of other services do.
    """
    from ministack.core import iam_actions

    original = iam_actions.extract_iam_action
    iam_actions._BOTOCORE_SERVICE_MAP["lambda"] = ["lambda"]
    iam_actions._lambda_action = _lambda_action(iam_actions)

    def extract_iam_action(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
    ) -> str | None:
        if service not in _BY_PATH:
            found: str | None = original(service, method, path, headers, body, query_params)
            return found
        query = {name: value for name, value in query_params.items() if name != "Action"}
        return _renamed(original(service, method, path, {}, b"", query))

    replace(iam_actions, "extract_iam_action", extract_iam_action)


def _lambda_action(iam_actions: Theirs) -> Theirs:
    def lambda_action(method: str, path: str) -> str | None:
        operation: str = iam_actions._match_rest_action("lambda", method, path, {}) or ""
        return _LAMBDA_ACTIONS.get(operation, operation) or None

    return lambda_action


def _renamed(action: str | None) -> str | None:
    namespace, _, operation = (action or "").partition(":")
    if namespace == "cloudfront" and operation in _CLOUDFRONT_ACTIONS:
        return f"cloudfront:{_CLOUDFRONT_ACTIONS[operation]}"
    return action
