"""What EventBridge sends every few minutes: warm the environments, and check yourself.

The source is a name of our own: `aws.events` would be swallowed by serverless-wsgi, and
everything else could be anybody's. What the work needs is imported when it is asked for.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from lambda_adapter.errors import RefusalError

if TYPE_CHECKING:
    from app.api import Services

SOURCE = "serverless-flask.schedule"
WARM_UP = "warm-up"
HOLD = "hold"
MOST = 20
"""Environments that one event may ask for."""

_HOLD_SECONDS = 0.1
_MOST_SECONDS = 5.0  # For the environments to answer, and for the public address.
_SPARE_SECONDS = 0.5  # Left for the line that says how it went.
_HTTPS = re.compile(r"https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,63}")
_HTTP = re.compile(r"http://([a-z0-9.-]{1,253}):[0-9]{1,5}")


class WarmUp(NamedTuple):
    """What the schedule asks for."""

    concurrency: int
    """How many to have warm, this one among them."""
    address: str
    """Public address of the site, without a path."""


def follow(
    event: dict[str, Any], services: Services, context: object, line: dict[str, Any]
) -> dict[str, Any]:
    """Do what the event asks for, and tell it in the line. Raises RefusalError.

    What a warm-up sends on only holds: it cannot make further ones.
    """
    kind = event.get("detail-type")
    if kind == HOLD:
        line |= {"source": SOURCE, "status": 200}
        return _hold(services)
    if kind != WARM_UP:
        raise _foreign("Its detail-type is neither warm-up nor hold")
    order = read(event.get("detail"), services.settings.lambda_endpoint)
    line["source"] = SOURCE
    answer = _warm_up(order, services, context)
    line |= answer | {"status": 200 if answer["available"] else 503}
    return {"status": "warm", **answer}


def read(detail: object, endpoint: str) -> WarmUp:
    """Read the order; raise RefusalError for anything but a number of environments and an address.

    The address is https with a host's name. Plain http is for an emulator alone, on the host that
    the function's own endpoint of Lambda is on.
    """
    if not isinstance(detail, dict) or detail.keys() != {"environments", "address"}:
        raise _foreign("Its detail has not just environments and address")
    concurrency, address = detail["environments"], detail["address"]
    if type(concurrency) is not int or not 1 <= concurrency <= MOST:
        raise _foreign(f"The environments are no whole number from 1 to {MOST}")
    if not isinstance(address, str) or not _may_be_asked(address, endpoint):
        raise _foreign("The address is not https:// and the name of a host")
    return WarmUp(concurrency, address)


def _may_be_asked(address: str, endpoint: str) -> bool:
    if _HTTPS.fullmatch(address):
        return True
    http, emulator = _HTTP.fullmatch(address), _HTTP.fullmatch(endpoint)
    return bool(http and emulator and http[1] == emulator[1])


def _hold(services: Services) -> dict[str, Any]:
    """Keep this environment for a moment, so that each event sent at once needs one of its own."""
    from lambda_adapter.concurrency import identity

    services.public.current()  # At hand for the next visitor.
    time.sleep(_HOLD_SECONDS)
    return {"status": "warm", "environment": identity()}


def _warm_up(order: WarmUp, services: Services, context: object) -> dict[str, Any]:
    from lambda_adapter import concurrency, synthetic_check

    faults = list(services.public.current().faults)
    warm, fault = concurrency.warm(
        order.environments, context, services.settings, _seconds(context)
    )
    check = synthetic_check.fault(order.address, _seconds(context))
    faults += [words for words in (fault, check) if words]
    return {"environments": warm, "available": int(not check), "faults": faults}


def _seconds(context: object) -> float:
    """Return how long a step may take: less when the function would be stopped before."""
    left = getattr(context, "get_remaining_time_in_millis", None)
    milliseconds = left() if callable(left) else _MOST_SECONDS * 2e3
    return max(0.1, min(_MOST_SECONDS, milliseconds / 1e3 - _SPARE_SECONDS))


def _foreign(fault: str) -> RefusalError:
    return RefusalError(
        400, "Not the schedule's event", f"{fault}; send what Terraform's schedule.tf sends."
    )
