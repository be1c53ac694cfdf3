"""Conditional writes, as S3 answers them when two writers meet."""

from typing import Any

import pytest

from ship.errors import ShipError
from ship.state import EnvironmentState, Store, store
from ship.state.store import ConflictError
from tests.ship.release.fakes import Aws, error

UNDER_WAY = error("ConditionalRequestConflict")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PAUSE_SECONDS", 0.001)


class Busy:
    """A bucket that another write to the same key keeps busy for some calls."""

    def __init__(self, conflicts: int) -> None:
        self._s3, self.conflicts = Aws().s3, conflicts

    def put_object(self, **request: Any) -> Any:
        self.conflicts -= 1
        if self.conflicts >= 0:
            raise UNDER_WAY
        return self._s3.put_object(**request)

    def get_object(self, **request: Any) -> Any:
        return self._s3.get_object(**request)


def test_a_write_is_repeated_while_another_one_is_under_way() -> None:
    busy = Busy(2)

    made = Store(busy, "artifacts", "qa")
    etag = made.replace_state(EnvironmentState(counter=3), "")

    assert made.read_state() == (EnvironmentState(counter=3), etag)


def test_a_write_that_is_never_let_through_is_a_conflict() -> None:
    with pytest.raises(ConflictError):
        Store(Busy(1000), "artifacts", "qa").replace_state(EnvironmentState(), "")


def test_another_refusal_is_not_repeated() -> None:
    class Denied(Busy):
        def put_object(self, **request: Any) -> Any:
            self.conflicts += 1
            raise error("AccessDenied")

    denied = Denied(0)
    with pytest.raises(ShipError, match="AccessDenied"):
        Store(denied, "artifacts", "qa").replace_state(EnvironmentState(), "")
    assert denied.conflicts == 1
