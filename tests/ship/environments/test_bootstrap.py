"""What an account has once: shown as a plan, confirmed, then applied exactly so."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ship.aws import Account, Credentials
from ship.config import Subject
from ship.environments import bootstrap
from ship.errors import ShipError
from ship.output import Progress
from tests.ship.environments.factories import change, client_error, make_project

BUCKET = change("module.state.aws_s3_bucket.this", None, {"bucket": "states"})
ROLE = change("aws_iam_role.plan", None, {"name": "plan", "max": 3600}, after_unknown={"arn": True})


def planned(*changes: Any) -> dict[str, Any]:
    return {"resource_changes": list(changes)}


PART = change("a.b", None, {"rule": [{"x": 1}]}, after_unknown={"rule": [{"id": True}]})


@pytest.mark.parametrize(
    ("shown", "again"),
    [
        # The state bucket itself does not count.
        (
            (BUCKET, ROLE),
            (change(BUCKET["address"], {"tags": {}}, {"tags": {"a": "b"}}), ROLE),
        ),
        ((BUCKET, ROLE), (ROLE,)),
        # What could not be known without the bucket, in part or at all, may be known with it.
        (
            (ROLE,),
            (change("aws_iam_role.plan", None, {"name": "plan", "max": 3600, "arn": "x"}),),
        ),
        (
            (PART,),
            (change("a.b", None, {"rule": [{"x": 1, "id": "i"}]}, after_unknown={"rule": []}),),
        ),
    ],
)
def test_a_plan_that_does_the_same_is_the_same(
    shown: tuple[Any, ...], again: tuple[Any, ...]
) -> None:
    assert bootstrap.is_same_plan(planned(*shown), planned(*again))


@pytest.mark.parametrize(
    "again",
    [
        (),
        (ROLE, change("aws_iam_role.more", None, {"name": "more"})),
        (change("aws_iam_role.plan", {"name": "other"}, {"name": "plan", "max": 3600}),),
        (change("aws_iam_role.plan", None, {"name": "plan", "max": 7200}),),
        (change("aws_iam_role.plan", None, {"name": "plan"}, after_unknown={"max": True}),),
    ],
)
def test_any_other_plan_is_not_the_same(again: tuple[Any, ...]) -> None:
    assert not bootstrap.is_same_plan(planned(ROLE), planned(*again))


def test_another_value_inside_a_value_is_not_the_same() -> None:
    first, second = (
        change("a.b", None, {"rule": [{"x": n}]}, after_unknown={"rule": [{"x": False}]})
        for n in (1, 2)
    )

    assert not bootstrap.is_same_plan(planned(first), planned(second))


class FakeAccount:
    """An account, and a list of everything that was done to it."""

    def __init__(
        self,
        folder: Path,
        *plans: dict[str, Any],
        bucket: bool,
        state: tuple[str, ...] = (),
        audiences: tuple[str, ...] | None = None,
    ) -> None:
        self.done: list[str] = []
        self.given: list[dict[str, Any]] = []
        self.account = Account("1" * 12, "eu-central-1")
        self.may = True
        self.concurrency = 1000
        self._state = state
        self._audiences = audiences
        self._plans = list(plans)
        self._bucket = bucket
        self.root = folder
        (folder / "infrastructure/bootstrap").mkdir(parents=True)
        (folder / "infrastructure/modules").mkdir()
        for name in ("state.tf", "import.tf"):
            (folder / "infrastructure/bootstrap" / name).write_text(f"# {name}\n")

    @property
    def context(self) -> Any:
        return SimpleNamespace(
            account=self.account,
            administrator=lambda: Credentials("a", "b"),
            state_bucket="states",
            project=make_project(self.root),
            progress=Progress(plain=True, quiet=False),
            bootstrap=self.bootstrap,
        )

    def client(self, service: str) -> Any:
        return self

    def get_caller_identity(self) -> Any:
        return {"Arn": f"arn:aws:sts::{'1' * 12}:assumed-role/Admin/me@example.org"}

    def get_role(self, **named: str) -> Any:
        return {"Role": {"Arn": f"arn:aws:iam::{'1' * 12}:role/path/{named['RoleName']}"}}

    def simulate_principal_policy(self, **asked: Any) -> Any:
        assert asked["PolicySourceArn"].endswith(":role/path/Admin")
        names = asked["ActionNames"]
        decisions = ["allowed"] * (len(names) - 1) + ["allowed" if self.may else "implicitDeny"]
        return {
            "EvaluationResults": [
                {"EvalActionName": name, "EvalDecision": decision}
                for name, decision in zip(names, decisions, strict=True)
            ]
        }

    def get_account_settings(self) -> Any:
        return {"AccountLimit": {"ConcurrentExecutions": self.concurrency}}

    def list_distributions(self, **_: str) -> Any:
        return {"DistributionList": {"Quantity": 0}}

    def get_open_id_connect_provider(self, **named: str) -> Any:
        arn = named["OpenIDConnectProviderArn"]
        assert arn.endswith(":oidc-provider/token.actions.githubusercontent.com")
        if self._audiences is None:
            raise client_error("NoSuchEntity")
        return {"ClientIDList": list(self._audiences)}

    def head_bucket(self, **_: str) -> None:
        if not self._bucket:
            raise client_error("404")

    def create_bucket(self, **_: Any) -> None:
        self._bucket = True
        self.done.append("bucket")

    def bootstrap(self, copy: Path | None = None, progress: object = None, **variables: Any) -> Any:
        self.given.append(variables)
        if copy:
            assert sorted(path.name for path in copy.iterdir()) == [
                "state.tf",
            ]
        where = "copy" if copy else "states"
        return SimpleNamespace(
            plan=lambda out, *, lock: self._planned(where, lock=lock),
            show=lambda _: self._plans.pop(0),
            apply=lambda _: self.done.append("apply"),
            state=lambda: {name: {} for name in self._state},
        )

    def _planned(self, where: str, *, lock: bool) -> bool:
        assert not lock
        self.done.append(f"plan in {where}")
        return bool(self._plans)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def made(*plans: dict[str, Any], bucket: bool, **more: Any) -> FakeAccount:
        found = FakeAccount(tmp_path, *plans, bucket=bucket, **more)
        monkeypatch.setattr(bootstrap, "Clients", lambda *_: found)
        return found

    return made


def github(method: str, path: str, body: Any) -> Any:
    """A repository that presents ids."""
    if path.endswith("/actions/oidc/customization/sub"):
        return {"use_default": True, "sub_claim_prefix": "repo:o@1/r@2"}
    return {"id": 2}


def propose(account: FakeAccount, *, yes: bool = True) -> bool:
    def confirm() -> bool:
        account.done.append("asked")
        return yes

    return bootstrap.propose(account.context, confirm, github)


@pytest.mark.parametrize("bucket", [True, False])
def test_nothing_is_changed_before_somebody_confirms(account: Any, bucket: bool) -> None:
    there = account(planned(ROLE), bucket=bucket)

    with pytest.raises(ShipError, match="nothing has been changed"):
        propose(there, yes=False)

    assert there.done == [f"plan in {'states' if bucket else 'copy'}", "asked"]


@pytest.mark.parametrize(
    ("bucket", "plans", "done"),
    [
        (True, [planned(ROLE)], ["plan in states", "asked", "apply"]),
        # Nobody is asked when nothing would change.
        (True, [], ["plan in states"]),
        # The first time the bucket is created after the answer.
        (
            False,
            [planned(BUCKET, ROLE), planned(ROLE)],
            ["plan in copy", "asked", "bucket", "plan in states", "apply"],
        ),
    ],
)
def test_the_confirmed_plan_is_applied(
    account: Any, bucket: bool, plans: list[Any], done: list[str]
) -> None:
    there = account(*plans, bucket=bucket)

    assert propose(there) is bool(plans)
    assert there.done == done


def test_a_plan_that_differs_from_the_confirmed_one_is_not_applied(account: Any) -> None:
    other = change("aws_iam_role.plan", None, {"name": "plan", "max": 7200})
    there = account(planned(BUCKET, ROLE), planned(other), bucket=False)

    with pytest.raises(ShipError, match="the account has changed since the plan was shown"):
        propose(there)

    assert "apply" not in there.done


@pytest.mark.parametrize(
    ("bucket", "state", "audiences", "creates"),
    [
        (False, (), None, True),
        (True, (), None, True),
        # Another project's.
        (False, (), ("sts.amazonaws.com", "https://example.org"), False),
        (True, ("aws_iam_role.plan",), ("sts.amazonaws.com",), False),
        # Its own, from an earlier bootstrap.
        (True, ("aws_iam_openid_connect_provider.github[0]",), ("sts.amazonaws.com",), True),
    ],
)
def test_an_identity_provider_that_is_there_is_used_and_never_created_twice(
    account: Any, bucket: bool, state: tuple[str, ...], audiences: Any, creates: bool
) -> None:
    there = account(planned(ROLE), planned(ROLE), bucket=bucket, state=state, audiences=audiences)

    assert propose(there)
    made = {given["create_oidc_provider"] for given in there.given if given}
    assert made == {creates}
    assert {given["subject"] for given in there.given if given} == {Subject("repo:o@1/r@2", "2")}


def test_an_identity_provider_for_other_audiences_is_refused_before_the_plan(account: Any) -> None:
    there = account(planned(ROLE), bucket=True, audiences=("https://github.com/o",))

    with pytest.raises(ShipError, match="does not admit sts") as raised:
        propose(there)
    assert "add-client-id-to-open-id-connect-provider" in raised.value.hint
    assert there.done == []


def test_who_is_no_administrator_is_refused_before_the_plan(account: Any) -> None:
    there = account(planned(ROLE), bucket=True)
    there.may = False

    with pytest.raises(ShipError, match="may not s3:CreateBucket"):
        propose(there)
    assert there.done == []


def test_what_a_new_account_lacks_is_said_before_the_plan(
    account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    there = account(planned(ROLE), bucket=True)
    there.concurrency = 10

    with pytest.raises(ShipError, match="nothing has been changed"):
        propose(there, yes=False)

    said = capsys.readouterr().err
    assert "no more than 10 requests at a time" in said
    assert "aws service-quotas request-service-quota-increase" in said
    assert "account must be verified" in said
