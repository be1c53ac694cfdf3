from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ship.cli import commands
from ship.config import Run
from ship.environments import previews
from ship.environments.previews import Came, Preview
from ship.errors import ShipError
from ship.output import Progress
from ship.state.environment_state import EnvironmentState, Operation, Owner

REPOSITORY = "o/r"
HEAD = "1a2b3c4" + "0" * 33
NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
PULL: dict[str, Any] = {
    "state": "open",
    "labels": [{"name": "bug"}, {"name": "preview"}],
    "head": {"sha": HEAD, "repo": {"full_name": REPOSITORY}},
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that a push to pull request 7 started."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": HEAD}}}))
    return Run("ann", "github:o/r:1:1", "", True, "pull_request", REPOSITORY, "", "", str(event))


def changed(**values: Any) -> dict[str, Any]:
    found = copy.deepcopy(PULL)
    for key, value in values.items():
        found["head" if key in ("sha", "repo") else key] = (
            found["head"] | {key: value} if key in ("sha", "repo") else value
        )
    return found


def hub(pull: dict[str, Any] | None, *, there: bool = True) -> Any:
    def api(method: str, path: str, body: object) -> Any:
        assert (method, body) == ("GET", None)
        return ({} if there else None) if path == "repos/o/r" else pull

    return api


def test_the_newest_push_of_a_labelled_pull_request_is_wanted(run: Run) -> None:
    previews.check_wanted(run, "pr-7", hub(PULL))


@pytest.mark.parametrize(
    ("pull", "why"),
    [
        (None, "no such pull request"),
        (changed(state="closed"), "is closed"),
        (changed(labels=[{"name": "bug"}]), "no label"),
        (changed(repo={"full_name": "stranger/r"}), "another repository"),
        (changed(repo=None), "another repository"),
        (changed(sha="f" * 40), "not its pull request's newest push"),
    ],
    ids=["unknown", "closed", "unlabelled", "fork", "deleted fork", "older push"],
)
def test_what_its_pull_request_wants_no_more_is_refused(
    run: Run, pull: dict[str, Any] | None, why: str
) -> None:
    """A closed one's too, whenever its run is run again: so a destroyed preview stays so."""
    with pytest.raises(ShipError, match=why):
        previews.check_wanted(run, "pr-7", hub(pull))


def test_a_run_deploys_its_own_pull_requests_preview_only(run: Run) -> None:
    with pytest.raises(ShipError, match="not of pr-8's pull request"):
        previews.check_wanted(run, "pr-8", hub(PULL))
    with pytest.raises(ShipError, match="not of pr-7's pull request"):
        previews.check_wanted(replace(run, event_file=""), "pr-7", hub(PULL))


def test_a_lasting_environment_and_a_person_ask_nobody(run: Run) -> None:
    previews.check_wanted(run, "dev", hub(None))
    previews.check_wanted(replace(run, on_github=False), "pr-7", hub(None))


@pytest.fixture
def context(run: Run) -> Any:
    """A context whose account is not asked for anything."""
    return SimpleNamespace(
        settings=SimpleNamespace(run=run),
        project=SimpleNamespace(repository=REPOSITORY, preview_days=7.0),
    )


def there(monkeypatch: pytest.MonkeyPatch, **days: float) -> None:
    found = [Preview(name.replace("_", "-"), NOW - timedelta(days=d)) for name, d in days.items()]
    monkeypatch.setattr(previews, "there", lambda _: found)


def test_what_is_wanted_and_new_enough_is_left_alone(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there(monkeypatch, pr_7=6.99)

    assert previews.unwanted(context, hub(PULL), NOW) == []


@pytest.mark.parametrize(
    ("pull", "age", "why"),
    [
        (changed(state="closed"), 0.1, "its pull request is closed"),
        (changed(labels=[]), 0.1, "its pull request has no label `preview`"),
        (None, 0.1, "there is no such pull request"),
        (PULL, 7.01, "nothing was pushed for 7 days"),
    ],
)
def test_a_preview_that_nobody_wants_is_found(
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
    pull: dict[str, Any] | None,
    age: float,
    why: str,
) -> None:
    there(monkeypatch, pr_7=age)

    (found,) = previews.unwanted(context, hub(pull), NOW)
    assert (found.environment, found.why) == ("pr-7", why)


def test_where_the_repository_cannot_be_seen_nothing_is_unwanted(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub answers 404 for what one may not see: every pull request would look gone."""
    there(monkeypatch, pr_7=0)

    with pytest.raises(ShipError, match="may not be seen"):
        previews.unwanted(context, hub(None, there=False), NOW)


@pytest.mark.parametrize(
    ("deployed", "destroyed", "said"),
    [
        ("success", "skipped", "### pr-7: `20261123-2-1a2b3c4`"),
        ("success", "", "[Site](https://x)"),
        ("failure", "skipped", "the last push is not live"),
        ("skipped", "skipped", "the last push is not live"),
        ("cancelled", "", "the last push is not live"),
        ("skipped", "success", "### pr-7 is gone"),
        ("skipped", "failure", "could not be destroyed"),
        ("skipped", "cancelled", "could not be destroyed"),
    ],
)
def test_a_pull_request_is_told_what_came_of_its_preview(
    deployed: str, destroyed: str, said: str
) -> None:
    came = Came("pr-7", deployed, destroyed, "20261123-2-1a2b3c4", "https://x")

    assert said in previews.told(came, "https://run")


@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_no_workflow_destroys_a_lasting_environment(context: Any, environment: str) -> None:
    with pytest.raises(ShipError, match="no workflow destroys it"):
        commands.destroy(context, environment)


@pytest.mark.parametrize("target", ["dev", "staging", "production", "pr-8"])
def test_nothing_is_promoted_from_a_preview(context: Any, target: str) -> None:
    with pytest.raises(ShipError, match="has not been merged"):
        commands.promote(context, "pr-7", target, "")


class Store:
    """A bucket of states, behind the calls of boto3 that a destroy makes."""

    def __init__(self, **objects: tuple[datetime, bytes]) -> None:
        self.kept = {KEYS[name]: value for name, value in objects.items()}

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        if Key not in self.kept:
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")
        return {"LastModified": self.kept[Key][0]}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        if Key not in self.kept:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": BytesIO(self.kept[Key][1]), "ETag": "of what was read"}

    def delete_object(self, Bucket: str, Key: str, IfMatch: str = "") -> None:  # noqa: N803
        assert IfMatch == ("" if Key.endswith(".tflock") else "of what was read")
        del self.kept[Key]


KEYS = {"state": "s/terraform.tfstate", "lock": "s/terraform.tfstate.tflock"}
AGES = {"a job that runs": (timedelta(minutes=31), True), "a dead one": (timedelta(hours=2), False)}


@pytest.mark.parametrize("owner", AGES)
def test_terraforms_lock_is_taken_from_a_run_that_cannot_be_alive(owner: str) -> None:
    age, kept = AGES[owner]
    store = Store(lock=(datetime.now(UTC) - age, b""))

    previews._break_dead_lock(store, "b", KEYS["lock"])

    assert (KEYS["lock"] in store.kept) == kept


def test_where_there_is_no_lock_nothing_is_broken() -> None:
    previews._break_dead_lock(Store(), "b", KEYS["lock"])


@pytest.mark.parametrize(("resources", "kept"), [([], False), ([{"type": "aws_kms_key"}], True)])
def test_a_state_goes_only_when_it_holds_nothing(resources: list[Any], kept: bool) -> None:
    store = Store(state=(NOW, json.dumps({"resources": resources}).encode()))

    previews._forget_state(store, "b", KEYS["state"])
    previews._forget_state(Store(), "b", KEYS["state"])

    assert (KEYS["state"] in store.kept) == kept


@pytest.mark.parametrize("there_is", ["", "function", "role", "artifacts", "site"])
def test_what_a_dead_run_made_unnoted_is_told(context: Any, there_is: str) -> None:
    def look(kind: str) -> Any:
        def call(**_: str) -> None:
            names = [kind, *_.values()]
            if not there_is or not any(there_is in name for name in names if name):
                raise ClientError({"Error": {"Code": CODES[kind]}}, "Get")

        return call

    clients = {
        "lambda": SimpleNamespace(get_function_configuration=look("function")),
        "iam": SimpleNamespace(get_role=look("role")),
        "s3": SimpleNamespace(head_bucket=look("bucket")),
    }
    context.project.name = "shop"
    context.account = SimpleNamespace(account_id="123456789012")
    context.clients = lambda _: SimpleNamespace(client=clients.__getitem__)

    if not there_is:
        previews._check_gone(context, "pr-7")
    else:
        with pytest.raises(ShipError, match=there_is):
            previews._check_gone(context, "pr-7")


CODES = {"function": "ResourceNotFoundException", "role": "NoSuchEntity", "bucket": "404"}


def test_one_that_cannot_be_destroyed_does_not_keep_the_others(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[str]()

    def destroy(_: object, environment: str) -> None:
        if environment == "pr-7":
            raise ShipError("the state is locked", "wait")

    def api(method: str, path: str, body: Any) -> Any:
        if method == "POST":
            told.append(body["body"])
        if path.startswith("repos/o/r/issues"):
            return []
        return {} if path == "repos/o/r" else None

    there(monkeypatch, pr_7=0, pr_8=0)
    monkeypatch.setattr(previews, "destroy", destroy)
    context.progress = Progress(plain=True, quiet=True)

    found = previews.sweep(context, api, make_so=True)

    assert [(one.environment, one.fault) for one in found] == [
        ("pr-7", "the state is locked"),
        ("pr-8", ""),
    ]
    assert [text.splitlines()[1] for text in told] == ["### pr-8 is gone"]


def test_a_sweep_that_only_looks_destroys_nothing(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there(monkeypatch, pr_7=0)
    monkeypatch.setattr(previews, "destroy", None)

    assert [one.environment for one in previews.sweep(context, hub(None), make_so=False)] == [
        "pr-7"
    ]


def test_a_deploy_asks_again_whether_it_is_wanted(context: Any, tmp_path: Path) -> None:
    """Its run may have waited, or be the second attempt of an old one."""
    with pytest.raises(ShipError, match="not of pr-8's pull request"):
        commands.deploy_folder(context, "pr-8", tmp_path, "")


def test_nothing_is_destroyed_while_a_run_is_at_work_there(context: Any, run: Run) -> None:
    owner = Owner("ann", "github:o/r:2:1")
    operation = Operation("1", "deploy", "20261123-2-1a2b3c4", None, "1", owner, "")
    context.clients = lambda _: SimpleNamespace(client=lambda _: None)
    context.store = lambda *_: SimpleNamespace(
        head=lambda: (EnvironmentState(operation=operation), "")
    )
    context.settings.run = replace(run, api="http://127.0.0.1:9")

    with pytest.raises(ShipError, match="is locked by deploy"):
        previews.destroy(context, "pr-7")


def test_a_half_made_preview_is_as_old_as_its_state_or_its_lock() -> None:
    """Others' objects and names that only look like a preview's are nobody's."""
    old, new = NOW - timedelta(days=9), NOW
    objects = {
        "stack/pr-7/pr-7/terraform.tfstate": old,
        "stack/pr-7/pr-7/terraform.tfstate.tflock": new,
        "stack/pr-8/pr-8/terraform.tfstate": old,
        "stack/pr-9/pr-8/terraform.tfstate": new,
        "stack/pr-9/pr-9/terraform.tfstate.backup": new,
        "stack/pr-x/pr-x/terraform.tfstate": new,
        "stack/pr-0/pr-0/terraform.tfstate": new,
    }
    pages = [{"Contents": [{"Key": key, "LastModified": at}]} for key, at in objects.items()]

    def head_object(Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        if Bucket == "shop-pr-8-artifacts-123456789012":
            return {"LastModified": new}
        raise ClientError({"Error": {"Code": "NoSuchBucket"}}, "HeadObject")

    s3 = SimpleNamespace(
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: pages), head_object=head_object
    )
    account: Any = SimpleNamespace(
        clients=lambda _: SimpleNamespace(client=lambda _: s3),
        state_bucket="states",
        project=SimpleNamespace(name="shop"),
        account=SimpleNamespace(account_id="123456789012"),
    )

    assert previews.there(account) == [Preview("pr-7", new), Preview("pr-8", new)]
