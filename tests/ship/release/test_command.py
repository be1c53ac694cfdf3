"""A command before traffic, and commands that a person gives."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from ship.errors import RolledBackError, ShipError
from tests.ship.release.test_engine import AT_ONCE, Environment
from tests.ship.release.test_engine import qa as qa

COMMAND = "run flask db upgrade"


def test_a_command_runs_once_and_before_traffic_of_a_deploy_only(qa: Environment) -> None:
    first = qa.deploy(1, command="0")
    second = qa.deploy(2, command="0")

    calls = [call for call in qa.aws.calls if call in (COMMAND, "update_alias")]
    assert calls == [COMMAND, "update_alias"] * 2
    assert qa.events() == ["deploy started", "before traffic", "live"] * 2
    reasons = [(one.release, one.reason) for one in qa.store.history(100) if one.event[0] == "b"]
    assert reasons == [(one, "`flask db upgrade`: status 0") for one in (second, first)]

    outcome = qa.engine().rollback(None, "slow")
    qa.engine().restart(AT_ONCE, "settings")
    assert qa.aws.calls.count(COMMAND) == 2
    assert outcome.kept == (f"`flask db upgrade` of {second}",)


def test_a_rollback_names_also_what_a_failed_release_has_run(qa: Environment) -> None:
    qa.deploy(1, command="0")
    qa.deploy(2)
    third = qa.build(3, command="0", smoke="broken")
    with pytest.raises(RolledBackError) as failed:
        qa.engine().deploy(third, AT_ONCE, "")
    assert "what `flask db upgrade` has changed stays" in failed.value.hint

    outcome = qa.engine().rollback(None, "slow")
    assert outcome.kept == (f"`flask db upgrade` of {third.manifest.release}",)


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("1", "`flask db upgrade` ended with status 1: column added; index made"),
        ("time is over", "`flask db upgrade` was stopped, because the function has 10 s"),
        ("crash", "`flask db upgrade` did not run to its end: version 3 failed: Runtime.ExitError"),
    ],
)
def test_a_command_that_fails_changes_nothing_for_users_and_may_run_again(
    qa: Environment, monkeypatch: pytest.MonkeyPatch, behaviour: str, said: str
) -> None:
    first, waits = qa.deploy(1), list[float]()
    monkeypatch.setattr("time.sleep", waits.append)
    before = qa.aws.calls.count("update_alias")

    with pytest.raises(RolledBackError) as failed:
        qa.deploy(2, command=behaviour)

    assert said in str(failed.value)
    assert "what `flask db upgrade` has changed stays" in failed.value.hint
    assert qa.aws.calls.count("update_alias") == before
    assert qa.check_consistent() == first
    assert qa.engine().state.bad == {}, "the same release may be deployed again"
    assert qa.deploy(3, command="0") == qa.check_consistent()
    assert waits == [], "it is known to have ended"


def test_the_next_deploy_waits_for_the_command_of_one_that_died(
    qa: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, waits = qa.deploy(1), list[float]()
    monkeypatch.setattr("time.sleep", waits.append)

    assert qa.dies(10_000, partial(qa.deploy, 2, command="client dies"))
    qa.engine().repair()
    assert qa.check_consistent() == first
    assert waits == [], "what runs no command does not wait"

    assert qa.deploy(3, command="0") == qa.check_consistent()
    (waited,) = waits
    assert qa.aws.function.timeout < waited <= qa.aws.function.timeout + 30


def test_a_command_of_a_person_runs_in_the_live_release_or_in_another(qa: Environment) -> None:
    first, second = qa.deploy(1, command="0"), qa.build(2, command="7")

    assert qa.engine().run(None, None, ["flask", "routes"]).status == 0
    ended = qa.engine().run(second.manifest.release, second, ["flask", "routes"])

    assert (ended.status, ended.output) == (7, b"column added\nindex made\n")
    assert qa.check_consistent() == first
    assert qa.events()[-2:] == ["preparation started", "prepared"]
    versions = set(qa.aws.function.versions)
    assert qa.engine().run(second.manifest.release, None, ["flask"]).status == 7
    assert set(qa.aws.function.versions) == versions


def test_a_release_that_is_nowhere_is_named(qa: Environment, tmp_path: Path) -> None:
    with pytest.raises(ShipError, match="nothing is live in qa"):
        qa.engine().run(None, None, ["flask"])
    qa.deploy(1, command="0")
    with pytest.raises(ShipError, match="20200101-1-0000000 is not in qa's bucket"):
        qa.engine().run("20200101-1-0000000", None, ["flask"])
