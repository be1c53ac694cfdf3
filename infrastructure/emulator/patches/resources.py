"""Which resources, and under which conditions, a request has to be allowed for."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from . import mend
from .asked import Asked, Check
from .rules import RULES
from .tags import resource_keys
from .theirs import Theirs, replace

if TYPE_CHECKING:
    from . import Settings

_log = logging.getLogger("ship.emulator")
_denied: ContextVar[tuple[str, str] | None] = ContextVar("denied", default=None)


class Resources(str):
    """The first resource of a request, that carries all checks to be made for it."""

    __slots__ = ("checks",)
    checks: list[Check]


@mend(
    "right-resources",
    found="2026-11-23",
    fault="correct least-privilege policies are denied, wrong ones allowed: the resources and"
    " condition keys of many requests are not those of AWS; iam:PassRole is not asked for",
)
def name_resources(_: Settings) -> None:
    """Authorize each request for the resources, and with the condition keys, that AWS uses."""
    from ministack.core import iam_actions, iam_evaluator
    from ministack.services import tagging

    replace(iam_actions, "extract_resource_arn", _extract(iam_actions.extract_resource_arn))
    replace(iam_evaluator, "enforce", _enforce(iam_evaluator.enforce))
    replace(iam_actions, "access_denied_response", _naming(iam_actions))
    replace(iam_actions, "logs_service_context", _log_tags(iam_actions.logs_service_context))
    replace(tagging, "resource_tags", _plain_tags(tagging.resource_tags))


def _extract(original: Theirs) -> Theirs:
    def extract_resource_arn(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        given = (service, method, path, headers, body, query_params, region, account_id)
        fallback: str = original(*given)
        if service not in RULES:
            return fallback
        checks = RULES[service](Asked(*given, fallback))
        found = Resources(checks[0].resource)
        found.checks = checks
        return found

    return extract_resource_arn


def _enforce(original: Theirs) -> Theirs:
    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Theirs:
        checks = getattr(resource_arn, "checks", [Check(resource_arn)])
        for check in checks:
            action = check.action or iam_action
            owner = action.partition(":")[0] if check.action else service
            context = {**resource_keys(check.resource), **(service_context or {}), **check.context}
            denied = original(access_key_id, action, owner, region, str(check.resource), context)
            if denied:
                _remember(action, check.resource, denied, context)
                return denied
        return None

    return enforce


def _remember(action: str, resource: str, denied: Theirs, context: dict[str, Any]) -> None:
    """Keep what was denied for the answer, and write it to the log for whoever writes policies."""
    _denied.set((action, resource))
    if hasattr(denied, "decision"):
        known = {name: value for name, value in context.items() if value is not None}
        who = denied.principal_arn or "nobody"
        _log.warning("denied %s on %s to %s, conditions %s", action, resource, who, known)


def _naming(iam_actions: Theirs) -> Theirs:
    """Say in the answer what was denied: it can be another action than the request's own."""
    original = iam_actions.access_denied_response

    def access_denied_response(
        service: str, action: str, principal_arn: str, request_id: str, **options: Theirs
    ) -> Theirs:
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


def _log_tags(original: Theirs) -> Theirs:
    def logs_service_context(
        action: str, body: bytes, resource_arn: str, region: str, account_id: str
    ) -> Theirs:
        return original(action, body, plain(resource_arn), region, account_id)

    return logs_service_context


def _plain_tags(original: Theirs) -> Theirs:
    return lambda arn: original(plain(arn))


def plain(arn: str) -> str:
    """Return the ARN that a resource's tags are kept under: no stream, no qualifier."""
    parts = arn.split(":")
    if parts[2:3] == ["lambda"] and parts[5:6] == ["function"]:
        return ":".join(parts[:7])
    return arn.partition(":log-stream:")[0]
