"""The lock of an environment's Terraform state, which `ship` holds itself.

It is the object that Terraform's own lock would be, so that a Terraform which a person calls
respects it. Terraform's says `user@host`; this one says which run holds it, so that the next run
can find out whether that has ended, and records first what it may have made and not recorded.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from ship.aws import MISSING, ExpectedError, aws_call, aws_find
from ship.config import is_preview
from ship.environments.terraform import TerraformKilledError
from ship.errors import ShipError
from ship.state import Owner, hold_lock, is_finished
from ship.state.transaction import now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ship.aws import Client
    from ship.environments.context import Context

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_CONFLICT = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
# GitHub ends every job of the previews' workflows sooner.
_MAX_PREVIEW_AGE = timedelta(hours=1)


@dataclass(frozen=True)
class Holder:
    """Who holds the lock, and since when (UTC, ISO 8601)."""

    owner: Owner
    at: str
    etag: str


class StateLock:
    """The lock of one environment's Terraform state."""

    def __init__(self, context: Context, environment: str) -> None:
        self._context = context
        self._environment = environment
        self._bucket = context.state_bucket
        self.state_key = f"stack/{environment}/{environment}/terraform.tfstate"
        self._key = f"{self.state_key}.tflock"

    @contextmanager
    def hold(self, force: str | None = None) -> Iterator[bool]:
        """Hold the lock; yields whether it was taken over, because its run had ended.

        It stays behind, for the next run to take over, when Terraform was killed, and when
        anything fails after it had been taken over.

        Args:
            force: the run to take the lock from, where a person knows that it has ended.

        Raises:
            ShipError: a run holds it, or it cannot be known whether that has ended.
        """
        context = self._context
        with hold_lock(context.settings.run, context.project.home / "locks") as owner:
            holder = self.holder()
            if holder and not self.is_left(holder) and holder.owner.run != force:
                raise self._locked(holder)
            etag = self._write(owner, holder)
            try:
                yield holder is not None
            except TerraformKilledError:
                raise
            except BaseException:
                if holder is None:
                    self._delete(etag)
                raise
            self._delete(etag)

    def holder(self) -> Holder | None:
        """Who holds the lock, if anybody."""
        found = aws_find(
            lambda: self._s3.get_object(Bucket=self._bucket, Key=self._key),
            f"{self._key} cannot be read",
        )
        if found is None:
            return None
        info = json.loads(found["Body"].read())
        # Terraform's own lock has no owner: its id has to do.
        run = info.get("Info") or f"terraform:{info['ID']}"
        return Holder(Owner(info["Who"], run), info["Created"], found["ETag"])

    def is_left(self, holder: Holder) -> bool:
        """Whether the run that holds the lock is known to have ended."""
        age = datetime.now(UTC) - datetime.fromisoformat(holder.at)
        if is_preview(self._environment) and age > _MAX_PREVIEW_AGE:
            return True
        return is_finished(holder.owner, self._context.settings.run)

    @property
    def _s3(self) -> Client:
        return self._context.clients(self._environment).client("s3")

    def _write(self, owner: Owner, replaced: Holder | None) -> str:
        # The fields are Terraform's. https://github.com/hashicorp/terraform/blob/v1.11.4/internal/states/statemgr/locker.go
        info = {
            "ID": str(uuid4()),
            "Operation": "ship",
            "Info": owner.run,
            "Who": owner.actor,
            "Version": "",
            "Created": now(),
            "Path": f"{self._bucket}/{self.state_key}",
        }
        condition = {"IfMatch": replaced.etag} if replaced else {"IfNoneMatch": "*"}
        body = json.dumps(info).encode()
        try:
            put = aws_call(
                lambda: self._s3.put_object(
                    Bucket=self._bucket, Key=self._key, Body=body, **condition
                ),
                f"{self._key} cannot be written",
                expected=_CONFLICT,
            )
            return str(put["ETag"])
        except ExpectedError as error:
            holder = self.holder()
            # boto3 repeats a call whose response was lost, and then conflicts with its own write.
            if holder and holder.owner == owner:
                return holder.etag
            if holder:
                raise self._locked(holder) from error
            raise ShipError(
                f"another command works on {self._environment} at this moment",
                "run the command again",
            ) from error

    def _delete(self, etag: str) -> None:
        # IfMatch: a person may have given the lock to another run.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
        with suppress(ExpectedError):
            aws_call(
                lambda: self._s3.delete_object(Bucket=self._bucket, Key=self._key, IfMatch=etag),
                f"{self._key} cannot be removed",
                expected=_CONFLICT | MISSING,
            )

    def _locked(self, holder: Holder) -> ShipError:
        name, owner = self._environment, holder.owner
        return ShipError(
            f"the infrastructure of {name} is being changed ({owner.actor}, {owner.run}, since "
            f"{holder.at})",
            f"wait for it; if that run has ended on another machine: "
            f"`ship unlock {name} --run {owner.run}`",
        )
