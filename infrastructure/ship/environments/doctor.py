"""What keeps a project from working here, in its account or on GitHub, and what fixes each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import toolchain
from lambda_adapter import parameters as adapter
from ship.aws import Clients, ExpectedError, aws_call
from ship.environments import account, alerts, domain
from ship.environments.parameters import SIGNING_KEY, Parameters
from ship.environments.state_lock import StateLock
from ship.errors import ShipError
from ship.github.api import PREVIEW
from ship.github.checks import BRANCH, Problem, check_repository
from ship.github.subject import read_subject
from ship.state import is_finished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ship.aws import Client
    from ship.environments.context import Context
    from ship.github.api import Api
    from ship.state import Stack

_BOOTSTRAP = "run `ship bootstrap --aws`"
_ADMINISTRATOR = "sign in as an administrator of the account"
_NO_ROLE = frozenset({"NoSuchEntity"})


def examine(context: Context, environments: Iterable[str], api: Api) -> Iterator[Problem]:
    """Find problems, and change nothing: tools, account, repository, then each environment.

    The repository and the account's roles are looked at where AWS is meant: an emulator has roles
    of its own, and no repository.
    """
    yield from _examine_tools(context)
    try:
        account_id = context.account.account_id
    except ShipError as error:
        yield Problem(str(error), error.hint)
        return
    parts = [_examine_environment(context, name) for name in environments]
    if context.settings.use_aws:
        repository = _examine_repository(context, account_id, api)
        parts = [repository, _examine_account(context, api), *parts]
    told = set()
    for part in parts:
        try:
            for problem in part:
                yield problem
                told.add(problem.what)
        except ShipError as error:
            # What GitHub does not answer is missed in the account, too.
            if str(error) not in told:
                yield Problem(str(error), error.hint)


def _examine_tools(context: Context) -> Iterator[Problem]:
    wanted = ["uv", "python", "terraform"] + ["emulator_python"] * context.is_emulator
    for name in wanted:
        try:
            getattr(context.tools, name)
        except toolchain.ToolError as error:
            yield Problem(str(error), error.hint)


def _examine_repository(context: Context, account_id: str, api: Api) -> Iterator[Problem]:
    yield from check_repository(context.project, api, account_id)


def _examine_account(context: Context, api: Api) -> Iterator[Problem]:
    clients = Clients(context.account, context.administrator())
    yield from (Problem(*found) for found in account.check_limits(clients))
    audiences = account.read_oidc_provider(clients)
    if audiences is None or account.AUDIENCE not in audiences:
        what = f"the account has no identity provider for GitHub that admits {account.AUDIENCE}"
        yield Problem(what, _BOOTSTRAP)
    iam, environments = clients.client("iam"), context.project.environments
    subject = read_subject(context.project, api)
    subjects = {f"deploy-{name}": f"environment:{name}" for name in (*environments, PREVIEW)}
    for name, rest in (subjects | {"plan": "pull_request"}).items():
        role = f"{context.project.name}-{name}"
        try:
            found = aws_call(
                partial(iam.get_role, RoleName=role),
                f"the role {role} cannot be read",
                _ADMINISTRATOR,
                _NO_ROLE,
            )
        except ExpectedError:
            yield Problem(f"the account has no role {role}", _BOOTSTRAP)
            continue
        wanted = {"aud": account.AUDIENCE, "sub": f"{subject.prefix}:{rest}"}
        if subject.repository_id:
            wanted["repository_id"] = subject.repository_id
        environment = rest.partition(":")[2]
        if environment in environments:
            wanted["ref"] = f"refs/heads/{BRANCH}"
        trusted = _read_claims(found["Role"]["AssumeRolePolicyDocument"])
        for claim, value in wanted.items():
            if value not in trusted.get(claim, ()):
                what = f"{role} does not ask for {claim} = {value}, which the tokens have"
                yield Problem(what, _BOOTSTRAP)
        if environment in environments:
            yield from _examine_rights(context, iam, role, environment)


def _read_claims(trust: dict[str, Any]) -> dict[str, list[str]]:
    """The values that a role asks for, by the claim of a token."""
    return {
        key.rpartition(":")[2]: [value] if isinstance(value, str) else value
        for statement in trust["Statement"]
        for key, value in statement.get("Condition", {}).get("StringEquals", {}).items()
    }


def _examine_rights(
    context: Context, iam: Client, role: str, environment: str
) -> Iterator[Problem]:
    attached = aws_call(
        partial(iam.list_attached_role_policies, RoleName=role),
        f"the policies of the role {role} cannot be read",
        _ADMINISTRATOR,
    )["AttachedPolicies"]
    found_names = [policy["PolicyName"].partition(f"{role}-")[2] for policy in attached]
    uses = [
        *context.project.uses,
        *(["alerts"] * (environment in context.project.alerts)),
        *(["domain"] * (environment in context.project.domains)),
    ]
    has, wanted = sorted(filter(None, found_names)), sorted(uses)
    if has != wanted:
        text = [", ".join(names) or "nothing" for names in (has, wanted)]
        what = f"{role} has rights for {text[0]}; pyproject.toml wants {text[1]}"
        yield Problem(what, _BOOTSTRAP)


def _examine_environment(context: Context, name: str) -> Iterator[Problem]:
    clients = context.clients(name)
    store = context.store(name, clients)
    lock = StateLock(context, name)
    if (holder := lock.holder()) and lock.is_left(holder):
        what = f"a run that has ended has locked the infrastructure of {name} ({holder.owner.run})"
        yield Problem(what, f"run `ship unlock {name}`")
    stack, path = store.stack(), f"/{context.project.name}/{name}"
    if name in context.project.domains:
        said = domain.describe_records(context, name, clients, stack.distribution_id)
        waits, _, fix = said.partition(". ")
        if waits:
            yield Problem(waits, fix)
    if name in context.project.alerts:
        yield from _examine_alerts(context, name, clients, stack)
    state, _ = store.read_state()
    operation = state.operation
    if operation and is_finished(operation.owner, context.settings.run):
        what = f"the {operation.kind} of {operation.release} in {name} has died"
        yield Problem(what, f"run `ship repair {name}`")
    found = {one.name for one in Parameters(clients.client("ssm"), path, "").read_all()}
    for setting in sorted(found):
        if reason := adapter.refusal(setting):
            what = f"the setting {setting} of {name} reaches no application: its name {reason}"
            yield Problem(what, f"run `ship settings {name} unset {setting}`")
    if SIGNING_KEY not in found:
        yield Problem(f"{name} has no setting {SIGNING_KEY}", f"run `ship apply {name}`")
    if state.live is None:
        yield Problem(f"nothing is live in {name}", f"deploy with `ship deploy {name}`")


def _examine_alerts(
    context: Context, name: str, clients: Clients, stack: Stack
) -> Iterator[Problem]:
    found, sns = context.project.alerts[name], clients.client("sns")
    if found.webhook:
        try:
            alerts.read_webhook(context, name, clients)
        except ShipError as error:
            yield Problem(str(error), error.hint)
    if found.topic:
        return  # Whose rights and subscriptions are the owner's.
    if stack.alert_topic is None:
        yield Problem(f"{name} has no topic for its alerts", f"run `ship apply {name}`")
        return
    attributes = aws_call(
        partial(sns.get_topic_attributes, TopicArn=stack.alert_topic),
        f"{stack.alert_topic} cannot be read",
        _BOOTSTRAP,
    )["Attributes"]
    if waiting := int(attributes["SubscriptionsPending"]):
        yield Problem(
            f"{waiting} of the addresses that {name} alerts have not confirmed AWS's mail",
            f"open the link in it; after two days `ship apply {name}` sends another",
        )
