"""AWS clients, and the credentials they work with. No other module makes one."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ship.errors import ShipError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ship.config import Project, Run

# On an emulator, where the project does not say which number GitHub gave its repository.
UNKNOWN_ID = "0"

# boto3 makes its clients and their responses at run time; they have no types.
type Client = Any
type Answer = Any


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
    """Where calls go: an account and a region, on AWS or at an emulator's endpoint."""

    account_id: str
    region: str
    endpoint: str | None = None


@dataclass(frozen=True)
class Clients:
    """boto3 clients for one set of credentials, each made when it is first asked for.

    Without credentials of its own it uses those that the environment gives, as on GitHub.
    """

    account: Account
    credentials: Credentials | None
    _made: dict[str, Client] = field(default_factory=dict)

    def client(self, service: str) -> Client:
        """The client for a service."""
        if service not in self._made:
            self._made[service] = _client(service, self.account, self.credentials)
        return self._made[service]

    def patient_client(self, service: str, seconds: float) -> Client:
        """A client whose calls may take so long, and are made once: what they do counts twice."""
        return _client(service, self.account, self.credentials, seconds=seconds)


def web_identity_token(project: Project, run: Run, environment: str | None) -> str:
    """A token with the claims of a job on GitHub, of this environment or of none, on main.

    They are those that a role's trust policy can read. Only an emulator takes it: GitHub signs its
    tokens; this one's signature means nothing.
    https://docs.github.com/en/actions/reference/security/oidc
    """
    context = f"environment:{environment}" if environment else "ref:refs/heads/main"
    workflow = f"{project.repository}/.github/workflows/environment.yml@refs/heads/main"
    claims = {
        "iss": "https://token.actions.githubusercontent.com",
        "aud": "sts.amazonaws.com",
        "sub": f"{project.subject.prefix}:{context}",
        "repository": project.repository,
        "repository_id": project.subject.repository_id or UNKNOWN_ID,
        "ref": "refs/heads/main",
        "job_workflow_ref": next(iter(project.job_workflow_refs), workflow),
        "actor": run.actor,
        "exp": int(time.time()) + 300,
        **({"environment": environment} if environment else {}),
    }
    parts = ({"alg": "HS256", "typ": "JWT", "kid": "local"}, claims)
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
    signature = hmac.digest(secrets.token_bytes(32), signed.encode(), hashlib.sha256)
    return f"{signed}.{_base64url(signature)}"


def assume(account: Account, role: str, token: str) -> Credentials:
    """Exchange a web identity token for a role's credentials."""
    # Unsigned: the token is what identifies the caller, who may have no credentials yet.
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
    sts = _client("sts", account, None, unsigned=True)
    arn = f"arn:aws:iam::{account.account_id}:role/{role}"
    found = aws_call(
        lambda: sts.assume_role_with_web_identity(
            RoleArn=arn, RoleSessionName="ship", WebIdentityToken=token
        ),
        f"the role {role} cannot be assumed",
        "make the roles with `ship up`, on AWS with `ship bootstrap --aws`",
    )["Credentials"]
    return Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])


def current_account(region: str, endpoint: str | None) -> Account:
    """The account that the environment's own credentials belong to."""
    _refuse_login()
    client = _client("sts", Account("", region, endpoint), None)
    identity = aws_call(
        client.get_caller_identity,
        "AWS does not accept these credentials",
        "sign in to AWS, or unset SHIP_TARGET to work on the emulator",
    )
    return Account(identity["Account"], region, endpoint)


# A HEAD request has no body for S3 to name the error in, so boto3 says 404.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
MISSING = frozenset(
    {
        *("404", "NoSuchBucket", "NoSuchEntity", "NoSuchFunctionExists", "NoSuchKey"),
        *("NotFoundException", "ParameterNotFound", "ResourceNotFoundException"),
    }
)


class ExpectedError(Exception):
    """AWS refused a call with a code that the caller had named."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


def aws_call[T](
    call: Callable[[], T],
    message: str,
    hint: str = "check credentials and network, or run `ship doctor`; then run the command again",
    expected: frozenset[str] = frozenset(),
) -> T:
    """Make a call; what AWS or the network refuses becomes a ShipError.

    Raises:
        ExpectedError: it was refused with one of the expected error codes.
        ShipError: the call failed otherwise, retries included.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return call()
    except (BotoCoreError, ClientError) as error:
        response = error.response if isinstance(error, ClientError) else {}
        code = response.get("Error", {}).get("Code")
        if code in expected:
            raise ExpectedError(str(error), code) from error
        raise ShipError(f"{message}: {error}", hint) from error


def aws_find[T](call: Callable[[], T], message: str) -> T | None:
    """Make a call; none where there is not what it asks for.

    Raises:
        ShipError: the call failed otherwise, retries included.
    """
    try:
        return aws_call(call, message, expected=MISSING)
    except ExpectedError:
        return None


def aws_list(client: Client, call: str, key: str, message: str, **request: Any) -> list[Any]:
    """What every page of a call lists under a key."""
    pages = client.get_paginator(call).paginate
    return aws_call(
        lambda: [one for page in pages(**request) for one in page.get(key, ())], message
    )


def _client(
    service: str,
    account: Account,
    credentials: Credentials | None,
    *,
    unsigned: bool = False,
    seconds: float | None = None,
) -> Client:
    from botocore import UNSIGNED
    from botocore.config import Config

    options: dict[str, Any] = {"signature_version": UNSIGNED} if unsigned else {}
    config = Config(
        # Short: a call that hangs is repeated.
        connect_timeout=5,
        read_timeout=seconds or 60,
        # "legacy", the default, does not repeat every throttled call.
        # https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html
        retries={"mode": "standard", "total_max_attempts": 1 if seconds else 5},
        # A NAT gateway drops a connection that is silent for 350 seconds.
        # https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
        tcp_keepalive=seconds is not None,
        # A bucket's name in front of an emulator's host resolves to nothing.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
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


def _refuse_login() -> None:
    """Refuse credentials of `aws login`: boto3 needs another package for them, Terraform has none.

    https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html
    """
    from botocore.exceptions import MissingDependencyException

    try:
        found = _session().get_credentials()
    except MissingDependencyException:
        method = "login"
    else:
        method = found.method if found else ""
    if method == "login":
        raise ShipError(
            "Terraform cannot use credentials of `aws login`",
            'pass them on with `eval "$(aws configure export-credentials --format env)"`, then run '
            "the command again",
        )


@functools.cache
def _session() -> Client:
    """One boto3 session for the process: it caches the service models."""
    # The import takes a tenth of a second; a command that needs no AWS does without.
    import boto3.session

    return boto3.session.Session()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
