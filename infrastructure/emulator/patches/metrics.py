"""The AWS/Lambda metrics of a function's invocations."""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from . import mend

if TYPE_CHECKING:
    from . import Settings
    from .theirs import Theirs

_EVALUATION_SECONDS = 1.0


@mend(
    "every-invocation-counts",
    found="2026-11-23",
    fault="invocations by API Gateway and EventBridge emit no metrics: alarms stay empty",
)
def count_every_invocation(_: Settings) -> None:
    """Emit Invocations, Errors, Throttles and Duration for every invocation, then look at alarms.

    As on AWS: by function, and by function and the alias or version that was invoked.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    from ministack.services import cloudwatch, lambda_svc

    original = lambda_svc._execute_function
    last = [0.0]

    def execute(function: dict[str, Any], event: Theirs) -> Theirs:
        config = function.get("config") or function
        if lambda_svc._function_config_scope_mismatch(config):
            return original(function, event)  # It comes back here in the function's own scope.
        started = time.time()
        result = original(function, event)
        _emit(cloudwatch, config, result, (time.time() - started) * 1000)
        if time.monotonic() - last[0] >= _EVALUATION_SECONDS:
            last[0] = time.monotonic()
            cloudwatch._evaluate_all_alarms()
        return result

    lambda_svc._execute_function = execute
    lambda_svc._emit_lambda_metrics = lambda *_args, **_options: None


def _emit(cloudwatch: Theirs, config: dict[str, Any], result: Theirs, milliseconds: float) -> None:
    throttled = bool(result.get("throttle"))
    failed = bool(result.get("error")) and not throttled
    metrics = [("Throttles", float(throttled), "Count")]
    if not throttled:
        metrics.append(("Invocations", 1.0, "Count"))
        metrics.append(("Errors", float(failed), "Count"))
        metrics.append(("Duration", milliseconds, "Milliseconds"))
    for dimensions in dimension_sets(config["FunctionName"], config.get("FunctionArn", "")):
        for name, value, unit in metrics:
            cloudwatch.record_metric("AWS/Lambda", name, value, unit, dimensions)


def dimension_sets(name: str, arn: str) -> list[dict[str, str]]:
    """Return the sets of dimensions under which an invocation counts."""
    qualifier = arn.split(":")[7] if arn.count(":") == 7 else ""
    resource = f"{name}:{qualifier}" if qualifier not in ("", "$LATEST") else name
    return [{"FunctionName": name}, {"FunctionName": name, "Resource": resource}]
