import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ship.config import Run
from ship.environments import infrastructure, previews
from ship.environments.previews import Preview
from ship.errors import ShipError
from ship.output import Progress
from ship.state.environment_state import EnvironmentState, Operation, Owner
from tests.ship.environments.factories import COMMIT, RELEASE, SILENT, client_error
from tests.workflows.fake_github import GitHub

NOW = datetime.now(UTC)
PULL: dict[str, Any] = {
    "state": "open",
    "labels": [{"name": "bug"}, {"name": "preview"}],
    "head": {"sha": COMMIT, "repo": {"full_name": "o/r"}},
}
CLOSED, UNLABELLED = PULL | {"state": "closed"}, PULL | {"labels": [{"name": "bug"}]}
STATE = "stack/pr-7/pr-7/terraform.tfstate"
LOCK = f"{STATE}.tflock"
SETTING = {
    "Name": "/shop/pr-7/TOKEN",
    "Type": "SecureString",
    "Version": 1,
    "LastModifiedDate": NOW,
    "LastModifiedUser": "",
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that a push to pull request 7 started."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": COMMIT}}}))
    api = "http://127.0.0.1:9"
    return Run("ann", "github:o/r:1:1", "", True, "o/r", "", api, str(event))


def with_head(**values: Any) -> dict[str, Any]:
    return PULL | {"head": PULL["head"] | values}


def fake_github(pull: dict[str, Any] | None, *numbers: int) -> GitHub:
    """GitHub with a pull request 7, and others like it."""
    github = GitHub("o/r", "repo:o/r")
    if pull:
        github.pulls = dict.fromkeys((7, *numbers), pull)
    return github


def test_the_newest_push_of_a_labelled_pull_request_is_wanted(run: Run) -> None:
    previews.check_wanted(run, "pr-7", fake_github(PULL))


@pytest.mark.parametrize(
    ("pull", "why"),
    [
        (None, "no such pull request"),
        (CLOSED, "is closed"),
        (UNLABELLED, "no label"),
        (with_head(repo={"full_name": "other/r"}), "another repository"),
        (with_head(repo=None), "another repository"),
        (with_head(sha="f" * 40), "not its pull request's newest push"),
    ],
    ids=["unknown", "closed", "unlabelled", "fork", "deleted fork", "older push"],
)
def test_an_unwanted_preview_is_refused(run: Run, pull: dict[str, Any] | None, why: str) -> None:
    """Also when the run of a closed one is run again: a destroyed preview stays destroyed."""
    with pytest.raises(ShipError, match=why):
        previews.check_wanted(run, "pr-7", fake_github(pull))


def test_a_run_deploys_its_own_pull_requests_preview_only(run: Run) -> None:
    for other, name in ((run, "pr-8"), (replace(run, event_file=""), "pr-7")):
        with pytest.raises(ShipError, match=f"does not belong to {name}'s pull request"):
            previews.check_wanted(other, name, fake_github(PULL))


def test_a_permanent_environment_and_a_person_are_not_checked(run: Run) -> None:
    previews.check_wanted(run, "dev", fake_github(None))
    previews.check_wanted(replace(run, on_github=False), "pr-7", fake_github(None))


@dataclass
class FakeAccount:
    """An account behind the calls of boto3 and Terraform; it is the context, too."""

    run: Run
    objects: dict[str, tuple[datetime, bytes]] = field(default_factory=dict)
    left: str = ""
    state: EnvironmentState = field(default_factory=EnvironmentState)
    destroyed: list[str] = field(default_factory=list)
    has_setting: bool = True

    account = SimpleNamespace(account_id="1")
    project = SimpleNamespace(name="shop", repository="o/r", preview_days=7.0)
    state_bucket, progress, is_emulator = "states", SILENT, False
    artifact_bucket = staticmethod("shop-{}-artifacts-1".format)

    @property
    def settings(self) -> Any:
        return SimpleNamespace(run=self.run)

    def clients(self, environment: str) -> Any:
        return SimpleNamespace(client=lambda _: self)

    def store(self, *_: object) -> Any:
        return SimpleNamespace(read_state=lambda: (self.state, ""))

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        key = Key if Bucket == "states" else Bucket
        if key not in self.objects:
            raise client_error("404")
        return {"LastModified": self.objects[key][0]}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        if Key not in self.objects:
            raise client_error("NoSuchKey")
        return {"Body": BytesIO(self.objects[Key][1]), "ETag": "of what was read"}

    def delete_object(self, Bucket: str, Key: str, IfMatch: str = "") -> None:  # noqa: N803
        assert IfMatch == "of what was read"
        del self.objects[Key]

    def get_paginator(self, operation: str) -> Any:
        if operation != "list_objects_v2":  # Of `ship settings`, which the environment has.
            found = [{"Parameters": [SETTING] if self.has_setting else []}]
            return SimpleNamespace(paginate=lambda **_: found)
        contents = [{"Key": key, "LastModified": at} for key, (at, _) in self.objects.items()]
        return SimpleNamespace(paginate=lambda **_: [{"Contents": contents}])

    def delete_parameter(self, Name: str) -> None:  # noqa: N803 - boto3's
        assert Name == f"/shop/{self.destroyed[-1]}/TOKEN", "Terraform's turn comes first"
        self.has_setting = False

    def _look(self, name: str, code: str) -> dict[str, Any]:
        if name != self.left:
            raise client_error(code)
        return {}

    def get_function_configuration(self, FunctionName: str) -> Any:  # noqa: N803 - boto3's
        return self._look(f"function {FunctionName}", "ResourceNotFoundException")

    def get_role(self, RoleName: str) -> Any:  # noqa: N803 - boto3's
        return self._look(f"role {RoleName}", "NoSuchEntity")

    def head_bucket(self, Bucket: str) -> Any:  # noqa: N803 - boto3's
        return self._look(f"bucket {Bucket}", "404")


@pytest.fixture
def context(run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    def destroy(account: FakeAccount, environment: str) -> None:
        account.destroyed.append(environment)

    monkeypatch.setattr(infrastructure, "destroy", destroy)
    return FakeAccount(run)


def exist(monkeypatch: pytest.MonkeyPatch, **days: float) -> None:
    found = [Preview(name.replace("_", "-"), NOW - timedelta(days=d)) for name, d in days.items()]
    monkeypatch.setattr(previews, "list_previews", lambda _: found)


@pytest.mark.parametrize(
    ("pull", "age", "why"),
    [
        (PULL, 6.99, ""),
        (CLOSED, 0.1, "its pull request is closed"),
        (UNLABELLED, 0.1, "its pull request has no label `preview`"),
        (None, 0.1, "there is no such pull request"),
        (PULL, 7.01, "nothing was pushed for 7 days"),
    ],
)
def test_an_unwanted_or_old_preview_is_stale(
    context: Any, monkeypatch: pytest.MonkeyPatch, pull: dict[str, Any] | None, age: float, why: str
) -> None:
    exist(monkeypatch, pr_7=age)

    found = previews.stale_previews(context, fake_github(pull), NOW)

    assert [(one.environment, one.why) for one in found] == ([("pr-7", why)] if why else [])


def test_no_preview_is_stale_where_the_repository_cannot_be_read(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub answers 404 for what a token may not read: every pull request would look deleted."""
    exist(monkeypatch, pr_7=0)

    with pytest.raises(ShipError, match="may not be read"):
        previews.stale_previews(context, GitHub("o/other", "repo:o/other"), NOW)


@pytest.mark.parametrize(
    ("deployed", "destroyed", "text"),
    [
        ("success", "skipped", f"### pr-7: `{RELEASE}`"),
        ("success", "", "[Site](https://x) · [Version](https://x/-/version)"),
        ("failure", "skipped", "the last push is not live"),
        ("skipped", "skipped", "the last push is not live"),
        ("cancelled", "", "the last push is not live"),
        ("skipped", "success", "### pr-7 is gone"),
        ("skipped", "failure", "could not be destroyed"),
        ("skipped", "cancelled", "could not be destroyed"),
    ],
)
def test_the_comment_says_how_the_run_ended(deployed: str, destroyed: str, text: str) -> None:
    run = deployed, destroyed, RELEASE, "https://x", "https://run"

    assert text in previews.render_comment("pr-7", *run)


def test_what_the_application_keeps_in_parameter_store_goes_with_it(context: Any) -> None:
    previews.destroy(context, "pr-7")

    assert (context.destroyed, context.has_setting) == (["pr-7"], False)


@pytest.mark.parametrize(("resources", "stays"), [([], False), ([{"type": "aws_kms_key"}], True)])
def test_a_state_is_deleted_only_without_resources(
    context: Any, resources: list[Any], stays: bool
) -> None:
    context.objects = {STATE: (NOW, json.dumps({"resources": resources}).encode())}

    previews.destroy(context, "pr-7")

    assert (STATE in context.objects) == stays


@pytest.mark.parametrize(
    "left",
    [
        "function shop-pr-7",
        "role shop-pr-7-function",
        "bucket shop-pr-7-artifacts-1",
        "bucket shop-pr-7-site-1",
    ],
)
def test_what_terraform_does_not_know_is_reported(context: Any, left: str) -> None:
    context.left = left

    with pytest.raises(ShipError, match=left):
        previews.destroy(context, "pr-7")


def test_nothing_is_destroyed_while_a_run_is_at_work_there(context: Any) -> None:
    owner = Owner("ann", "github:o/r:2:1")
    operation = Operation("1", "deploy", RELEASE, None, "1", owner, "")
    context.state = EnvironmentState(operation=operation)

    with pytest.raises(ShipError, match="is locked by deploy"):
        previews.destroy(context, "pr-7")
    assert context.destroyed == []


def test_one_that_cannot_be_destroyed_does_not_stop_the_others(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    github = fake_github(CLOSED, 8)
    exist(monkeypatch, pr_7=0, pr_8=0)
    context.left = "function shop-pr-7"

    found = previews.clean_up(context, github)

    assert [(one.environment, bool(one.error)) for one in found] == [
        ("pr-7", True),
        ("pr-8", False),
    ]
    assert [one["body"].splitlines()[1] for one in github.comments] == ["### pr-8 is gone"]


def test_a_preview_of_no_pull_request_is_destroyed_without_a_comment(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    github = fake_github(None)
    exist(monkeypatch, pr_7=0)

    (found,) = previews.clean_up(context, github)

    assert (found.environment, found.error) == ("pr-7", "")
    assert context.destroyed == ["pr-7"]


def test_none_is_begun_that_the_job_may_not_see_the_end_of(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    exist(monkeypatch, pr_7=0, pr_8=0, pr_9=0)
    elapsed = iter([0.0, 899.0, 901.0])
    progress = Progress(plain=True, quiet=True)
    monkeypatch.setattr(progress, "elapsed", lambda: next(elapsed))
    context.progress = progress

    def api(method: str, path: str, body: Any) -> Any:
        return {} if path == "repos/o/r" or method != "GET" else [] if "/issues/" in path else None

    assert [one.environment for one in previews.clean_up(context, api)] == ["pr-7", "pr-8"]
    assert context.destroyed == ["pr-7", "pr-8"]


def test_a_half_made_preview_is_as_old_as_its_state_or_its_lock(context: Any) -> None:
    """Keys that only look like a preview's do not count."""
    old, new = (NOW - timedelta(days=9), b""), (NOW, b"")
    context.objects = {
        STATE: old,
        LOCK: new,
        "stack/pr-8/pr-8/terraform.tfstate": old,
        "shop-pr-8-artifacts-1": new,
        "stack/pr-9/pr-8/terraform.tfstate": new,
        "stack/pr-9/pr-9/terraform.tfstate.backup": new,
        "stack/pr-x/pr-x/terraform.tfstate": new,
        "stack/pr-0/pr-0/terraform.tfstate": new,
    }

    assert previews.list_previews(context) == [Preview("pr-7", NOW), Preview("pr-8", NOW)]
