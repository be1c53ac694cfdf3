"""IAM: which action, resources and condition keys a request has to be allowed for."""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

from emulator.patches import patch
from emulator.patches.iam_request import AuthorizationRequest, Check, resource_keys
from emulator.patches.iam_rules import RULES
from emulator.patches.upstream import Upstream, replace

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.patches import Settings

# Operations that AWS authorizes under another name than their own.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
# https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateDistributionWithTags.html
_LAMBDA_ACTIONS = {
    "Invoke": "InvokeFunction",
    "InvokeAsync": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
    "GetLayerVersionByArn": "GetLayerVersion",
}
_CREATE_WITH_TAGS = "cloudfront:CreateDistributionWithTags"
_REST_SERVICES = ("cloudfront", "lambda", "s3")

_log = logging.getLogger("emulator")
_denied: ContextVar[tuple[str, str] | None] = ContextVar("denied", default=None)


@patch("right-actions", "who may list aliases may change them; a header chooses what is authorized")
def name_actions(_: Settings) -> None:
    """Read the action of Lambda, CloudFront and S3 requests from method and path alone.

    Report: "GetAlias, UpdateAlias and DeleteAlias are authorized as ListAliases; X-Amz-Target
    chooses the action of REST requests".
    AWS: these protocols are REST, so the header and the parameter Action mean nothing to them.
    Lambda's operations come from the SDK's own model, as those of other services do.
    Reproduce: allow a role lambda:ListAliases only, then update an alias as that role.
    """
    from ministack.core import iam_actions

    original = iam_actions.extract_iam_action
    iam_actions._BOTOCORE_SERVICE_MAP["lambda"] = ["lambda"]

    def lambda_action(method: str, path: str) -> str | None:
        operation: str = iam_actions._match_rest_action("lambda", method, path, {}) or ""
        return _LAMBDA_ACTIONS.get(operation, operation) or None

    def extract_iam_action(
        service: str, method: str, path: str, headers: Upstream, body: bytes, query: Upstream
    ) -> str | None:
        if service in _REST_SERVICES:
            headers, body = {}, b""
            query = {name: value for name, value in query.items() if name != "Action"}
        action: str | None = original(service, method, path, headers, body, query)
        return "cloudfront:CreateDistribution" if action == _CREATE_WITH_TAGS else action

    iam_actions._lambda_action = lambda_action
    replace(iam_actions, "extract_iam_action", extract_iam_action)


class Resources(str):
    """The first resource of a request, which carries all checks to be made for it."""

    __slots__ = ("checks",)
    checks: list[Check]


@patch("right-resources", "policies that are right on AWS are denied, and some wrong ones pass")
def name_resources(settings: Settings) -> None:
    """Authorize each request for the resources, and with the condition keys, that AWS uses.

    Report: "Resources and condition keys of many requests are not those of the Service
    Authorization Reference; iam:PassRole and tagging on creation are not asked for".
    AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    Reproduce: allow lambda:InvokeFunction on FUNCTION:live, then invoke the alias.
    """
    from ministack.core import iam_actions, iam_evaluator
    from ministack.services import tagging

    extract, tags = iam_actions.extract_resource_arn, tagging.resource_tags
    log_context = iam_actions.logs_service_context

    def extract_resource_arn(service: str, *given: Upstream) -> str:
        arn: str = extract(service, *given)
        if service not in RULES:
            return arn
        checks = RULES[service](AuthorizationRequest(*(service, *given, arn)))
        found = Resources(checks[0].resource)
        found.checks = checks
        return found

    def logs_service_context(action: str, body: bytes, arn: str, *place: str) -> Upstream:
        return log_context(action, body, tagged_arn(arn), *place)

    replace(iam_actions, "extract_resource_arn", extract_resource_arn)
    replace(iam_evaluator, "evaluate", _record(iam_evaluator.evaluate, settings.calls))
    replace(iam_evaluator, "enforce", _enforce(iam_evaluator.enforce))
    replace(iam_actions, "access_denied_response", _name_denied(iam_actions))
    replace(iam_actions, "logs_service_context", logs_service_context)
    replace(tagging, "resource_tags", lambda arn: tags(tagged_arn(arn)))


def _record(original: Upstream, calls: Path) -> Upstream:
    """Write down what each role is allowed, once: role, action and resource.

    A policy can be held against it: what is not there was granted and never needed.
    """
    known = set(calls.read_text(encoding="utf-8").splitlines()) if calls.exists() else set()

    def evaluate(context: Upstream, *policies: Upstream) -> Upstream:
        result = original(context, *policies)
        kind, _, name = context.principal_arn.rpartition(":")[2].partition("/")
        call = f"{name.partition('/')[0]} {context.action} {context.resource_arn}"
        if result.decision == "Allow" and kind == "assumed-role" and call not in known:
            known.add(call)
            with calls.open("a", encoding="utf-8") as file:
                file.write(f"{call}\n")
        return result

    return evaluate


def _enforce(original: Upstream) -> Upstream:
    def enforce(
        key: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Upstream = None,
    ) -> Upstream:
        for check in getattr(resource_arn, "checks", [Check(resource_arn)]):
            action = check.action or iam_action
            owner = action.partition(":")[0] if check.action else service
            context = {**resource_keys(check.resource), **(service_context or {}), **check.context}
            denied = original(key, action, owner, region, str(check.resource), context)
            if denied:
                # For the response, and for the log of a person who writes policies.
                _denied.set((action, check.resource))
                if hasattr(denied, "decision"):
                    known = {name: value for name, value in context.items() if value is not None}
                    text = "denied %s on %s to %s, conditions %s"
                    principal = denied.principal_arn or "nobody"
                    _log.warning(text, action, check.resource, principal, known)
                return denied
        return None

    return enforce


def _name_denied(iam_actions: Upstream) -> Upstream:
    """Say in the response what was denied: it can be another action than the request's own."""
    original = iam_actions.access_denied_response

    def access_denied_response(
        service: str, action: str, principal_arn: str, request_id: str, **options: Upstream
    ) -> Upstream:
        denied = _denied.get()
        if denied is None or options.get("error_code") or options.get("message"):
            return original(service, action, principal_arn, request_id, **options)
        action, resource = denied
        explicit = bool(options.get("explicit_deny"))
        if not options.get("resource_policy_arn"):
            options["message"] = iam_actions.identity_denial_message(
                action, principal_arn, resource, explicit
            )
        options["resource_arn"] = resource
        return original(service, action, principal_arn, request_id, **options)

    return access_denied_response


def tagged_arn(arn: str) -> str:
    """Return the ARN that a resource's tags are kept under: no stream, no qualifier."""
    parts = arn.split(":")
    if parts[2:3] == ["lambda"] and parts[5:6] == ["function"]:
        return ":".join(parts[:7])
    return arn.partition(":log-stream:")[0]
