from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.events import warm_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from backend.edge import Edge


def test_a_warm_up_readies_the_settings_and_is_logged(
    edge: Edge, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    assert edge(warm_up(), None) == {"status": "warm", "settings": "defaults", "faults": []}

    (line,) = log_lines()
    assert line["source"] == "serverless-flask.schedule"
    assert line["status"] == 200
    assert line["cold_start"] is True


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "aws.events"},
        {"source": "serverless-plugin-warmup"},
        {"detail-type": "Scheduled Event"},
        {"detail-type": None},
        {"source": ["serverless-flask.schedule"]},
    ],
)
def test_any_other_schedule_is_refused(edge: Edge, changes: dict[str, Any]) -> None:
    answer = edge(warm_up(**changes), None)

    assert answer["statusCode"] == 400
    assert "its own schedule" in answer["body"]
