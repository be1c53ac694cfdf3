"""Who is root: one random key pair, signed, and nobody once it is withdrawn."""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import mend
from .theirs import Theirs, replace

if TYPE_CHECKING:
    from pathlib import Path

    from . import Settings


@dataclass(frozen=True)
class RootKey:
    """The root key pair; withdrawn when it is empty."""

    access_key_id: str = ""
    secret_access_key: str = ""


class RootFile:
    """The file that holds the root key pair, read anew whenever it was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._key = RootKey()

    def key(self) -> RootKey:
        """Return the key pair that is root at this moment."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return RootKey()
        seen = (stat.st_mtime_ns, stat.st_ino)
        if seen != self._seen:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            self._key = RootKey(found.get("access_key_id", ""), found.get("secret_access_key", ""))
            self._seen = seen
        return self._key


@mend(
    "one-root",
    found="2026-11-23",
    fault="`test`, an empty key and every key of twelve digits is root, and no root signs",
)
def one_root(settings: Settings) -> None:
    """Let only the key pair in the root file be root, as a credential that has to sign.

    Whoever has no key is nobody, except where AWS serves without one: operations that are
    sent unsigned, and S3, which decides by the bucket's own grants.
    """
    from ministack.core import iam_evaluator

    root = RootFile(settings.root_file)
    replace(iam_evaluator, "is_root_access_key", _nobody_by_name)
    replace(iam_evaluator, "resolve_credential", _resolve_credential(iam_evaluator, root))
    replace(iam_evaluator, "resolve_caller_identity", _resolve_identity(iam_evaluator, root))
    replace(iam_evaluator, "enforce", _enforce(iam_evaluator))
    _serve_open_routes()


def _nobody_by_name(_access_key_id: str) -> bool:
    return False


def _resolve_credential(evaluator: Theirs, root: RootFile) -> Theirs:
    original = evaluator.resolve_credential
    unchecked = evaluator._SESSION_TOKEN_NOT_CHECKED

    def resolve_credential(
        access_key_id: str, account_id: str | None = None, session_token: Theirs = unchecked
    ) -> Theirs:
        key = root.key()
        if access_key_id and access_key_id == key.access_key_id:
            return _root_credential(evaluator, key, account_id, session_token)
        credential = original(access_key_id, account_id, session_token)
        if not key.access_key_id and _comes_from_root(credential, access_key_id):
            return evaluator._unknown_access_key()
        return credential

    return resolve_credential


def _root_credential(
    evaluator: Theirs, key: RootKey, account_id: str | None, token: Theirs
) -> Theirs:
    from ministack.core.responses import get_account_id

    account = account_id or get_account_id()
    return evaluator._validate_session_token(None, token) or evaluator.ResolvedCredential(
        access_key_id=key.access_key_id,
        secret_access_key=key.secret_access_key,
        account_id=account,
        principal_arn=f"arn:aws:iam::{account}:root",
        principal_id=account,
        principal_type="Root",
        source_access_key_id=key.access_key_id,
    )


def _comes_from_root(credential: Theirs, access_key_id: str) -> bool:
    """Whether a temporary credential is root's own, or a federated user's that root made."""
    from ministack.services import sts

    kind = getattr(credential, "principal_type", "")
    session = sts._sessions.get(access_key_id) or {}
    source = str(session.get("SourcePrincipalArn", ""))
    return kind == "Root" or (kind == "FederatedUser" and source.endswith(":root"))


def _resolve_identity(evaluator: Theirs, root: RootFile) -> Theirs:
    original = evaluator.resolve_caller_identity

    def resolve_caller_identity(access_key_id: str) -> Theirs:
        from ministack.core.responses import get_account_id

        if not access_key_id or access_key_id != root.key().access_key_id:
            return original(access_key_id)
        account = get_account_id()
        return {
            "accessKey": access_key_id,
            "accountId": account,
            "userArn": f"arn:aws:iam::{account}:root",
            "userId": account,
            "principalOrgId": evaluator._principal_org_id(account),
            "session": None,
        }

    return resolve_caller_identity


def _enforce(evaluator: Theirs) -> Theirs:
    original = evaluator.enforce

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Theirs:
        keyless = not access_key_id and evaluator._signed_request.get() is None
        if keyless and _is_open(evaluator, service, iam_action, resource_arn, service_context):
            return None
        return original(access_key_id, iam_action, service, region, resource_arn, service_context)

    return enforce


def _is_open(
    evaluator: Theirs, service: str, action: str, resource: str, context: dict[str, Any] | None
) -> bool:
    """Whether AWS lets anybody through here, to decide by other means than a key."""
    if service == "s3":
        return _bucket_exists(resource)
    if action == "lambda:InvokeFunctionUrl":
        return (context or {}).get("lambda:FunctionUrlAuthType") == "NONE"
    return bool(evaluator._served_unsigned(service, action))


def _bucket_exists(resource_arn: str) -> bool:
    from ministack.services import s3

    bucket = resource_arn.removeprefix("arn:aws:s3:::").partition("/")[0]
    return s3._bucket_owner_account(bucket) is not None


def _serve_open_routes() -> None:
    """Ask for a key on a route of API Gateway only where its authorization is AWS_IAM.

    A request that no route matches is answered 404 by the API, as on AWS.
    """
    from ministack import app

    original = app._enforce_execute_api

    def enforce_execute_api(
        api_id: str,
        stage: str,
        method: str,
        path: str,
        headers: dict[str, str],
        query: dict[str, Any],
        iam_action: str = "execute-api:Invoke",
    ) -> Theirs:
        authorization = app._execute_api_authorization_type(api_id, stage, method, path)
        if iam_action == "execute-api:Invoke" and authorization != "AWS_IAM":
            return None
        return original(api_id, stage, method, path, headers, query, iam_action)

    app._enforce_execute_api = enforce_execute_api
