"""A command before traffic, and commands that a person gives."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from ship.build.builder import Build
from ship.errors import InterruptedCommandError, RolledBackError, ShipError
from ship.release.command import Ended
from ship.state import Owner, Transaction
from tests.ship.release.test_engine import AT_ONCE, PUSH, Environment
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


def run(
    qa: Environment,
    *command: str,
    release: str | None = None,
    build: Build | None = None,
    is_alone: bool = False,
) -> tuple[Ended, list[str]]:
    """Run a command as a person does; how it ended, and what was shown, part by part."""
    shown: list[bytes] = []
    ended = qa.engine().run(release, build, command, shown.append, is_alone=is_alone)
    return ended, [part.decode() for part in shown]


def test_a_command_of_a_person_runs_in_the_live_release_or_in_another(qa: Environment) -> None:
    first, second = qa.deploy(1, command="0"), qa.build(2, command="7")
    name = second.manifest.release

    assert run(qa, "flask", "routes")[0].status == 0
    ended, shown = run(qa, "flask", "routes", release=name, build=second)

    assert (ended.status, shown) == (7, ["column added\nindex made\n"])
    assert qa.check_consistent() == first
    assert qa.events()[-4:] == ["ran", "preparation started", "prepared", "ran"]
    newest = qa.store.history(1)[0]
    assert (newest.by, newest.release) == ("ann", name)
    assert newest.reason == f"`flask routes`: status 7 (request_id {qa.aws.logs.command})"
    versions = set(qa.aws.function.versions)
    assert run(qa, "flask", release=name)[0].status == 7
    assert set(qa.aws.function.versions) == versions


def test_output_is_shown_while_the_command_runs(qa: Environment) -> None:
    qa.deploy(1, command="0")
    first, second = {"offset": 0, "output": "column "}, {"offset": 7, "output": "added\n"}
    qa.aws.logs.rounds = [[], [second], [first]]

    _, shown = run(qa, "flask", "routes")

    assert shown == ["column ", "added\n", "index made\n"], "in order, each once, with the rest"


def test_what_is_no_text_comes_out_of_the_answer(qa: Environment) -> None:
    qa.deploy(1, command="0")
    qa.aws.function.output = b"a\xff\xfe"
    qa.aws.logs.rounds = [[{"offset": 0, "output": "a\ufffd\ufffd"}]]
    shown: list[bytes] = []

    qa.engine().run(None, None, ["flask"], shown.append)

    assert shown == [b"a\xff\xfe"]


def test_of_a_long_output_the_beginning_comes_out_of_the_log(
    qa: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    qa.deploy(1, command="0")
    monkeypatch.setattr("time.sleep", lambda _: None)
    logs, first = qa.aws.logs, {"offset": 0, "output": "column "}
    logs.left_out, logs.rounds = 13, [[first]]
    logs.late = [[], [{"offset": 7, "output": "added\n"}]]

    ended, shown = run(qa, "flask")

    assert ("".join(shown), ended.missing) == ("column added\nindex made\n", 0)


def test_what_is_in_no_log_is_counted(qa: Environment) -> None:
    qa.deploy(1, command="0")
    qa.aws.logs.left_out, qa.aws.failing = 13, {"filter_log_events": "AccessDeniedException"}

    ended, shown = run(qa, "flask")

    assert (shown, ended.missing, ended.status) == (["index made\n"], 13, 0)


def test_a_command_runs_beside_a_deploy_unless_it_is_to_run_alone(qa: Environment) -> None:
    live = qa.deploy(1, command="0")
    owner = Owner("bob", "local:another-machine:/lock")
    deploying = Transaction(qa.store, PUSH, "qa")
    deploying.begin("deploy", "20261125-2-0000002", owner, live, "2")

    assert run(qa, "flask", "routes")[0].status == 0
    for command, is_alone in ((("flask", "routes"), True), (("flask", "db", "upgrade"), False)):
        with pytest.raises(ShipError, match="qa is locked by deploy of 20261125-2-0000002"):
            run(qa, *command, is_alone=is_alone)
    deploying.commit(deploying.state)

    assert run(qa, "flask", "db", "downgrade", is_alone=True)[0].status == 0
    assert qa.check_consistent() == live
    assert qa.events()[-3:] == ["ran", "run started", "ran"]


def test_an_interrupted_command_is_said_to_go_on(
    qa: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    qa.deploy(1, command="0")
    second, waits = qa.build(2, command="interrupted"), list[float]()
    monkeypatch.setattr("time.sleep", waits.append)
    name = second.manifest.release

    for is_alone in (False, True):
        with pytest.raises(InterruptedCommandError) as said:
            run(qa, "flask", "reindex", release=name, build=second, is_alone=is_alone)
        assert str(said.value) == "`flask reindex` goes on in qa, for 10 s at most"
        assert said.value.status == 130
    runs = [event for event in qa.events() if event.startswith(("ran", "run"))]
    assert runs == ["ran", "run started", "ran", "run failed"]
    assert "`flask reindex`: interrupted" in qa.store.history(2)[1].reason
    assert waits == []
    qa.deploy(3, command="0")
    assert len(waits) == 1, "what was to run alone may still be running"


def test_a_dead_process_that_ran_a_command_alone_is_repaired_and_waited_for(
    qa: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, waits = qa.deploy(1, command="0"), list[float]()
    monkeypatch.setattr("time.sleep", waits.append)
    second = qa.build(2, command="client dies")

    name = second.manifest.release
    assert qa.dies(10_000, partial(run, qa, "flask", release=name, build=second, is_alone=True))
    assert qa.engine().repair()
    assert qa.check_consistent() == live

    assert run(qa, "flask", is_alone=True)[0].status == 0
    assert len(waits) == 1


def test_a_command_that_is_stopped_has_no_status_and_says_why(qa: Environment) -> None:
    qa.deploy(1, command="0")
    second = qa.build(2, command="time is over")

    ended, shown = run(qa, "flask", release=second.manifest.release, build=second)

    assert shown == ["column added\nindex made\n"]
    with pytest.raises(ShipError, match="`flask` was stopped, because the function has 10 s"):
        ended.check("flask", "qa")
    assert "`flask`: was stopped" in qa.store.history(1)[0].reason


def test_a_long_command_is_cut_in_the_history(qa: Environment) -> None:
    qa.deploy(1, command="0")
    run(qa, "python", "-c", "x" * 5000, is_alone=True)

    assert 200 <= len(qa.store.history(1)[0].reason) <= 260


def test_the_history_goes_on_behind_what_took_no_lock(qa: Environment) -> None:
    first = qa.deploy(1, command="0")
    for _ in range(3):
        run(qa, "flask")
    second = qa.deploy(2)

    found = [(one.event, one.release) for one in reversed(qa.store.history(100))]
    assert found[2:6] == [("live", first), *[("ran", first)] * 3]
    assert found[6:] == [("deploy started", second), ("live", second)]


def test_a_release_that_is_nowhere_is_named(qa: Environment, tmp_path: Path) -> None:
    with pytest.raises(ShipError, match="nothing is live in qa"):
        qa.engine().run(None, None, ["flask"], print)
    qa.deploy(1, command="0")
    with pytest.raises(ShipError, match="20200101-1-0000000 is not in qa's bucket"):
        qa.engine().run("20200101-1-0000000", None, ["flask"], print)
