"""Pages go live after the distribution is everywhere as Terraform left it."""

from __future__ import annotations

from typing import Any

import pytest

from ship.errors import ShipError
from ship.output import Progress
from ship.release import distribution
from tests.ship.release import fakes

SILENT = Progress(plain=True, quiet=True)


class CloudFront:
    """Answers with these statuses in turn; the last one stays."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.asked = 0

    def get_distribution(self, **request: str) -> dict[str, Any]:
        assert request == {"Id": "E1"}
        self.asked += 1
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == "Throttling":
            raise fakes.error(status)
        return {"Distribution": {"Status": status}}


class Clock:
    """Time that passes only while somebody sleeps."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(distribution, "time", made)
    return made


def test_it_is_waited_for_and_a_question_that_fails_is_no_answer(clock: Clock) -> None:
    cloudfront = CloudFront("InProgress", "Throttling", "Deployed")

    distribution.wait_until_deployed(cloudfront, "E1", SILENT)

    assert (cloudfront.asked, clock.now) == (3, 20.0)


def test_one_that_is_everywhere_costs_one_question(clock: Clock) -> None:
    cloudfront = CloudFront("Deployed")

    distribution.wait_until_deployed(cloudfront, "E1", SILENT)

    assert (cloudfront.asked, clock.now) == (1, 0.0)


def test_it_is_not_waited_for_longer_than_a_quarter_of_an_hour(clock: Clock) -> None:
    with pytest.raises(ShipError, match="every edge location after 900 s"):
        distribution.wait_until_deployed(CloudFront("InProgress"), "E1", SILENT)
    assert clock.now > 900
