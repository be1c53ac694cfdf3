"""Deploys, rollbacks and what they leave when something fails or the run dies."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ship.build.builder import Build
from ship.build.manifest import Manifest, describe
from ship.config import Run, Shift
from ship.errors import CheckFailedError, InconsistentStateError, RolledBackError, ShipError
from ship.output import Progress
from ship.release import engine as engines
from ship.release.engine import Engine
from ship.release.smoke import ReleaseChecks
from ship.state import Store
from tests.ship.release import fakes
from tests.ship.release.fakes import Aws, KilledError

AT_ONCE = Shift((), 0)
PERSON = Run("ann", "", "", False, "", "", "")
PUSH = Run("bot", "", "", True, "push", "", "")


class Environment:
    """The environment `qa` of an account in memory, and the commands that a person gives there."""

    def __init__(self, folder: Path) -> None:
        self.aws, self.folder = Aws(), folder
        texts = ("function_name", "log_group", "api_id", "api_url", "site_url", "distribution_id")
        stack: dict[str, object] = dict.fromkeys(texts, "x")
        stack |= {"contract": 1, "environment": "qa", "alias": fakes.ALIAS, "alarms": []}
        stack |= {"site_bucket": "site", "artifact_bucket": "artifacts"}
        stack |= {"settings_key": "alias/aws/ssm", "site_headers": {}, "alert_topic": None}
        self.aws.s3.objects["artifacts/stack.json"] = json.dumps(stack).encode()

    @property
    def store(self) -> Store:
        return Store(self.aws.s3, "artifacts", "qa")

    def engine(self, run: Run = PERSON) -> Engine:
        """The engine of a new command."""
        progress = Progress(plain=True, quiet=True)
        checks, locks = ReleaseChecks(("/api/*",)), self.folder / "locks"
        return Engine(self.aws, self.store, run, locks, progress, checks)  # type: ignore[arg-type]

    def build(self, number: int, **behaviour: str) -> Build:
        """A build of the commit of this number."""
        release = f"20261125-{number}-{number:07}"
        files = {
            "backend.zip": fakes.pack({"release": release, **behaviour}),
            "web/index.html": f"page of {release}".encode(),
            f"web/only-{number}/index.html": b"a page of this release only",
            "web/-/site.json": fakes.dump({"release": release}),
            "web/assets/same.0.css": b"the same in each",
            f"web/assets/own.{number}.css": release.encode(),
        }
        for name, data in files.items():
            path = self.folder / release / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        described = {
            name: replace(describe(data), immutable=name.endswith(".css"))
            for name, data in files.items()
        }
        command = "flask db upgrade" if "command" in behaviour else ""
        manifest = Manifest(release, f"{number:040}", number, "3.13", (1, 1), described, command)
        return Build(self.folder / release, manifest)

    def deploy(self, number: int, **behaviour: str) -> str:
        return self.engine().deploy(self.build(number, **behaviour), AT_ONCE, "because").release

    def rollback(self) -> str:
        return self.engine().rollback(None, "slow").release

    def dies(self, after: int, action: Callable[..., object], *arguments: object) -> bool:
        """Whether the action dies when nothing happens any more after so many calls."""
        self.aws.killed_after = len(self.aws.calls) + after
        try:
            action(*arguments)
        except (KilledError, InconsistentStateError):
            return True
        finally:
            self.aws.killed_after = None
        return False

    def events(self) -> list[str]:
        return [entry.event for entry in reversed(self.store.history(100))]

    def check_consistent(self) -> str | None:
        """Nobody is at work, and code, pages and state are those of one release: the live one."""
        state, site = self.engine().state, self.aws.s3.keys("site")
        version = self.aws.function.alias["FunctionVersion"]
        pages = {key for key in site if not key.startswith("assets/")}
        assert state.operation is None
        if state.live is None:
            assert (version, pages) == ("1", set())
            return None
        number = state.live.split("-")[1]
        assert version == state.releases[state.live].version
        # A folder with a page is also an object of its own name.
        folder = f"only-{number}"
        assert pages == {"index.html", "-/site.json", folder, f"{folder}/index.html"}
        assert {"assets/same.0.css", f"assets/own.{number}.css"} <= site
        fakes.smoke(self.aws, state.live)
        return state.live


@pytest.fixture
def qa(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Environment:
    made = Environment(tmp_path)
    monkeypatch.setattr(
        engines,
        "smoke",
        lambda stack, expected, *_: fakes.smoke(made.aws, expected.manifest.release),
    )
    return made


def test_a_deploy_makes_code_and_pages_live_and_says_so_in_the_history(qa: Environment) -> None:
    first = qa.deploy(1)
    outcome = qa.engine().deploy(qa.build(2), AT_ONCE, "because")

    assert qa.check_consistent() == outcome.release
    assert (outcome.previous, outcome.function_version) == (first, "3")
    assert list(outcome.steps) == [
        *("preflight", "publish", "version", "distribution", "pre-traffic check", "shift"),
        *("publish pages", "smoke", "prune", "record"),
    ]
    assert qa.events() == ["deploy started", "live"] * 2
    pages = [call for call in qa.aws.calls if call.startswith("put_object site/")]
    assert pages[-1] == "put_object site/-/site.json", "the site says its release last"


def test_the_configuration_goes_live_and_back_with_its_release(qa: Environment) -> None:
    qa.deploy(1)
    qa.aws.function.memory = 1024

    deployed = qa.engine().deploy(qa.build(2), AT_ONCE, "because")
    back = qa.engine().rollback(None, "slow")
    restarted = qa.engine().restart(AT_ONCE, "again")

    found = [one.configuration for one in (deployed, back, restarted)]
    assert found == ["memory 512 → 1024 MB", "memory 1024 → 512 MB", "memory 512 → 1024 MB"]
    ends = [entry for entry in qa.store.history(100) if not entry.event.endswith(" started")]
    assert [entry.configuration for entry in reversed(ends)] == ["", *found]


def test_a_distribution_that_is_not_everywhere_keeps_the_pages_back_and_blames_nobody(
    qa: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = qa.deploy(1)

    def wait(*_: object) -> None:
        assert json.loads(qa.aws.s3.objects["site/-/site.json"])["release"] == first
        raise ShipError("not everywhere", "later")

    monkeypatch.setattr(engines, "wait_until_deployed", wait)
    with pytest.raises(RolledBackError, match="not everywhere"):
        qa.deploy(2)

    assert qa.check_consistent() == first
    assert qa.engine().state.bad == {}


def test_alarms_are_watched_when_all_traffic_has_moved(
    qa: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    class Watch:
        def __init__(self, *given: object) -> None:
            seen.append(given[-2:])

        def watch_share(self, seconds: float) -> str:
            seen.append((seconds, qa.aws.function.alias["FunctionVersion"]))
            return "good"

        def watch_alarms(self, seconds: float) -> None:
            seen.append((seconds, qa.aws.function.alias["FunctionVersion"]))
            if qa.aws.failing.get("alarm"):
                raise CheckFailedError("alarms fired")

    monkeypatch.setattr(engines, "Canary", Watch)
    shift = Shift((10, 50), 1, 180)
    first = qa.engine().deploy(qa.build(1), shift, "the first has nothing beside it").release
    assert seen == []

    second = qa.engine().deploy(qa.build(2), shift, "because").release
    assert seen == [("2", "3"), (1, "2"), (1, "2"), (180, "3")]

    qa.aws.failing["alarm"] = "fires"
    with pytest.raises(RolledBackError, match="alarms fired"):
        qa.engine().deploy(qa.build(3), Shift((), 0, 180), "because")
    assert qa.check_consistent() == second
    qa.engine().rollback(first, "slow")
    assert qa.check_consistent() == first


def test_the_same_release_can_be_deployed_again(qa: Environment) -> None:
    assert qa.deploy(1) == qa.deploy(1) == qa.check_consistent()


def test_a_restart_is_a_new_version_of_what_is_live_and_lifts_no_freeze(qa: Environment) -> None:
    release = qa.deploy(1)
    qa.engine().freeze("holidays")

    outcome = qa.engine().restart(AT_ONCE, "new key")

    assert (outcome.release, outcome.function_version) == (release, "3")
    assert qa.check_consistent() == release
    assert set(qa.aws.function.versions) == {"3"}
    assert qa.engine().state.frozen is not None
    assert qa.events()[-2:] == ["restart started", "restarted"]


def test_a_restart_that_fails_its_check_keeps_what_runs_and_marks_nothing_bad(
    qa: Environment,
) -> None:
    release = qa.deploy(1)
    qa.aws.failing["smoke"] = release

    with pytest.raises(RolledBackError, match=f"restart of {release} failed"):
        qa.engine().restart(AT_ONCE, "bad key")

    qa.aws.failing.clear()
    assert qa.aws.function.alias["FunctionVersion"] == "2"
    assert qa.check_consistent() == release
    assert qa.engine().state.bad == {}


def test_without_a_live_release_there_is_nothing_to_restart(qa: Environment) -> None:
    with pytest.raises(ShipError, match="nothing is live in qa"):
        qa.engine().restart(AT_ONCE, "")


def test_a_rollback_goes_to_the_release_before_and_freezes(qa: Environment) -> None:
    first, second = qa.deploy(1), qa.deploy(2)

    outcome = qa.engine().rollback(None, "slow")

    assert qa.check_consistent() == outcome.release == first
    state = qa.engine().state
    assert state.bad == {second: "slow"}
    assert state.frozen is not None
    assert qa.events()[-2:] == ["rollback started", "rolled back"]
    with pytest.raises(ShipError, match="is frozen"):
        qa.engine(PUSH).deploy(qa.build(3), AT_ONCE, "")
    assert qa.deploy(3) == qa.check_consistent()
    assert qa.engine().state.frozen is None


def test_a_rollback_brings_back_a_version_and_an_asset_that_somebody_removed(
    qa: Environment,
) -> None:
    first = qa.deploy(1)
    qa.deploy(2)
    del qa.aws.function.versions["2"]
    del qa.aws.s3.objects["site/assets/own.1.css"]

    assert qa.engine().rollback(None, "slow").function_version == "4"
    assert qa.check_consistent() == first


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("altered page", "web/index.html .* is not what was built"),
        ("missing page", "does not hold web/index.html"),
        ("altered manifest", "the manifest of .* is not the one that was live"),
        ("other code", "function version 2 is not the code of"),
        ("other contract", "needs a stack of contract"),
    ],
)
def test_a_rollback_to_a_release_that_is_not_as_it_was_changes_nothing(
    qa: Environment, what: str, said: str
) -> None:
    first, second = qa.deploy(1), qa.deploy(2)
    objects, stored = qa.aws.s3.objects, f"artifacts/releases/{first}"
    match what:
        case "altered page":
            objects[f"{stored}/web/index.html"] = b"altered"
        case "missing page":
            del objects[f"{stored}/web/index.html"]
        case "altered manifest":
            manifest = objects[f"{stored}/manifest.json"]
            objects[f"{stored}/manifest.json"] = manifest.replace(b'commit": "0', b'commit": "1')
        case "other code":
            qa.aws.function.versions["2"] = fakes.pack({})
        case "other contract":
            stack = objects["artifacts/stack.json"]
            objects["artifacts/stack.json"] = stack.replace(b'contract": 1', b'contract": 2')

    with pytest.raises(ShipError, match=said):
        qa.rollback()

    assert qa.check_consistent() == second
    assert "rollback started" not in qa.events()


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ({"crash": "No module named 'x'"}, r"No module named 'x' \(File \"/var/task/wsgi.py\", l"),
        ({"smoke": "a page is missing"}, "a page is missing"),
    ],
)
def test_a_release_that_fails_a_check_is_reverted_and_bad(
    qa: Environment, behaviour: dict[str, str], said: str
) -> None:
    first = qa.deploy(1)

    with pytest.raises(RolledBackError, match=said) as raised:
        qa.deploy(2, **behaviour)

    assert first in raised.value.hint
    assert qa.check_consistent() == first
    assert list(qa.engine().state.bad) == ["20261125-2-0000002"]
    assert qa.events()[-2:] == ["deploy started", "reverted"]
    with pytest.raises(ShipError, match="is marked bad"):
        qa.deploy(2, **behaviour)


def test_a_first_release_that_fails_leaves_nothing(qa: Environment) -> None:
    with pytest.raises(RolledBackError):
        qa.deploy(1, smoke="fails")

    assert qa.check_consistent() is None
    with pytest.raises(ShipError, match="nothing is live in qa"):
        qa.engine().check()


def test_a_release_is_not_bad_because_aws_failed(qa: Environment) -> None:
    first = qa.deploy(1)
    qa.aws.failing = {"put_object site/only-2/index.html": "InternalError"}

    with pytest.raises(RolledBackError, match="InternalError"):
        qa.deploy(2)

    assert qa.check_consistent() == first
    assert qa.engine().state.bad == {}
    qa.aws.failing = {}
    assert qa.deploy(2) == qa.check_consistent()


def test_what_fails_before_users_could_see_it_changes_nothing(qa: Environment) -> None:
    first = qa.deploy(1)
    qa.aws.failing = {"update_function_code": "ServiceException"}

    with pytest.raises(ShipError, match="Lambda refuses the code") as raised:
        qa.deploy(2)

    assert raised.value.status == 1
    assert qa.check_consistent() == first
    assert qa.events()[-2:] == ["deploy started", "deploy failed"]


def rename_asset(made: Build, number: int, data: bytes) -> Build:
    """The build with other content below the name of another build's asset."""
    key = f"web/assets/own.{number}.css"
    (made.folder / key).write_bytes(data)
    files = made.manifest.files | {key: replace(describe(data), immutable=True)}
    return Build(made.folder, replace(made.manifest, files=files))


def test_an_asset_with_other_content_under_a_name_that_browsers_keep_is_refused(
    qa: Environment,
) -> None:
    first = qa.deploy(1)
    changed = rename_asset(qa.build(2), 1, b"other")

    with pytest.raises(ShipError, match=rf"own\.1\.css is another file in release {first}"):
        qa.engine().deploy(changed, AT_ONCE, "")

    assert qa.check_consistent() == first
    assert qa.aws.s3.objects["site/assets/own.1.css"] == first.encode()


def test_what_a_failed_release_left_under_a_name_is_replaced(qa: Environment) -> None:
    qa.deploy(1)
    with pytest.raises(RolledBackError):
        qa.deploy(2, smoke="down")
    assert "site/assets/own.2.css" in qa.aws.s3.objects

    qa.engine().deploy(rename_asset(qa.build(3), 2, b"other"), AT_ONCE, "")

    assert qa.aws.s3.objects["site/assets/own.2.css"] == b"other"


def test_when_reverting_fails_too_a_repair_finishes_it(qa: Environment) -> None:
    first = qa.deploy(1)
    qa.aws.failing = {"put_object site/index.html": "InternalError"}

    with pytest.raises(InconsistentStateError) as raised:
        qa.deploy(2)

    assert "ship repair qa" in raised.value.hint
    qa.aws.failing = {}
    assert qa.engine().repair()
    assert qa.check_consistent() == first
    assert not qa.engine().repair()


def test_whatever_call_a_deploy_dies_at_the_next_command_repairs_it(qa: Environment) -> None:
    """Nothing that would clean up runs either."""
    live, number = qa.deploy(1), 2
    while qa.dies(number - 2, qa.deploy, number):
        qa.engine().repair()
        new = f"20261125-{number}-{number:07}"
        assert qa.check_consistent() in (live, new)
        live, number = str(qa.engine().state.live), number + 1
    assert number > 30
    assert qa.check_consistent() != live


@pytest.mark.parametrize("is_removed", [False, True])
def test_whatever_call_a_rollback_dies_at_the_next_command_finishes_it(
    qa: Environment, is_removed: bool
) -> None:
    number, is_dead = 0, True
    while is_dead:
        older, newer = qa.deploy(2 * number + 1), qa.deploy(2 * number + 2)
        if is_removed:
            del qa.aws.function.versions[qa.engine().state.releases[older].version]
        is_dead = qa.dies(number, qa.rollback)
        has_begun = qa.aws.s3.objects["artifacts/state.json"].find(b'"operation": null') < 0
        qa.engine().repair()
        assert qa.check_consistent() == (older if has_begun or not is_dead else newer)
        number += 1
    assert number > 20


def test_a_rollback_that_fails_a_check_and_then_dies_is_reverted(qa: Environment) -> None:
    older, newer = qa.deploy(1), qa.deploy(2)
    qa.aws.failing = {"smoke": older, "put_object site/only-2/index.html": "InternalError"}

    with pytest.raises(InconsistentStateError):
        qa.rollback()

    qa.aws.failing = {}
    qa.engine().repair()
    assert qa.check_consistent() == newer


def test_a_push_is_refused_when_the_repair_before_it_finishes_a_rollback(qa: Environment) -> None:
    older, _ = qa.deploy(1), qa.deploy(2)
    assert qa.dies(20, qa.rollback)

    with pytest.raises(ShipError, match="qa is frozen"):
        qa.engine(PUSH).deploy(qa.build(3), AT_ONCE, "")

    assert qa.check_consistent() == older


def test_the_same_deploy_goes_through_after_its_run_died(qa: Environment) -> None:
    qa.deploy(1)
    assert qa.dies(20, qa.deploy, 2)

    assert qa.deploy(2) == qa.check_consistent()
    assert qa.events()[-4:] == ["deploy started", "repaired", "deploy started", "live"]


def test_what_fails_after_a_rollback_died_goes_back_to_where_that_went(qa: Environment) -> None:
    older, _ = qa.deploy(1), qa.deploy(2)
    assert qa.dies(20, qa.rollback)

    with pytest.raises(RolledBackError):
        qa.deploy(3, crash="no database")

    assert qa.check_consistent() == older


def test_a_deploy_publishes_its_own_code_after_somebody_else_did(qa: Environment) -> None:
    qa.deploy(1)
    qa.aws.function.latest = qa.aws.function.versions["3"] = fakes.pack({"release": "another"})

    assert qa.deploy(2) == qa.check_consistent()


def test_old_releases_are_pruned_and_pinned_ones_are_not(qa: Environment) -> None:
    pinned = qa.deploy(1)
    qa.engine().change("pinned", pinned, "", lambda state: replace(state, pinned=(pinned,)))
    releases = [qa.deploy(number) for number in range(2, 9)]

    retained = {pinned, *releases[-5:]}
    assert qa.store.releases() == retained
    assert qa.engine().state.releases.keys() == retained
    assert len(qa.aws.function.versions) == len(retained)
    numbers = {release.split("-")[1] for release in retained}
    assert {key for key in qa.aws.s3.keys("site") if key.startswith("assets/own")} == {
        f"assets/own.{number}.css" for number in numbers
    }
    assert qa.engine().rollback(pinned, "far back").release == pinned
    assert qa.check_consistent() == pinned


def test_a_deploy_does_not_fail_because_pruning_does(qa: Environment) -> None:
    for number in range(1, 7):
        qa.deploy(number)
    qa.aws.failing = {"delete_function": "TooManyRequestsException"}

    assert qa.deploy(7) == qa.check_consistent()


def test_what_another_run_changed_meanwhile_is_not_overwritten(qa: Environment) -> None:
    qa.deploy(1)
    slow = qa.engine()
    second = qa.deploy(2)

    with pytest.raises(ShipError, match="another command works on qa"):
        slow.deploy(qa.build(3), AT_ONCE, "")

    assert qa.check_consistent() == second


def test_a_run_that_is_at_work_keeps_its_lock_until_a_person_takes_it(qa: Environment) -> None:
    first = qa.deploy(1)
    assert qa.dies(20, qa.deploy, 2)
    state = qa.aws.s3.objects["artifacts/state.json"]
    elsewhere = re.sub(rb'"run": "[^"]*"', b'"run": "local:elsewhere:x"', state)
    qa.aws.s3.objects["artifacts/state.json"] = elsewhere

    with pytest.raises(ShipError, match=r"qa is locked by deploy of .*") as raised:
        qa.deploy(3)
    assert "ship unlock qa --run local:elsewhere:x" in raised.value.hint
    with pytest.raises(ShipError, match="held by local:elsewhere:x, not by another"):
        qa.engine().repair("another")

    assert qa.engine().repair("local:elsewhere:x")
    assert qa.check_consistent() == first


def test_a_freeze_is_written_down_and_what_is_live_can_be_checked(qa: Environment) -> None:
    live = qa.deploy(1)

    state = qa.engine().freeze("holidays")

    assert state.frozen is not None
    assert state.frozen.reason == "holidays"
    assert state.live == qa.check_consistent() == live
    assert qa.events()[-1] == "frozen"
    assert qa.engine().check() >= 0


def test_a_stack_of_another_contract_is_refused(qa: Environment) -> None:
    made = qa.build(1)
    made = replace(made, manifest=replace(made.manifest, contract=(2, 3)))

    with pytest.raises(ShipError, match="needs a stack of contract 2 to 3"):
        qa.engine().deploy(made, AT_ONCE, "")

    assert qa.check_consistent() is None
