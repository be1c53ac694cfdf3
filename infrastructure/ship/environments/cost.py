"""What an environment costs in a month, by AWS's list prices in prices.toml."""

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

_PRICES = tomllib.loads(Path(__file__).with_name("prices.toml").read_text(encoding="utf-8"))
PRICES_DATE: str = _PRICES["date"]
_HOURS = 730
# Requests, errors, cold starts, durations and synthetic checks: what the adapter's log lines hold.
_METRICS = 5
_WARM_UPS = _HOURS * 12
_WARM_UP_MILLISECONDS = 5
# Two JSON lines: the function's and API Gateway's.
_LOGGED_BYTES = 1000


@dataclass(frozen=True)
class Usage:
    """An environment and its traffic.

    Attributes:
        requests: to the application, a month.
        milliseconds: of the function, for each.
        kilobytes: that each sends to the visitor.
        memory: of the function, in MB.
        architecture: arm64 or x86_64.
        alarms: how many there are.
        own_key: whether secrets have a KMS key of their own.
    """

    requests: int
    milliseconds: float
    kilobytes: float
    memory: int
    architecture: str
    alarms: int
    own_key: bool


def per_month(usage: Usage) -> dict[str, float]:
    """Dollars a month by what they pay for; the first rows are due without any request."""
    price, millions = _PRICES, usage.requests / 1e6
    second = price["lambda"][f"gigabyte_second_{usage.architecture}"] * usage.memory / 1024
    million = price["lambda"]["million_requests"]
    warm_up = _WARM_UPS * (million / 1e6 + second * _WARM_UP_MILLISECONDS / 1000)
    logs = (usage.requests + _WARM_UPS) * _LOGGED_BYTES / 1e9
    return {
        "alarms": usage.alarms * price["cloudwatch"]["alarm"],
        "metrics": _METRICS * price["cloudwatch"]["metric"],
        "KMS key": usage.own_key * price["kms"]["key"],
        "warm-up": warm_up,
        "Lambda requests": million * millions,
        "Lambda time": second * usage.requests * usage.milliseconds / 1000,
        "API Gateway": price["api"]["million_requests"] * millions,
        "CloudFront requests": price["cloudfront"]["million_requests"] * millions,
        "CloudFront transfer": price["cloudfront"]["gigabyte"]
        * usage.requests
        * usage.kilobytes
        / 1e6,
        "logs": price["cloudwatch"]["log_gigabyte"] * logs,
    }


def fargate_per_month() -> float:
    """Dollars a month for two tasks of half a processor and 1 GB behind a load balancer."""
    task, balancer = _PRICES["fargate"], _PRICES["load_balancer"]
    tasks = 2 * (task["processor_hour"] / 2 + task["gigabyte_hour"])
    return float(_HOURS * (tasks + balancer["hour"] + balancer["unit_hour"]))


def requests_where_fargate_is_cheaper(usage: Usage) -> int:
    """Requests a month above which two such tasks cost less than Lambda and API Gateway do."""
    million = per_month(replace(usage, requests=1_000_000))
    replaced = sum(million[name] for name in ("Lambda requests", "Lambda time", "API Gateway"))
    return round(fargate_per_month() / replaced * 1e6)
