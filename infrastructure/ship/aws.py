"""AWS clients, and the credentials they work with. No other module makes one."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ship.errors import ShipError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ship.config import Project, Run

# boto3 makes its clients and their answers at run time; they have no types.
type Client = Any
type Answer = Any

_AUDIENCE = "sts.amazonaws.com"
_ISSUER = "https://token.actions.githubusercontent.com"
_SESSION_SECONDS = 3600


@dataclass(frozen=True)
class Credentials:
    """One set of AWS credentials; without a token they are a root user's."""

    access_key: str
    secret_key: str
    token: str | None = None

    def variables(self) -> dict[str, str]:
        """The same as environment variables, as Terraform reads them."""
        named = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return named | ({"AWS_SESSION_TOKEN": self.token} if self.token else {})


@dataclass(frozen=True)
class Account:
    """Where the calls go: an account and a region, on AWS or on an emulator's endpoint."""

    account_id: str
    region: str
    endpoint: str | None = None

    def role(self, name: str) -> str:
        """The ARN of one of this account's roles."""
        return f"arn:aws:iam::{self.account_id}:role/{name}"


class Clients:
    """boto3 clients for one set of credentials, each made when it is first asked for.

    Without credentials of its own it uses those that the environment gives, as on GitHub.
    """

    def __init__(self, account: Account, credentials: Credentials | None) -> None:
        self._account = account
        self._credentials = credentials
        self._made: dict[str, Any] = {}

    @property
    def account(self) -> Account:
        """Where the calls go."""
        return self._account

    @property
    def credentials(self) -> Credentials | None:
        """What the calls are signed with; none when the environment's own are used."""
        return self._credentials

    def client(self, service: str) -> Client:
        """The client for a service."""
        if service not in self._made:
            self._made[service] = _client(service, self._account, self._credentials)
        return self._made[service]


def web_identity_token(project: Project, run: Run, environment: str | None) -> str:
    """A token with the claims that GitHub gives a job of this environment, or of none, on main.

    Only an emulator takes it: GitHub signs its tokens, this one is signed with nothing.
    https://docs.github.com/en/actions/reference/security/oidc
    """
    now = int(time.time())
    owner, _, _ = project.repository.partition("/")
    named = {"environment": environment} if environment else {}
    context = f"environment:{environment}" if environment else "ref:refs/heads/main"
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": f"{project.subject_prefix}:{context}",
        "repository": project.repository,
        "repository_owner": owner,
        **named,
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "event_name": run.event or "push",
        "actor": run.actor,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "jti": secrets.token_hex(16),
    }
    head = _segment({"alg": "HS256", "typ": "JWT", "kid": "local"})
    body = _segment(claims)
    signature = hmac.digest(secrets.token_bytes(32), f"{head}.{body}".encode(), hashlib.sha256)
    return f"{head}.{body}.{_base64url(signature)}"


def assume(account: Account, role: str, token: str) -> Credentials:
    """Exchange a web identity token for a role's credentials.

    Raises:
        ShipError: the role is not there, or does not trust the token.
    """
    response = aws_call(
        lambda: _client("sts", account, None, unsigned=True).assume_role_with_web_identity(
            RoleArn=account.role(role),
            RoleSessionName="ship",
            WebIdentityToken=token,
            DurationSeconds=_SESSION_SECONDS,
        ),
        f"the role {role} cannot be assumed",
        "make the roles with `ship up`, on AWS with `ship bootstrap --aws`",
    )["Credentials"]
    return Credentials(
        response["AccessKeyId"], response["SecretAccessKey"], response["SessionToken"]
    )


def current_account(region: str, endpoint: str | None) -> Account:
    """The account that the environment's own credentials belong to.

    Raises:
        ShipError: there are no credentials, or they are not accepted.
    """
    client = _client("sts", Account("", region, endpoint), None)
    identity = aws_call(
        client.get_caller_identity,
        "AWS does not accept these credentials",
        "sign in to AWS, or unset SHIP_TARGET to work on the emulator",
    )
    return Account(identity["Account"], region, endpoint)


class ExpectedError(Exception):
    """AWS refused a call with a code that the caller had named."""


def aws_call[T](
    call: Callable[[], T], fault: str, hint: str, expected: frozenset[str] = frozenset()
) -> T:
    """Make a call; what AWS or the network refuses becomes a fault.

    Raises:
        ExpectedError: it was refused with one of the expected error codes.
        ShipError: the call failed otherwise, retries included.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return call()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in expected:
            raise ExpectedError(str(error)) from error
        raise ShipError(f"{fault}: {error}", hint) from error
    except BotoCoreError as error:
        raise ShipError(f"{fault}: {error}", hint) from error


def _client(
    service: str, account: Account, credentials: Credentials | None, *, unsigned: bool = False
) -> Client:
    from botocore import UNSIGNED
    from botocore.config import Config

    options: dict[str, Any] = {"signature_version": UNSIGNED} if unsigned else {}
    config = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 5},
        s3={"addressing_style": "path"} if account.endpoint else None,
        max_pool_connections=16,
        **options,
    )
    return _session().client(
        service,
        region_name=account.region,
        endpoint_url=account.endpoint,
        config=config,
        aws_access_key_id=credentials.access_key if credentials else None,
        aws_secret_access_key=credentials.secret_key if credentials else None,
        aws_session_token=credentials.token if credentials else None,
    )


@functools.cache
def _session() -> Client:
    """One context for the process: it caches the service models."""
    # It costs a tenth of a second, which a command that needs no AWS shall not pay.
    import boto3.session

    return boto3.session.Session()


def _segment(value: dict[str, Any]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
