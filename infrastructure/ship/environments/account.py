"""What an AWS account, and the caller, must be able to do before anything is made there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ship.aws import ExpectedError, aws_call
from ship.errors import ShipError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ship.aws import Clients

OIDC_HOST = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
# Each stands for a part of the bootstrap; an administrator may do them all.
_RIGHTS = (
    "iam:CreateOpenIDConnectProvider",
    "iam:CreatePolicy",
    "iam:CreateRole",
    "s3:CreateBucket",
)
# What AWS gives an account after its first weeks, or on request.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_CONCURRENCY = 1000
_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})


def check_administrator(clients: Clients) -> None:
    """Refuse credentials that cannot make what the bootstrap makes.

    Raises:
        ShipError: IAM's policy simulator, or IAM itself, denies one of the rights.
    """
    arn = _ask(clients.client("sts").get_caller_identity)["Arn"]
    kind, _, name = arn.rpartition(":")[2].partition("/")
    # The simulator takes neither of them; a root user may do everything.
    if kind in ("root", "federated-user"):
        return
    iam, hint = clients.client("iam"), "sign in as an administrator of the account"
    try:
        if kind == "assumed-role":
            # A role's ARN has a path, which a session's has not.
            role = name.partition("/")[0]
            arn = _ask(lambda: iam.get_role(RoleName=role))["Role"]["Arn"]
        found = _ask(
            lambda: iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=list(_RIGHTS))
        )
    except ExpectedError as error:
        raise ShipError(f"{arn} is no administrator: {error}", hint) from error
    denied = [
        one["EvalActionName"]
        for one in found["EvaluationResults"]
        if one["EvalDecision"] != "allowed"
    ]
    if denied:
        raise ShipError(f"{arn} is no administrator: it may not {', '.join(denied)}", hint)


def check_limits(clients: Clients) -> list[tuple[str, str]]:
    """What AWS limits in this account, a new one above all: each with the command that fixes it."""
    problems = []
    region = clients.account.region
    try:
        limits = _ask(clients.client("lambda").get_account_settings)["AccountLimit"]
    except ExpectedError:
        limits = {"ConcurrentExecutions": _CONCURRENCY}
    concurrency = limits["ConcurrentExecutions"]
    if concurrency < _CONCURRENCY:
        what = (
            f"Lambda runs no more than {concurrency} requests at a time in {region}, of all "
            "functions together; function_reserved_concurrency must leave 100 to the others"
        )
        fix = (
            "ask for more: `aws service-quotas request-service-quota-increase --service-code "
            f"lambda --quota-code L-B99A9384 --desired-value {_CONCURRENCY} --region {region}`"
        )
        problems.append((what, fix))
    try:
        listed = _ask(lambda: clients.client("cloudfront").list_distributions(MaxItems="1"))
    except ExpectedError:
        return problems
    if not listed["DistributionList"].get("Quantity"):
        # No call tells beforehand whether AWS has verified an account.
        what = (
            "the account has no CloudFront distribution yet; AWS refuses the first one of some new "
            'accounts with "Your account must be verified"'
        )
        fix = (
            "if it does, ask AWS Support to verify the account for CloudFront: "
            "https://console.aws.amazon.com/support/home#/case/create"
        )
        problems.append((what, fix))
    return problems


def read_oidc_provider(clients: Clients) -> list[str] | None:
    """The audiences of the account's identity provider for GitHub; none when it has no such one."""
    arn = f"arn:aws:iam::{clients.account.account_id}:oidc-provider/{OIDC_HOST}"
    iam = clients.client("iam")
    try:
        found = aws_call(
            lambda: iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn),
            "the account's identity providers cannot be read",
            "sign in as an administrator of the account",
            frozenset({"NoSuchEntity"}),
        )
    except ExpectedError:
        return None
    audiences: list[str] = found["ClientIDList"]
    return audiences


def _ask(call: Callable[[], Any]) -> Any:
    return aws_call(call, "the account cannot be asked", expected=_DENIED)
