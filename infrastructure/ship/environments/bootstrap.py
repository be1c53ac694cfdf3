"""What an account has once: the state bucket, GitHub's identity provider, the roles.

On AWS nothing changes before somebody has agreed to the plan. The state is kept in a bucket that
the plan itself creates, so the first plan is made without it.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ship.aws import Clients, ExpectedError, aws_call
from ship.environments import account
from ship.environments.terraform import changes_of, copy_root
from ship.errors import ShipError
from ship.github.subject import read_subject
from ship.output import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from ship.environments.context import Context
    from ship.github.api import Api

_OIDC_PROVIDER = "aws_iam_openid_connect_provider.github"
_BUCKET = "module.state.aws_s3_bucket.this"
# It imports the state bucket, which does not exist yet when a first plan is made.
_IMPORT = "import.tf"
_HINT = "sign in with rights to bootstrap the account"


def apply(context: Context) -> None:
    """Apply it without asking, as on an emulator."""
    with context.progress.step("bootstrap"):
        _create_bucket(context)
        context.bootstrap().apply()


def propose(context: Context, confirm: Callable[[], bool], api: Api) -> bool:
    """Show what will not work and the plan, and apply exactly that plan when it is confirmed.

    Returns:
        Whether there was anything to change; when not, nobody is asked.
    """
    note = context.progress.note
    note(f"account {context.account.account_id} in {context.account.region}")
    clients = Clients(context.account, context.administrator())
    account.check_administrator(clients)
    subject = read_subject(context.project, api)
    note(f"tokens of {context.project.repository} begin with {subject.prefix}")
    for what, fix in account.check_limits(clients):
        note(f"{what}; {fix}")
    with TemporaryDirectory() as folder:
        plan = Path(folder) / "bootstrap.tfplan"
        first = not _has_bucket(context)
        root = context.project.root / "infrastructure/bootstrap"
        prepare = partial(
            context.bootstrap,
            subject=subject,
            create_oidc_provider=_creates_oidc_provider(context, clients, first=first),
        )
        terraform = prepare(copy_root(root, Path(folder), _IMPORT)) if first else prepare()
        # No lock: it would be a change, and a plan that has become stale is refused anyway.
        if not terraform.plan(plan, lock=False):
            return False
        if not confirm():
            raise ShipError("nothing has been changed", "run it again when the plan is right")
        with context.progress.step("bootstrap"):
            if first:
                shown = terraform.show(plan)
                _create_bucket(context)
                # A saved plan names its backend, so the state's move to the bucket needs a new one.
                terraform = prepare(progress=Progress(plain=True, quiet=True))
                terraform.plan(plan, lock=False)
                if not is_same_plan(shown, terraform.show(plan)):
                    raise ShipError(
                        "the account has changed since the plan was shown; only the state bucket "
                        "was created",
                        "run it again, and look at the new plan",
                    )
            terraform.apply(plan)
    return True


def is_same_plan(shown: dict[str, Any], again: dict[str, Any]) -> bool:
    """Whether a second plan does what the first one showed, apart from the state bucket itself.

    Values that were unknown to the first, without the bucket, may be known to the second.
    """
    first, second = changes_of(shown), changes_of(again)
    # It exists by then.
    first.pop(_BUCKET, None)
    second.pop(_BUCKET, None)
    return first.keys() == second.keys() and all(
        kind == second[address][0] and known.items() <= second[address][1].items()
        for address, (kind, known) in first.items()
    )


def _creates_oidc_provider(context: Context, clients: Clients, *, first: bool) -> bool:
    """Whether GitHub's identity provider is this project's to create and keep.

    An account has one for all its projects: what another one made is used, and never changed.
    """
    audiences = account.read_oidc_provider(clients)
    if audiences is None:
        return True
    if account.AUDIENCE not in audiences:
        arn = f"arn:aws:iam::{context.account.account_id}:oidc-provider/{account.OIDC_HOST}"
        raise ShipError(
            f"the account's identity provider for GitHub does not admit {account.AUDIENCE}",
            "add it: `aws iam add-client-id-to-open-id-connect-provider "
            f"--open-id-connect-provider-arn {arn} --client-id {account.AUDIENCE}`",
        )
    mine = not first and any(
        name.startswith(_OIDC_PROVIDER) for name in context.bootstrap().state()
    )
    if not mine:
        context.progress.note("the account has an identity provider for GitHub already: it is used")
    return mine


def _has_bucket(context: Context) -> bool:
    s3 = Clients(context.account, context.administrator()).client("s3")
    # A HEAD request has no body for S3 to name the error in, so boto3 says 404.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
    with suppress(ExpectedError):
        aws_call(
            lambda: s3.head_bucket(Bucket=context.state_bucket),
            f"the bucket {context.state_bucket} cannot be looked at",
            _HINT,
            frozenset({"404"}),
        )
        return True
    return False


def _create_bucket(context: Context) -> None:
    """Create the state bucket when it is missing, before Terraform keeps its state there."""
    s3 = Clients(context.account, context.administrator()).client("s3")
    # S3 refuses us-east-1 as a location constraint.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
    where = {"LocationConstraint": context.project.region}
    options = {} if context.project.region == "us-east-1" else {"CreateBucketConfiguration": where}
    # us-east-1 answers 200 instead when the bucket exists already.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    with suppress(ExpectedError):
        aws_call(
            lambda: s3.create_bucket(Bucket=context.state_bucket, **options),
            f"the bucket {context.state_bucket} cannot be created",
            _HINT,
            frozenset({"BucketAlreadyOwnedByYou"}),
        )
