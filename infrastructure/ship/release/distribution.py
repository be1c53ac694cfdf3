"""CloudFront's distribution: whether every edge location has it as Terraform left it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ship.aws import aws_call
from ship.errors import ShipError

if TYPE_CHECKING:
    from ship.aws import Client
    from ship.output import Progress

# CloudFront throttles those who ask often. A change takes minutes, a new distribution longer.
_STATUS_SECONDS = 10.0
_DISTRIBUTION_SECONDS = 900.0


def wait_until_deployed(cloudfront: Client, distribution: str, progress: Progress) -> None:
    """Wait until no edge location answers with older paths, headers or cache rules.

    Raises:
        ShipError: it takes too long.
    """
    deadline, has_noted = time.monotonic() + _DISTRIBUTION_SECONDS, False
    while not _is_deployed(cloudfront, distribution):
        if time.monotonic() > deadline:
            raise ShipError(
                "CloudFront has not brought the distribution to every edge location after "
                f"{_DISTRIBUTION_SECONDS:.0f} s",
                "run the command again later",
            )
        if not has_noted:
            progress.note("CloudFront brings the distribution's changes to its edge locations")
            has_noted = True
        time.sleep(_STATUS_SECONDS)


def _is_deployed(cloudfront: Client, distribution: str) -> bool:
    # The status is InProgress until all edge locations have it.
    # https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Distribution.html
    try:
        found = aws_call(
            lambda: cloudfront.get_distribution(Id=distribution),
            f"the distribution {distribution} cannot be read",
        )
    except ShipError:
        return False  # Throttled, for example: that is no answer.
    return bool(found["Distribution"]["Status"] == "Deployed")
