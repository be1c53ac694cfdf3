"""The limit of how many invocations of a function run at once."""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

from typing import TYPE_CHECKING

from . import mend

if TYPE_CHECKING:
    from . import Settings
    from .theirs import Theirs


@mend(
    "shared-concurrency",
    found="2026-11-23",
    fault="reserved concurrency limits only what is invoked without version or alias",
)
def limit_every_version(_: Settings) -> None:
    """Let a function's reserved concurrency limit all its versions and aliases together.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    """
    from ministack.services import lambda_svc

    original = lambda_svc._reserved_concurrency

    def reserved_concurrency(function: Theirs, config: Theirs) -> Theirs:
        whole = lambda_svc._functions.get(config.get("FunctionName", ""))
        return original(whole or function, config)

    lambda_svc._reserved_concurrency = reserved_concurrency
