"""The account's part: shown first, agreed to, then made exactly so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import click
import pytest
from botocore.exceptions import ClientError

from ship.aws import Account, Credentials
from ship.cli import main
from ship.environments import bootstrap
from ship.errors import ShipError, UsageError
from ship.output import Progress
from tests.e2e.sandbox import Sandbox, clone, free_ports
from tests.ship.environments.test_differences import one

BUCKET = one("aws_s3_bucket.state", None, {"bucket": "states"})
ROLE = one("aws_iam_role.plan", None, {"name": "plan", "max": 3600}, after_unknown={"arn": True})


def planned(*changes: Any) -> dict[str, Any]:
    return {"resource_changes": list(changes)}


def test_a_plan_is_the_same_whatever_becomes_of_the_state_bucket() -> None:
    taken_over = one("aws_s3_bucket.state", {"tags": {}}, {"tags": {"project": "x"}})

    assert bootstrap.same(planned(BUCKET, ROLE), planned(taken_over, ROLE))
    assert bootstrap.same(planned(BUCKET, ROLE), planned(ROLE))


def test_what_could_not_be_known_without_the_bucket_may_be_known_with_it() -> None:
    known = one("aws_iam_role.plan", None, {"name": "plan", "max": 3600, "arn": "arn:x"})

    assert bootstrap.same(planned(ROLE), planned(known))


def test_what_could_be_known_in_part_only_may_be_known() -> None:
    part = one("a.b", None, {"rule": [{"x": 1}]}, after_unknown={"rule": [{"id": True}]})
    known = one("a.b", None, {"rule": [{"x": 1, "id": "i"}]}, after_unknown={"rule": [{}]})

    assert bootstrap.same(planned(part), planned(known))


def test_another_value_inside_a_value_is_not_the_same() -> None:
    first = one("a.b", None, {"rule": [{"x": 1}]}, after_unknown={"rule": [{"x": False}]})
    second = one("a.b", None, {"rule": [{"x": 2}]}, after_unknown={"rule": [{"x": False}]})

    assert not bootstrap.same(planned(first), planned(second))


@pytest.mark.parametrize(
    "again",
    [
        (),
        (ROLE, one("aws_iam_role.more", None, {"name": "more"})),
        (one("aws_iam_role.plan", {"name": "other"}, {"name": "plan", "max": 3600}),),
        (one("aws_iam_role.plan", None, {"name": "plan", "max": 7200}),),
        (one("aws_iam_role.plan", None, {"name": "plan"}, after_unknown={"max": True}),),
    ],
)
def test_any_other_plan_is_not_the_same(again: tuple[Any, ...]) -> None:
    assert not bootstrap.same(planned(ROLE), planned(*again))


class Books:
    """An account, and all that was done to it."""

    def __init__(self, folder: Path, *plans: dict[str, Any], bucket: bool) -> None:
        self.done: list[str] = []
        self._plans = list(plans)
        self._bucket = bucket
        self.root = folder
        (folder / "infrastructure/bootstrap").mkdir(parents=True)
        for name in ("state.tf", "import.tf"):
            (folder / "infrastructure/bootstrap" / name).write_text(f"# {name}\n")

    @property
    def context(self) -> Any:
        return SimpleNamespace(
            account=Account("1" * 12, "eu-central-1"),
            administrator=lambda: Credentials("a", "b"),
            state_bucket="states",
            project=SimpleNamespace(root=self.root, region="eu-central-1"),
            progress=Progress(plain=True, quiet=True),
            bootstrap=self.bootstrap,
        )

    def client(self, service: str) -> Any:
        return self

    def head_bucket(self, **_: str) -> None:
        if not self._bucket:
            raise ClientError({"Error": {"Code": "404"}}, "HeadBucket")

    def create_bucket(self, **_: Any) -> None:
        self._bucket = True
        self.done.append("bucket")

    def bootstrap(self, copy: Path | None = None, progress: object = None) -> Any:
        if copy:
            assert sorted(path.name for path in copy.iterdir()) == [
                "backend_override.tf",
                "state.tf",
            ]
        where = "copy" if copy else "states"
        return SimpleNamespace(
            plan=lambda out, *, lock: self._planned(where, lock=lock),
            show=lambda _: self._plans.pop(0),
            apply=lambda _: self.done.append("apply"),
        )

    def _planned(self, where: str, *, lock: bool) -> bool:
        assert not lock
        self.done.append(f"plan in {where}")
        return bool(self._plans)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def made(*plans: dict[str, Any], bucket: bool) -> Books:
        found = Books(tmp_path, *plans, bucket=bucket)
        monkeypatch.setattr(bootstrap, "Clients", lambda *_: found)
        return found

    return made


def agree(account: Books, *, yes: bool = True) -> bool:
    def agreed() -> bool:
        account.done.append("asked")
        return yes

    return bootstrap.offer(account.context, agreed)


@pytest.mark.parametrize("bucket", [True, False])
def test_nothing_is_changed_before_somebody_agrees(account: Any, bucket: bool) -> None:
    there = account(planned(ROLE), bucket=bucket)

    with pytest.raises(ShipError, match="nothing has been changed"):
        agree(there, yes=False)

    assert there.done == [f"plan in {'states' if bucket else 'copy'}", "asked"]


def test_what_was_agreed_to_is_applied(account: Any) -> None:
    there = account(planned(ROLE), bucket=True)

    assert agree(there)
    assert there.done == ["plan in states", "asked", "apply"]


def test_where_there_is_nothing_to_do_nobody_is_asked(account: Any) -> None:
    there = account(bucket=True)

    assert not agree(there)
    assert there.done == ["plan in states"]


def test_the_first_time_the_bucket_is_made_after_the_answer(account: Any) -> None:
    there = account(planned(BUCKET, ROLE), planned(ROLE), bucket=False)

    assert agree(there)
    assert there.done == ["plan in copy", "asked", "bucket", "plan in states", "apply"]


def test_a_plan_that_nobody_saw_is_not_applied(account: Any) -> None:
    other = one("aws_iam_role.plan", None, {"name": "plan", "max": 7200})
    there = account(planned(BUCKET, ROLE), planned(other), bucket=False)

    with pytest.raises(ShipError, match="the account has changed since the plan was shown"):
        agree(there)

    assert "apply" not in there.done


def asked(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    """What the command gives as its answer."""
    answers = []
    monkeypatch.setattr(main, "_session", lambda **_: None)
    monkeypatch.setattr(bootstrap, "offer", lambda _, agreed: answers.append(agreed()))
    main.cli.main(["bootstrap", *arguments], standalone_mode=False)
    return answers[0]


@pytest.mark.parametrize("answer", [True, False])
def test_at_a_terminal_a_person_is_asked(monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(click, "confirm", lambda *_, **__: answer)

    assert asked(monkeypatch, "--aws") is answer


def test_yes_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))

    assert asked(monkeypatch, "--aws", "--yes") is True


def test_without_a_terminal_and_without_yes_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))

    with pytest.raises(UsageError, match="nobody is there to agree"):
        asked(monkeypatch, "--aws")


def test_without_aws_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="changes an AWS account"):
        asked(monkeypatch, "--yes")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Sandbox]:
    """A checkout whose emulator is an empty account."""
    sandbox = Sandbox(clone(tmp_path / "checkout"), free_ports())
    sandbox.context.emulator.start(lambda _: None)
    try:
        yield sandbox
    finally:
        sandbox.call("down")


@pytest.mark.journey
def test_an_empty_account_is_made_once(empty: Sandbox) -> None:
    """The path to AWS, with the emulator as its endpoint."""
    endpoint = f"http://127.0.0.1:{empty.port}"
    root = empty.context.administrator()
    assert root
    keys = {"aws_access_key_id": root.access_key, "aws_secret_access_key": root.secret_key}
    iam, s3 = (
        boto3.client(name, region_name="eu-central-1", endpoint_url=endpoint, **keys)
        for name in ("iam", "s3")
    )

    said = empty.refused("bootstrap", "--aws", status=2, variables={"AWS_ENDPOINT_URL": endpoint})

    assert "or add `--yes`" in said
    assert (s3.list_buckets()["Buckets"], iam.list_roles()["Roles"]) == ([], [])

    made = empty.ship("bootstrap", "--aws", "--yes", AWS_ENDPOINT_URL=endpoint)

    assert made == "the account is ready\n"
    names = {role["RoleName"] for role in iam.list_roles()["Roles"]}
    assert {"serverless-flask-deploy-production", "serverless-flask-plan"} <= names

    again = empty.ship("bootstrap", "--aws", AWS_ENDPOINT_URL=endpoint)

    assert again == "there is nothing to change\n"
