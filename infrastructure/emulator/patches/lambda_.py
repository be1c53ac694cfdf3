"""Lambda: weighted aliases, reserved concurrency, and the metrics of invocations."""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from emulator.patches import patch
from emulator.patches.upstream import Upstream, edit

if TYPE_CHECKING:
    from emulator.patches import Settings

_EVALUATION_SECONDS = 1.0


@patch("weighted-aliases", "a shift of traffic shifts nothing")
def shift_traffic(_: Settings) -> None:
    """Choose the version by weight whenever an alias is invoked, directly or by a service.

    Report: "RoutingConfig of an alias is stored and ignored".
    AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
    The function's ARN keeps the alias, so that the handler and the metrics can tell.
    Reproduce: give the alias half the weight of version 2, invoke it 60 times.
    """
    from ministack.services import lambda_svc

    alias = 'func["aliases"][qualifier]'
    version, chosen = f'{alias}.get("FunctionVersion", "$LATEST")', f"_choose({alias}, _draw())"
    edit(lambda_svc, "_invoke", version, chosen, _choose=choose_version, _draw=random.random)
    original = lambda_svc._get_func_record_for_ref

    def get_record(reference: str) -> Upstream:
        name, qualifier = lambda_svc._resolve_name_and_qualifier(reference)
        function = lambda_svc._functions.get(name) or original(reference)[0] or {}
        alias = (function.get("aliases") or {}).get(qualifier)
        if not alias:
            return original(reference)
        version = choose_version(alias, random.random())  # noqa: S311
        record, config, name = original(f"{reference.removesuffix(qualifier)}{version}")
        return record, config and {**config, "FunctionArn": alias["AliasArn"]}, name

    lambda_svc._get_func_record_for_ref = get_record


def choose_version(alias: dict[str, Any], draw: float) -> str:
    """Choose an alias's version by a number drawn from 0 up to 1."""
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for version, weight in weights.items():
        draw -= float(weight)
        if draw < 0:
            return str(version)
    return str(alias.get("FunctionVersion", "$LATEST"))


@patch("shared-concurrency", "reserved concurrency does not hold for versions and aliases")
def limit_every_version(_: Settings) -> None:
    """Let a function's reserved concurrency limit all its versions and aliases together.

    Report: "Reserved concurrency limits only invocations without a qualifier".
    AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    Reproduce: reserve 0, then invoke an alias.
    """
    from ministack.services import lambda_svc

    original = lambda_svc._reserved_concurrency

    def reserved_concurrency(function: Upstream, config: Upstream) -> Upstream:
        whole = lambda_svc._functions.get(config.get("FunctionName", ""))
        return original(whole or function, config)

    lambda_svc._reserved_concurrency = reserved_concurrency


@patch("invocation-metrics", "requests through API Gateway leave no metrics and raise no alarm")
def count_every_invocation(_: Settings) -> None:
    """Emit Invocations, Errors, Throttles and Duration for every invocation, then look at alarms.

    Report: "Invocations by API Gateway and EventBridge emit no AWS/Lambda metrics".
    AWS: by function, and by function and the alias or version that was invoked.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    Reproduce: send requests to an API, then get the sum of Invocations.
    """
    from ministack.services import cloudwatch, lambda_svc

    original = lambda_svc._execute_function
    evaluated = 0.0

    def execute(function: dict[str, Any], event: Upstream) -> Upstream:
        nonlocal evaluated
        config = function.get("config") or function
        if lambda_svc._function_config_scope_mismatch(config):
            return original(function, event)  # It comes back here in the function's own scope.
        started = time.time()
        result = original(function, event)
        milliseconds = (time.time() - started) * 1000
        throttled = bool(result.get("throttle"))
        metrics = [("Throttles", float(throttled), "Count")]
        if not throttled:
            metrics.append(("Invocations", 1.0, "Count"))
            metrics.append(("Errors", float(bool(result.get("error"))), "Count"))
            metrics.append(("Duration", milliseconds, "Milliseconds"))
        # An invocation counts by function, and by function and what was invoked of it.
        function_name = {"FunctionName": config["FunctionName"]}
        qualified = config.get("FunctionArn", "").partition(":function:")[2]
        invoked = {"Resource": qualified.removesuffix(":$LATEST") or config["FunctionName"]}
        for dimensions in (function_name, function_name | invoked):
            for metric in metrics:
                cloudwatch.record_metric("AWS/Lambda", *metric, dimensions)
        if time.monotonic() - evaluated >= _EVALUATION_SECONDS:
            evaluated = time.monotonic()
            cloudwatch._evaluate_all_alarms()
        return result

    lambda_svc._execute_function = execute
    lambda_svc._emit_lambda_metrics = lambda *_args, **_options: None
