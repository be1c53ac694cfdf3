"""Lambda aliases that share traffic between two versions."""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

import random
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from . import mend

if TYPE_CHECKING:
    from . import Settings
    from .theirs import Theirs


# The function and the ARN of the alias that a request invokes.
_asked: ContextVar[tuple[str, str]] = ContextVar("asked", default=("", ""))


@mend(
    "weighted-aliases",
    found="2026-11-23",
    fault="an alias's RoutingConfig is stored and shifts no traffic",
)
def shift_traffic(_: Settings) -> None:
    """Choose the version by weight whenever an alias is invoked, directly or by a service.

    The function's ARN keeps the alias that was asked for, as on AWS, so that the handler and
    the metrics can tell.
    """
    from ministack.services import lambda_svc

    _shift_services(lambda_svc)
    _shift_invoke(lambda_svc)
    _keep_alias(lambda_svc)


def choose(alias: dict[str, Any], draw: float) -> str:
    """Choose an alias's version by a number drawn from 0 up to 1."""
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for version, weight in weights.items():
        draw -= float(weight)
        if draw < 0:
            return str(version)
    return str(alias.get("FunctionVersion", "$LATEST"))


def _shift_services(lambda_svc: Theirs) -> None:
    original = lambda_svc._get_func_record_for_ref

    def get_record(reference: str) -> Theirs:
        name, qualifier = lambda_svc._resolve_name_and_qualifier(reference)
        function = lambda_svc._functions.get(name) or original(reference)[0] or {}
        alias = (function.get("aliases") or {}).get(qualifier)
        if not alias:
            return original(reference)
        version = choose(alias, random.random())  # noqa: S311
        record, config, name = original(f"{reference.removesuffix(qualifier)}{version}")
        return record, config and {**config, "FunctionArn": alias["AliasArn"]}, name

    lambda_svc._get_func_record_for_ref = get_record


def _shift_invoke(lambda_svc: Theirs) -> None:
    original = lambda_svc._invoke

    async def invoke(
        name: str,
        event: Theirs,
        headers: dict[str, str],
        path_qualifier: str | None = None,
        query_params: dict[str, Any] | None = None,
    ) -> Theirs:
        qualifier = path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier")
        function = lambda_svc._functions.get(name) or {}
        alias = (function.get("aliases") or {}).get(qualifier)
        if not alias:
            return await original(name, event, headers, path_qualifier, query_params)
        asked = _asked.set((name, alias["AliasArn"]))
        try:
            version = choose(alias, random.random())  # noqa: S311
            return await original(name, event, headers, version, query_params)
        finally:
            _asked.reset(asked)

    lambda_svc._invoke = invoke


def _keep_alias(lambda_svc: Theirs) -> None:
    execute = lambda_svc._execute_function_with_config_scope
    execute_later = lambda_svc.invoke_async_with_retry

    def with_alias(function: dict[str, Any]) -> dict[str, Any]:
        config, (name, arn) = function.get("config") or {}, _asked.get()
        if not name or config.get("FunctionName") != name:
            return function
        return {**function, "config": {**config, "FunctionArn": arn}}

    lambda_svc._execute_function_with_config_scope = lambda function, event: execute(
        with_alias(function), event
    )
    lambda_svc.invoke_async_with_retry = lambda function, event: execute_later(
        with_alias(function), event
    )
