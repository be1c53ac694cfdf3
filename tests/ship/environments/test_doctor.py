"""`ship doctor` names what is wrong, each with what fixes it, and nothing where nothing is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import toolchain
from ship.config import Alerts, Domain, Run
from ship.environments import account, alerts, doctor, domain
from ship.errors import ShipError
from ship.github.checks import variables
from ship.state.environment_state import EnvironmentState, Operation, Owner
from tests.ship.environments.factories import client_error, make_project
from tests.workflows.fake_github import GitHub

ENVIRONMENTS = ("dev", "staging", "production")
RELEASE = "20261123-2-1a2b3c4"
# What GitHub's description gives as an example.
REPOSITORY_ID = "1296269"
DEAD = Owner("bob", "github:o/r:7:1")


class Account:
    """An AWS account in which everything is as it should be, until a test changes it."""

    def __init__(self) -> None:
        subjects = {f"deploy-{name}": f"environment:{name}" for name in (*ENVIRONMENTS, "preview")}
        self.roles: dict[str, dict[str, Any]] = {
            f"shop-{name}": {
                "aud": account.AUDIENCE,
                "repository_id": REPOSITORY_ID,
                "sub": [f"repo:o/r:{rest}"],
                "ref": "refs/heads/main",
            }
            for name, rest in (subjects | {"plan": "pull_request"}).items()
        }
        self.uses: tuple[str, ...] = ()
        self.denied = False

    def client(self, _: str) -> Account:
        return self

    def get_topic_attributes(self, TopicArn: str) -> Any:  # noqa: N803 - boto3's
        return {"Attributes": {"SubscriptionsPending": str(TopicArn.count("pending"))}}

    def get_role(self, RoleName: str) -> Any:  # noqa: N803 - boto3's
        if self.denied:
            raise client_error("AccessDenied")
        if RoleName not in self.roles:
            raise client_error("NoSuchEntity")
        claims = {f"{account.OIDC_HOST}:{key}": v for key, v in self.roles[RoleName].items()}
        trust = {"Statement": [{"Condition": {"StringEquals": claims}}]}
        return {"Role": {"AssumeRolePolicyDocument": trust}}

    def list_attached_role_policies(self, RoleName: str) -> Any:  # noqa: N803 - boto3's
        names = [f"{RoleName}-{used}" for used in self.uses] + ["the-companys-own"]
        return {"AttachedPolicies": [{"PolicyName": name} for name in names]}


class Case:
    """A project, with what each part of it answers."""

    def __init__(self, tmp_path: Path) -> None:
        self.project = make_project(tmp_path)
        self.account = Account()
        self.github = GitHub(self.project.repository, "repo:o/r")
        self.github.settings.variables = variables(self.project, "1" * 12)
        self.state = EnvironmentState(live=RELEASE)
        self.locked_by: str | None = None
        self.is_made = True
        self.topic: str | None = None
        self.is_emulator = False
        self.parameters = ["SECRET_KEY"]
        self.tools: Any = SimpleNamespace(uv=1, python=1, terraform=1, emulator_python=1)

    def stack(self) -> Any:
        if not self.is_made:
            raise ShipError("live has not been made", "make it with `ship apply live`")
        return SimpleNamespace(distribution_id="d1", alert_topic=self.topic)

    @property
    def context(self) -> Any:
        store = SimpleNamespace(stack=self.stack, read_state=lambda: (self.state, ""))
        return SimpleNamespace(
            project=self.project,
            tools=self.tools,
            account=SimpleNamespace(account_id="1" * 12),
            administrator=lambda: None,
            is_emulator=self.is_emulator,
            clients=lambda _: self.account,
            store=lambda *_: store,
            # Another attempt of the same run: the one before has ended.
            settings=SimpleNamespace(
                run=Run("ann", "github:o/r:7:2", "", True, "o/r", ""), use_aws=not self.is_emulator
            ),
        )

    def examine(self) -> dict[str, str]:
        return dict(doctor.examine(self.context, ["live"], self.github))


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    made = Case(tmp_path)

    def lock(*_: object) -> Any:
        holder = made.locked_by and SimpleNamespace(owner=Owner("bob", made.locked_by))
        return SimpleNamespace(holder=lambda: holder, is_left=lambda _: True)

    def parameters(*_: object) -> Any:
        return SimpleNamespace(read_all=lambda: [SimpleNamespace(name=n) for n in made.parameters])

    monkeypatch.setattr(doctor, "StateLock", lock)
    monkeypatch.setattr(doctor, "Parameters", parameters)
    monkeypatch.setattr(doctor, "Clients", lambda *_: made.account)
    monkeypatch.setattr(account, "check_limits", lambda _: [])
    monkeypatch.setattr(account, "read_oidc_provider", lambda _: [account.AUDIENCE])
    return made


def test_a_project_that_works_has_no_problem(case: Case) -> None:
    assert case.examine() == {}


def test_roles_are_compared_with_the_repositorys_real_tokens(case: Case) -> None:
    del case.account.roles["shop-deploy-dev"]
    case.account.roles["shop-deploy-staging"]["sub"] = ["repo:o@1/r@2:environment:staging"]
    del case.account.roles["shop-deploy-production"]["ref"]
    case.account.roles["shop-deploy-preview"]["aud"] = "somebody-else"
    case.account.roles["shop-plan"]["repository_id"] = "5"

    found = case.examine()

    assert list(found) == [
        "the account has no role shop-deploy-dev",
        *(
            f"{role} does not ask for {claim}, which the tokens have"
            for role, claim in (
                ("shop-deploy-staging", "sub = repo:o/r:environment:staging"),
                ("shop-deploy-production", "ref = refs/heads/main"),
                ("shop-deploy-preview", f"aud = {account.AUDIENCE}"),
                ("shop-plan", f"repository_id = {REPOSITORY_ID}"),
            )
        ),
    ]
    assert set(found.values()) == {"run `ship bootstrap --aws`"}


def test_who_may_not_read_the_account_is_told_and_the_rest_is_looked_at(case: Case) -> None:
    case.account.denied, case.is_made = True, False

    denied, missing = case.examine().items()

    assert "the role shop-deploy-dev cannot be read" in denied[0]
    assert denied[1] == "sign in as an administrator of the account"
    assert missing == ("live has not been made", "make it with `ship apply live`")


def test_variables_of_the_repository_name_the_account_and_the_project(case: Case) -> None:
    case.github.settings.variables = {"AWS_ACCOUNT_ID": "2" * 12, "PROJECT": "shop"}

    found = case.examine()

    assert list(found) == [
        f"the variable AWS_ACCOUNT_ID of the repository is {'2' * 12}, not {'1' * 12}",
        f"the variable AWS_REGION of the repository is None, not {case.project.region}",
    ]
    assert set(found.values()) == {f"`ship github --account {'1' * 12} --apply`"}


def test_settings_that_reach_no_application_or_are_missing_are_named(case: Case) -> None:
    case.parameters = ["AWS_REGION", "OWN"]

    assert list(case.examine().values()) == [
        "run `ship settings live unset AWS_REGION`",
        "run `ship apply live`",
    ]


def test_without_credentials_nothing_else_is_looked_at(case: Case) -> None:
    class Refused:
        tools, is_emulator = case.tools, False

        @property
        def account(self) -> Any:
            raise ShipError("AWS does not accept these credentials", "sign in to AWS")

    context: Any = Refused()

    assert dict(doctor.examine(context, ["live"], case.github)) == {
        "AWS does not accept these credentials": "sign in to AWS"
    }


@pytest.mark.parametrize(
    ("has", "wants", "said"),
    [((), ("s3", "sqs"), "nothing; * s3, sqs"), (("sqs",), (), "sqs; * nothing")],
)
def test_roles_without_the_rights_that_uses_names_are_due_for_bootstrap(
    case: Case, has: tuple[str, ...], wants: tuple[str, ...], said: str
) -> None:
    case.account.uses, case.project = has, replace(case.project, uses=wants)
    before, after = said.split("*")

    found = case.examine()

    assert len(found) == len(ENVIRONMENTS)
    assert set(found.values()) == {"run `ship bootstrap --aws`"}
    assert all(before in what and what.endswith(after) for what in found)
    case.account.uses = wants
    assert case.examine() == {}


def test_a_domain_that_waits_for_its_record_is_named(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "the certificate of www.example.org waits. Enter a record"
    monkeypatch.setattr(domain, "describe_records", lambda *_: said)
    case.project = replace(case.project, domains={"live": Domain("www.example.org")})

    found = case.examine()

    assert found["the certificate of www.example.org waits"] == "Enter a record"


def test_alerts_that_nobody_gets_are_named(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_webhook(*_: object) -> str:
        raise ShipError("live has no ALERT_WEBHOOK", "set it")

    monkeypatch.setattr(alerts, "read_webhook", read_webhook)
    case.project = replace(case.project, alerts={"live": Alerts(("a@b.org",), webhook=True)})

    assert case.examine() == {
        "live has no ALERT_WEBHOOK": "set it",
        "live has no topic for its alerts": "run `ship apply live`",
    }
    case.topic = "a pending and another pending subscription"
    assert any(what.startswith("2 of the addresses") for what in case.examine())
    case.project = replace(case.project, alerts={"live": Alerts(topic="the owner's")})
    assert case.examine() == {}


def test_an_account_without_an_identity_provider_is_bootstrapped(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "read_oidc_provider", lambda _: None)

    assert list(case.examine().values()) == ["run `ship bootstrap --aws`"]


def test_problems_of_the_repository_are_among_them(case: Case) -> None:
    case.github.settings.admin = False

    assert any("not an administrator" in what for what in case.examine())


def test_an_environment_that_is_not_made_locked_or_unfinished_is_named(case: Case) -> None:
    case.locked_by = "github:o/r:6:1"
    case.state = EnvironmentState(
        operation=Operation("1", "deploy", RELEASE, None, "3", DEAD, "now")
    )

    found = case.examine()

    assert list(found.values()) == [
        "run `ship unlock live`",
        "run `ship repair live`",
        "deploy with `ship deploy live`",
    ]

    case.is_made, case.locked_by = False, None
    assert case.examine() == {"live has not been made": "make it with `ship apply live`"}


def test_a_missing_tool_is_named_and_the_emulator_has_no_repository(case: Case) -> None:
    class Tools:
        uv = python = emulator_python = "found"

        @property
        def terraform(self) -> str:
            raise toolchain.ToolError("terraform is not set up")

    case.tools, case.is_emulator = Tools(), True
    case.account.roles.clear()

    assert case.examine() == {"terraform is not set up": "run `make setup`"}
