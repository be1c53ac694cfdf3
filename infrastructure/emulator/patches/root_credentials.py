"""IAM: who is root, and what a request without a key may do."""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.patches import patch
from emulator.patches.upstream import Upstream, edit, replace
from emulator.state_directory import read_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.patches import Settings

    type ReadRoot = Callable[[], dict[str, str]]


@patch("one-root", "`test`, an empty key and any twelve digits are root, and need not sign")
def one_root(settings: Settings) -> None:
    """Let only the key pair in the root file be root, and check its signature.

    Report: "With AUTH=true everybody is root who sends `test`, twelve digits or no key".
    AWS: a request without a key is anonymous. It is served where operations are sent unsigned,
    by S3, which decides by the bucket's own grants, and on routes of API Gateway without IAM.
    Reproduce: list the roles with the key `test` and any secret.
    """
    from ministack import app
    from ministack.core import iam_evaluator

    def read_root() -> dict[str, str]:
        """Read the key pair that is root at this moment; a withdrawn one has no members."""
        return read_json(settings.root_file)

    replace(iam_evaluator, "is_root_access_key", lambda _access_key_id: False)
    replace(iam_evaluator, "resolve_credential", _resolve_credential(iam_evaluator, read_root))
    known, is_root = "_is_root_key(access_key_id)", "access_key_id == _root().get('access_key_id')"
    edit(iam_evaluator, "resolve_caller_identity", known, is_root, _root=read_root)
    first = "    account_id = get_account_id()\n"
    served = "    if _is_open(access_key_id, iam_action, service, resource_arn, service_context):\n"
    new = f"{served}        return None\n{first}"
    edit(iam_evaluator, "enforce", first, new, _is_open=_is_open)
    # A route asks for a key only where its authorization is AWS_IAM. A request that no route
    # matches is answered 404 by the API.
    checked, open_ = 'authorization not in (None, "AWS_IAM")', 'authorization != "AWS_IAM"'
    invokes = 'iam_action == "execute-api:Invoke"'
    edit(app, "_enforce_execute_api", checked, f"{invokes} and {open_}")


def _resolve_credential(evaluator: Upstream, read_root: ReadRoot) -> Upstream:
    from ministack.core.responses import get_account_id

    original = evaluator.resolve_credential
    unchecked = evaluator._SESSION_TOKEN_NOT_CHECKED

    def resolve_credential(
        access_key_id: str, account_id: str | None = None, session_token: Upstream = unchecked
    ) -> Upstream:
        root = read_root()
        if access_key_id and access_key_id == root.get("access_key_id"):
            account = account_id or get_account_id()
            wrong = evaluator._validate_session_token(None, session_token)
            return wrong or evaluator.ResolvedCredential(
                **root,
                account_id=account,
                principal_arn=f"arn:aws:iam::{account}:root",
                principal_id=account,
                principal_type="Root",
                source_access_key_id=access_key_id,
            )
        credential = original(access_key_id, account_id, session_token)
        if "access_key_id" not in root and _comes_from_root(credential, access_key_id):
            return evaluator._unknown_access_key()
        return credential

    return resolve_credential


def _comes_from_root(credential: Upstream, access_key_id: str) -> bool:
    """Whether a temporary credential is root's own, or a federated user's that root made."""
    from ministack.services import sts

    kind = getattr(credential, "principal_type", "")
    session = sts._sessions.get(access_key_id) or {}
    source = str(session.get("SourcePrincipalArn", ""))
    return kind == "Root" or (kind == "FederatedUser" and source.endswith(":root"))


def _is_open(
    key: str, action: str, service: str, resource: str, context: dict[str, Any] | None
) -> bool:
    """Whether AWS serves this without a key, and decides by other means."""
    from ministack.core import iam_evaluator

    if key or iam_evaluator._signed_request.get() is not None:
        return False
    if service == "s3":
        from ministack.services import s3

        bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        return s3._bucket_owner_account(bucket) is not None
    if action == "lambda:InvokeFunctionUrl":
        return (context or {}).get("lambda:FunctionUrlAuthType") == "NONE"
    return bool(iam_evaluator._served_unsigned(service, action))
