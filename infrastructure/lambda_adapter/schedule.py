"""What EventBridge sends every few minutes: keep the function warm, and check the site.

The application has no part in it.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambda_adapter import concurrency, synthetic_check
from lambda_adapter.aws import AwsSettings
from lambda_adapter.errors import UnknownEventError

if TYPE_CHECKING:
    from lambda_adapter.logs import AccessLogEntry

WARM_UP = "warm-up"
MAX_ENVIRONMENTS = 20

_BUSY_SECONDS = 0.1
_MAX_SECONDS = 5.0  # For the other environments to answer, and for the site.
_SPARE_SECONDS = 0.5  # Left for the log entry.
_HTTPS = re.compile(r"https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,63}")
_HTTP = re.compile(r"http://([a-z0-9.-]{1,253}):[0-9]{1,5}")


@dataclass(frozen=True)
class WarmUp:
    """What the schedule asks for."""

    environments: int
    """How many execution environments to have warm, this one among them."""
    site_url: str
    """Public address of the site, without a path."""


def run(event: dict[str, Any], context: object, entry: AccessLogEntry) -> dict[str, Any]:
    """Do what the event asks for, note it in the log entry, and return it.

    Raises:
        UnknownEventError: the event is not as Terraform's schedule.tf writes it.
    """
    kind = event.get("detail-type")
    if kind == concurrency.KEEP_BUSY:
        # Each event that is sent at the same time needs an execution environment of its own.
        time.sleep(_BUSY_SECONDS)
        entry.status = 200
        return {"status": "warm", "environment": concurrency.identity()}
    if kind != WARM_UP:
        raise _unknown(f"its detail-type is neither {WARM_UP} nor {concurrency.KEEP_BUSY}")
    aws = AwsSettings.from_environment()
    warm_up = read(event.get("detail"), aws.endpoint(concurrency.LAMBDA))
    count, shortage = concurrency.warm_up(
        warm_up.environments, context, aws, _remaining_seconds(context)
    )
    failure = synthetic_check.check(warm_up.site_url, _remaining_seconds(context))
    entry.environments = count
    entry.available = int(not failure)
    entry.problems = [text for text in (shortage, failure) if text]
    entry.status = 503 if failure else 200
    return {
        "status": "warm",
        "environments": entry.environments,
        "available": entry.available,
        "problems": entry.problems,
    }


def read(detail: object, lambda_endpoint: str) -> WarmUp:
    """Read what a warm-up asks for.

    The site's address is https with a host's name. Plain http is for an emulator only, on the host
    that the function's own endpoint of Lambda is on.

    Raises:
        UnknownEventError: it is anything but a number of environments and such an address.
    """
    if not isinstance(detail, dict) or detail.keys() != {"environments", "site_url"}:
        raise _unknown("its detail is not environments and site_url")
    environments, site_url = detail["environments"], detail["site_url"]
    if type(environments) is not int or not 1 <= environments <= MAX_ENVIRONMENTS:
        raise _unknown(f"environments is not a whole number from 1 to {MAX_ENVIRONMENTS}")
    emulator = _HTTP.fullmatch(lambda_endpoint)
    http = _HTTP.fullmatch(site_url) if isinstance(site_url, str) and emulator else None
    is_emulated = http and emulator and http[1] == emulator[1]
    if not isinstance(site_url, str) or not (_HTTPS.fullmatch(site_url) or is_emulated):
        raise _unknown("site_url is not https:// and the name of a host")
    return WarmUp(environments, site_url)


def _remaining_seconds(context: object) -> float:
    """Return how long a step may take: less when the function would be stopped before."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    milliseconds = remaining() if callable(remaining) else _MAX_SECONDS * 2e3
    return max(0.1, min(_MAX_SECONDS, milliseconds / 1e3 - _SPARE_SECONDS))


def _unknown(what: str) -> UnknownEventError:
    return UnknownEventError(
        f"this is not the schedule's event: {what}; send what Terraform's schedule.tf sends"
    )
