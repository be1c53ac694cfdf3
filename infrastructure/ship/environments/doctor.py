"""What keeps a project from working here, in its account or on GitHub, and what fixes each."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import toolchain
from ship.aws import Clients, ExpectedError, aws_call
from ship.environments import account, domain
from ship.environments.state_lock import StateLock
from ship.errors import ShipError
from ship.github.checks import Problem, check_repository
from ship.github.subject import read_subject
from ship.state import is_finished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ship.environments.context import Context
    from ship.github.api import Api

_BOOTSTRAP = "run `ship bootstrap --aws`"
_NO_ROLE = frozenset({"NoSuchEntity"})


def examine(context: Context, environments: Iterable[str], api: Api) -> Iterator[Problem]:
    """Find problems, and change nothing: tools, account, repository, then each environment.

    The repository and the account's roles are looked at on AWS only: an emulator has roles of its
    own, and no repository.
    """
    yield from _examine_tools(context)
    try:
        is_aws = bool(context.account) and not context.is_emulator
    except ShipError as error:
        yield Problem(str(error), error.hint)
        return
    if is_aws:
        try:
            yield from check_repository(context.project, api)
        except ShipError as error:
            yield Problem(str(error), error.hint)
        yield from _examine_account(context, api)
    for name in environments:
        try:
            yield from _examine_environment(context, name)
        except ShipError as error:
            yield Problem(str(error), error.hint)


def _examine_tools(context: Context) -> Iterator[Problem]:
    wanted = ["uv", "python", "terraform"] + ["emulator_python"] * context.is_emulator
    for name in wanted:
        try:
            getattr(context.tools, name)
        except toolchain.ToolError as error:
            yield Problem(str(error), error.hint)


def _examine_account(context: Context, api: Api) -> Iterator[Problem]:
    clients = Clients(context.account, context.administrator())
    yield from (Problem(*found) for found in account.check_limits(clients))
    try:
        audiences = account.read_oidc_provider(clients)
        prefix = read_subject(context.project, api).prefix
    except ShipError as error:
        yield Problem(str(error), error.hint)
        return
    if audiences is None or account.AUDIENCE not in audiences:
        what = f"the account has no identity provider for GitHub that admits {account.AUDIENCE}"
        yield Problem(what, _BOOTSTRAP)
    iam = clients.client("iam")
    for environment in context.project.environments:
        role = f"{context.project.name}-deploy-{environment}"
        try:
            found = aws_call(
                partial(iam.get_role, RoleName=role),
                f"the role {role} cannot be read",
                "sign in as an administrator of the account",
                _NO_ROLE,
            )
        except ExpectedError:
            yield Problem(f"the account has no role {role}", _BOOTSTRAP)
            continue
        trust = json.dumps(found["Role"]["AssumeRolePolicyDocument"])
        if f'"{prefix}:environment:{environment}"' not in trust:
            what = f"{role} does not trust the tokens of the repository, which begin with {prefix}"
            yield Problem(what, _BOOTSTRAP)
        attached = aws_call(
            partial(iam.list_attached_role_policies, RoleName=role),
            f"the policies of the role {role} cannot be read",
            "sign in as an administrator of the account",
        )["AttachedPolicies"]
        found_names = [policy["PolicyName"].partition(f"{role}-")[2] for policy in attached]
        uses = [*context.project.uses, *(["domain"] * (environment in context.project.domains))]
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
    stack = store.stack()
    if name in context.project.domains:
        said = domain.describe_records(context, name, clients, stack.distribution_id)
        waits, _, fix = said.partition(". ")
        if waits:
            yield Problem(waits, fix)
    state, _ = store.read_state()
    operation = state.operation
    if operation and is_finished(operation.owner, context.settings.run):
        what = f"the {operation.kind} of {operation.release} in {name} has died"
        yield Problem(what, f"run `ship repair {name}`")
    if state.live is None:
        yield Problem(f"nothing is live in {name}", f"deploy with `ship deploy {name}`")
