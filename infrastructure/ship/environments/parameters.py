"""An application's settings and secrets: the parameters directly below /PROJECT/ENV.

`lambda_adapter.parameters` makes them environment variables. What lies deeper is the application's
own business.
"""

from __future__ import annotations

import difflib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from lambda_adapter import parameters as adapter
from ship.aws import ExpectedError, aws_call, aws_find, aws_list
from ship.errors import ShipError, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from ship.aws import Client

SIGNING_KEY = "SECRET_KEY"
# Ten pages of ten, which is where `lambda_adapter.aws` stops.
MAX_SETTINGS = 100
_FALLBACKS = "_FALLBACKS"
# Flask tries each with every session that the key itself did not sign.
_KEPT = 3
# https://docs.aws.amazon.com/general/latest/gr/ssm.html
_MAX_BYTES = 8192


@dataclass(frozen=True)
class Setting:
    """One version of a setting; a secret's value is not here."""

    name: str
    secret: bool
    value: str
    version: int
    at: str
    by: str


class Parameters:
    """The settings of one environment."""

    def __init__(self, ssm: Client, path: str, key: str) -> None:
        """Use a key, by its alias, for what is secret."""
        self._ssm = ssm
        self._path = path
        self._commands = f"ship settings {path.rpartition('/')[2]}"
        self._key = key

    def read_all(self) -> list[Setting]:
        """All of them, by name."""
        chosen = [{"Key": "Path", "Option": "OneLevel", "Values": [self._path]}]
        described = self._pages("describe_parameters", ParameterFilters=chosen)
        by = {one["Name"]: one.get("LastModifiedUser", "") for one in described}
        # Without decryption: no secret's value is even fetched.
        found = self._pages("get_parameters_by_path", Path=self._path, WithDecryption=False)
        settings = [_setting(one | {"LastModifiedUser": by.get(one["Name"], "")}) for one in found]
        return sorted(settings, key=lambda one: one.name)

    def get(self, name: str) -> tuple[str, bool]:
        """A setting's value, and whether it is secret.

        Raises:
            ShipError: there is no such setting.
        """
        return self._check(name, decrypt=True)

    def set(self, name: str, value: str, *, secret: bool) -> None:
        """Set a value, of a new setting or an old one.

        Raises:
            UsageError: the name or the value cannot be an environment variable's.
            ShipError: it is a secret that would no longer be one.
        """
        if reason := adapter.refusal(name):
            raise UsageError(f"{name} cannot be set: the name {reason}", "choose another name")
        size = len(value.encode())
        if not 0 < size <= _MAX_BYTES or "\0" in value:
            raise UsageError(
                f"the value of {name} has {size} bytes" + (", and a NUL" if "\0" in value else ""),
                f"give 1 to {_MAX_BYTES} bytes of text; keep what is larger in S3",
            )
        old = self._find(name, decrypt=False)
        if old is None and len(self.read_all()) >= MAX_SETTINGS:
            raise ShipError(
                f"{self._path} has {MAX_SETTINGS} settings, as many as a function reads",
                f"unset one that is not needed: `{self._commands} list`",
            )
        if old and old[1] and not secret:
            raise ShipError(
                f"{name} is a secret; its new value would be readable by everybody who may list",
                "leave out --plain, or unset it first",
            )
        encryption = {"KeyId": self._key} if secret else {}
        try:
            aws_call(
                lambda: self._ssm.put_parameter(
                    Name=f"{self._path}/{name}",
                    Value=value,
                    Type="SecureString" if secret else "String",
                    Overwrite=True,
                    # Above 4 KB a parameter is an advanced one, five cents a month.
                    Tier="Intelligent-Tiering",
                    **encryption,
                ),
                f"{name} cannot be set",
                expected=frozenset({"ValidationException"}),
            )
        except ExpectedError:
            # Its message repeats the value, and so would a trace.
            raise ShipError(
                f"Parameter Store does not take this value of {name}",
                "it takes text without {{ and }}, which are references to other parameters",
            ) from None

    def unset(self, name: str) -> None:
        """Remove a setting.

        Raises:
            ShipError: there is no such setting, or Terraform would make it again.
        """
        self._check(name)
        if name == SIGNING_KEY:
            raise ShipError(
                f"{name} belongs to the environment: the next apply would make another",
                f"to replace it, `{self._commands} rotate {name}`",
            )
        self._delete(name)

    def rotate(self, name: str) -> None:
        """Draw a new key; the old one stays among the fallbacks, so that sessions stay valid.

        Raises:
            ShipError: there is no such key, or it is not one that signs, or the fallbacks are not
                a list.
        """
        if not name.endswith(SIGNING_KEY):
            raise UsageError(
                f"{name} is not a key that `ship` can draw",
                f"name one that ends in {SIGNING_KEY}; others change with `set`",
            )
        old, _ = self.get(name)
        fallbacks = f"{name}{_FALLBACKS}"
        found = self._find(fallbacks, decrypt=True)
        try:
            older = json.loads(found[0]) if found else []
        except ValueError:
            older = None
        if not isinstance(older, list) or not all(isinstance(one, str) for one in older):
            raise ShipError(
                f"{fallbacks} is not a JSON list of texts", "set it to one, or unset it"
            )
        # A dict: a rotation that has died left the old key among them already.
        kept = list(dict.fromkeys([old, *older]))[:_KEPT]
        self.set(fallbacks, json.dumps(kept), secret=True)
        self.set(name, secrets.token_hex(32), secret=True)

    def history(self, name: str) -> list[Setting]:
        """Every version that Parameter Store still has (100), newest first.

        Raises:
            ShipError: there is no such setting.
        """
        self._check(name)
        full = f"{self._path}/{name}"
        found = self._pages("get_parameter_history", Name=full)
        return [_setting(one) for one in reversed(found)]

    def remove_all(self) -> None:
        """Remove every setting, when the environment itself is destroyed."""
        for one in self.read_all():
            self._delete(one.name)

    def _delete(self, name: str) -> None:
        # boto3 repeats a call whose response was lost, and then finds nothing.
        aws_find(
            lambda: self._ssm.delete_parameter(Name=f"{self._path}/{name}"),
            f"{name} cannot be removed",
        )

    def _check(self, name: str, *, decrypt: bool = False) -> tuple[str, bool]:
        found = self._find(name, decrypt=decrypt)
        if found is None:
            near = difflib.get_close_matches(name, [one.name for one in self.read_all()], n=1)
            hint = f"did you mean {near[0]}?" if near else f"see `{self._commands} list`"
            raise ShipError(f"{self._path} has no {name}", hint)
        return found

    def _find(self, name: str, *, decrypt: bool) -> tuple[str, bool] | None:
        full = f"{self._path}/{name}"
        found = aws_find(
            lambda: self._ssm.get_parameter(Name=full, WithDecryption=decrypt)["Parameter"],
            f"{name} cannot be read",
        )
        return (str(found["Value"]), found["Type"] == "SecureString") if found else None

    def _pages(self, operation: str, **request: Any) -> list[dict[str, Any]]:
        message = f"the settings below {self._path} cannot be listed"
        return aws_list(self._ssm, operation, "Parameters", message, **request)


def _setting(found: dict[str, Any]) -> Setting:
    secret, changed = found["Type"] == "SecureString", found["LastModifiedDate"]
    at: datetime = changed.astimezone(UTC)
    return Setting(
        name=found["Name"].rpartition("/")[2],
        secret=secret,
        value="" if secret else found["Value"],
        version=found["Version"],
        at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        # arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION, or a user's or the root's.
        by=found["LastModifiedUser"].rpartition(":")[2],
    )
