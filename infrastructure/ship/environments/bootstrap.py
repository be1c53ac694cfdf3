"""What an account has once: the state bucket, GitHub's identity provider, the roles.

On AWS it is shown as a plan first, and nothing is changed before somebody has agreed to that very
plan. The state lies in a bucket that the plan itself makes: so a first plan is made without it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ship.aws import Clients, ExpectedError, aws_call
from ship.environments.terraform import kind_of
from ship.errors import ShipError
from ship.output import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from ship.environments.context import Context
    from ship.environments.terraform import Terraform

_BUCKET = "aws_s3_bucket.state"
# It takes over the state bucket, which is not there yet when a first plan is made.
_TAKES_OVER = "import.tf"
_NO_BUCKET_YET = 'terraform {\n  backend "local" {}\n}\n'
_OWNED = frozenset({"BucketAlreadyOwnedByYou"})
_MISSING = frozenset({"404", "NoSuchBucket"})
_RIGHTS = "sign in with rights to bootstrap the account"


def make(context: Context) -> None:
    """Make it without asking, as on an emulator."""
    with context.progress.step("bootstrap"):
        _make_bucket(context)
        context.bootstrap().apply()


def offer(context: Context, agreed: Callable[[], bool]) -> bool:
    """Show what would be made or changed, and do exactly that when it is agreed to.

    Args:
        context: the command's surroundings.
        agreed: asked once the plan has been shown; not asked when there is nothing to do.

    Returns:
        Whether there was anything to do.

    Raises:
        ShipError: nobody agreed, or the account changed meanwhile; nothing has been changed.
    """
    context.progress.note(f"account {context.account.account_id} in {context.account.region}")
    with TemporaryDirectory() as folder:
        kept = Path(folder) / "bootstrap.tfplan"
        first = not _has_bucket(context)
        terraform = _without_bucket(context, Path(folder)) if first else context.bootstrap()
        # No lock: it would be a change, and a plan that has become stale is refused all the same.
        if not terraform.plan(kept, lock=False):
            return False
        if not agreed():
            raise ShipError("nothing has been changed", "run it again when the plan is right")
        with context.progress.step("bootstrap"):
            if first:
                terraform, kept = _planned_again(context, terraform.show(kept), kept)
            terraform.apply(kept)
    return True


def _without_bucket(context: Context, folder: Path) -> Terraform:
    """The same configuration, with its state nowhere and nothing to take over."""
    copy = folder / "bootstrap"
    left_out = shutil.ignore_patterns("tests", ".terraform", "*.tfstate*", _TAKES_OVER)
    source = context.project.root / "infrastructure" / "bootstrap"
    shutil.copytree(source, copy, ignore=left_out)
    (copy / "backend_override.tf").write_text(_NO_BUCKET_YET, encoding="utf-8")
    return context.bootstrap(copy)


def _planned_again(context: Context, shown: dict[str, Any], kept: Path) -> tuple[Terraform, Path]:
    """Make the state bucket, and plan again with the state in it: it has to be the same plan."""
    _make_bucket(context)
    terraform = context.bootstrap(progress=Progress(plain=True, quiet=True))
    terraform.plan(kept, lock=False)
    if not same(shown, terraform.show(kept)):
        raise ShipError(
            "the account has changed since the plan was shown; only the state bucket was made",
            "run it again, and look at the new plan",
        )
    return terraform, kept


def same(shown: dict[str, Any], again: dict[str, Any]) -> bool:
    """Whether a second plan does what a first one showed, but for the state bucket itself.

    What the first could not know, because the bucket was not there, the second may.
    """
    first, second = _deeds(shown), _deeds(again)
    return first.keys() == second.keys() and all(
        kind == second[address][0] and known.items() <= second[address][1].items()
        for address, (kind, known) in first.items()
    )


def _deeds(planned: dict[str, Any]) -> dict[str, tuple[str, dict[str, str]]]:
    return {
        one["address"]: (kind_of(one), _known(one["change"]))
        for one in planned.get("resource_changes", [])
        if kind_of(one) and one["address"] != _BUCKET
    }


def _known(change: dict[str, Any]) -> dict[str, str]:
    unknown = change.get("after_unknown") or {}
    after = change["after"] or {}
    return {name: repr(value) for name, value in after.items() if not _open(unknown.get(name))}


def _open(unknown: object) -> bool:
    """Whether any part of a value is not known yet, as a plan says it: by true in its place."""
    if isinstance(unknown, dict | list):
        return any(map(_open, unknown.values() if isinstance(unknown, dict) else unknown))
    return unknown is True


def _has_bucket(context: Context) -> bool:
    s3 = Clients(context.account, context.administrator()).client("s3")
    try:
        aws_call(
            lambda: s3.head_bucket(Bucket=context.state_bucket),
            f"the bucket {context.state_bucket} cannot be looked at",
            _RIGHTS,
            _MISSING,
        )
    except ExpectedError:
        return False
    return True


def _make_bucket(context: Context) -> None:
    """Make the state bucket when it is missing: the state that says so has to lie in it."""
    s3 = Clients(context.account, context.administrator()).client("s3")
    where = {"LocationConstraint": context.project.region}
    options = {} if context.project.region == "us-east-1" else {"CreateBucketConfiguration": where}
    try:
        aws_call(
            lambda: s3.create_bucket(Bucket=context.state_bucket, **options),
            f"the bucket {context.state_bucket} cannot be made",
            _RIGHTS,
            _OWNED,
        )
    except ExpectedError:
        return
