"""Who holds the lock of a Terraform state, and when the next run may take it over."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ship.config import Run
from ship.environments.state_lock import StateLock
from ship.environments.terraform import TerraformKilledError
from ship.errors import ShipError
from tests.ship.release.fakes import S3, Aws

LOCK = "states/stack/{0}/{0}/terraform.tfstate.tflock"
# Nothing answers there: whether another run has ended cannot be known.
GITHUB = "http://127.0.0.1:9"


@pytest.fixture
def s3() -> S3:
    return Aws().s3


def lock(s3: S3, home: Path, attempt: int = 1, environment: str = "dev") -> StateLock:
    """The lock as an attempt of run 7 sees it."""
    run = Run("ann", f"github:o/r:7:{attempt}", "", True, "o/r", "", GITHUB)
    context: Any = SimpleNamespace(
        state_bucket="states",
        project=SimpleNamespace(home=home),
        settings=SimpleNamespace(run=run),
        clients=lambda _: SimpleNamespace(client=lambda _: s3),
    )
    return StateLock(context, environment)


def left_by(s3: S3, environment: str = "dev", info: str = "github:o/r:7:1", **age: float) -> None:
    at = (datetime.now(UTC) - timedelta(**age)).isoformat()
    made = {"ID": "1-2", "Who": "bob", "Info": info, "Created": at}
    s3.objects[LOCK.format(environment)] = json.dumps(made).encode()


def test_it_is_where_terraforms_own_would_be_while_it_is_held(s3: S3, tmp_path: Path) -> None:
    with lock(s3, tmp_path).hold() as is_taken_over:
        assert not is_taken_over
        found = json.loads(s3.objects[LOCK.format("dev")])
        assert (found["Who"], found["Info"]) == ("ann", "github:o/r:7:1")
        assert found["Path"] == "states/stack/dev/dev/terraform.tfstate"

    assert s3.objects == {}


@pytest.mark.parametrize("info", ["github:o/r:7:2", "github:o/r:6:1", ""])
def test_it_is_respected_while_its_run_may_be_at_work(s3: S3, tmp_path: Path, info: str) -> None:
    """Also the lock of a Terraform that a person has called, which names no run."""
    left_by(s3, info=info, hours=9)
    before = dict(s3.objects)

    with (
        pytest.raises(ShipError, match="is being changed") as raised,
        lock(s3, tmp_path, 2).hold(),
    ):
        pass
    assert f"`ship unlock dev --run {info or 'terraform:1-2'}`" in raised.value.hint
    assert s3.objects == before


def test_it_is_taken_over_from_an_attempt_that_has_ended(s3: S3, tmp_path: Path) -> None:
    left_by(s3)

    with lock(s3, tmp_path, 2).hold() as is_taken_over:
        assert is_taken_over
        assert b"github:o/r:7:2" in s3.objects[LOCK.format("dev")]
    assert s3.objects == {}


def test_a_person_may_take_it_from_a_run_that_nobody_can_ask_about(s3: S3, tmp_path: Path) -> None:
    left_by(s3, info="")

    with lock(s3, tmp_path).hold("terraform:1-2") as is_taken_over:
        assert is_taken_over
    assert s3.objects == {}


@pytest.mark.parametrize(
    ("environment", "hours", "is_left"),
    [("pr-7", 0.5, False), ("pr-7", 2, True), ("dev", 2, False)],
)
def test_a_previews_is_left_when_no_job_may_take_that_long(
    s3: S3, tmp_path: Path, environment: str, hours: float, is_left: bool
) -> None:
    left_by(s3, environment, "", hours=hours)
    held = lock(s3, tmp_path, environment=environment)
    holder = held.holder()

    assert holder
    assert held.is_left(holder) == is_left


@pytest.mark.parametrize(
    ("error", "was_left", "stays"),
    [
        (ShipError("refused", ""), False, False),
        # Its state lacks what Terraform made last.
        (TerraformKilledError("killed", ""), False, True),
        # What the dead run had made is not recorded yet.
        (ShipError("throttled", ""), True, True),
    ],
)
def test_it_stays_for_the_next_run_when_something_may_be_unrecorded(
    s3: S3, tmp_path: Path, error: ShipError, was_left: bool, stays: bool
) -> None:
    if was_left:
        left_by(s3)

    with pytest.raises(ShipError), lock(s3, tmp_path, 2).hold():
        raise error

    assert bool(s3.objects) == stays


def test_two_that_meet_do_not_both_get_it(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one writes between the first look and the first write."""
    put = s3.put_object

    def after_another(**request: Any) -> Any:
        left_by(s3, info="github:o/r:8:1")
        return put(**request)

    monkeypatch.setattr(s3, "put_object", after_another)

    with pytest.raises(ShipError, match="github:o/r:8:1"), lock(s3, tmp_path).hold():
        pass
