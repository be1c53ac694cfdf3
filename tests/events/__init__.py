"""Lambda events for tests: factories of good ones, and a corpus of odd ones."""

from tests.events.factory import (
    emulated,
    function_url,
    hold,
    http_api,
    load,
    load_balancer,
    rest_api,
    warm_up,
)

__all__ = [
    "emulated",
    "function_url",
    "hold",
    "http_api",
    "load",
    "load_balancer",
    "rest_api",
    "warm_up",
]
