"""No role can read or write another environment's state, releases, parameters or function."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.sandbox import ACCOUNT, ENVIRONMENTS, Sandbox

NAME = "corner-shop"
DENIED = {"AccessDenied", "AccessDeniedException", "403", "Forbidden"}

Call = Callable[[Sandbox, str, str], Any]


def state(environment: str) -> dict[str, str]:
    key = f"stack/{environment}/{environment}/terraform.tfstate"
    return {"Bucket": f"{NAME}-state-{ACCOUNT}", "Key": key}


def artifacts(environment: str) -> str:
    return f"{NAME}-{environment}-artifacts-{ACCOUNT}"


CALLS: dict[str, Call] = {
    "read state": lambda w, role, e: w.client("s3", role).get_object(**state(e)),
    "lock state": lambda w, role, e: w.client("s3", role).put_object(
        Bucket=f"{NAME}-state-{ACCOUNT}", Key=f"{state(e)['Key']}.tflock", Body=b"{}"
    ),
    "unlock state": lambda w, role, e: w.client("s3", role).delete_object(
        Bucket=f"{NAME}-state-{ACCOUNT}", Key=f"{state(e)['Key']}.tflock"
    ),
    "list states": lambda w, role, e: w.client("s3", role).list_objects_v2(
        Bucket=f"{NAME}-state-{ACCOUNT}", Prefix=f"stack/{e}/"
    ),
    "list releases": lambda w, role, e: w.client("s3", role).list_objects_v2(Bucket=artifacts(e)),
    "read the state": lambda w, role, e: w.client("s3", role).get_object(
        Bucket=artifacts(e), Key="state.json"
    ),
    "write a release": lambda w, role, e: w.client("s3", role).put_object(
        Bucket=artifacts(e), Key=f"releases/by-{role}/x", Body=b"x", IfNoneMatch="*"
    ),
    "remove a release": lambda w, role, e: w.client("s3", role).delete_object(
        Bucket=artifacts(e), Key=f"releases/by-{role}/x"
    ),
    "write a page": lambda w, role, e: w.client("s3", role).put_object(
        Bucket=f"{NAME}-{e}-site-{ACCOUNT}", Key="assets/of-a-test.txt", Body=b"x"
    ),
    "remove a page": lambda w, role, e: w.client("s3", role).delete_object(
        Bucket=f"{NAME}-{e}-site-{ACCOUNT}", Key="assets/of-a-test.txt"
    ),
    "read a parameter": lambda w, role, e: w.client("ssm", role).get_parameter(
        Name=f"/{NAME}/{e}/SECRET_KEY"
    ),
    "write a parameter": lambda w, role, e: w.client("ssm", role).put_parameter(
        Name=f"/{NAME}/{e}/public/notice", Value="none", Type="String", Overwrite=True
    ),
    "read the function": lambda w, role, e: w.client("lambda", role).get_function_configuration(
        FunctionName=f"{NAME}-{e}"
    ),
    "move the alias": lambda w, role, e: w.client("lambda", role).update_alias(
        FunctionName=f"{NAME}-{e}", Name="live", Description="by a test"
    ),
    "unmove the alias": lambda w, role, e: w.client("lambda", role).update_alias(
        FunctionName=f"{NAME}-{e}", Name="live", Description=""
    ),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_role_reaches_its_own_environment_and_no_other(sandbox: Sandbox, what: str) -> None:
    for role, target in product(ENVIRONMENTS, ENVIRONMENTS):
        found = refusal(lambda: CALLS[what](sandbox, role, target))  # noqa: B023 - called at once
        assert (found in DENIED) == (role != target), f"{role} → {target}: {what}: {found}"
        assert found in DENIED | {""}, f"{role} → {target}: {what}: {found}"


@pytest.fixture(scope="module")
def preview(sandbox: Sandbox) -> Iterator[str]:
    """As much of a preview as the emulator wants to see before it says who may reach it."""
    s3 = sandbox.client("s3", "preview")
    buckets = [f"{NAME}-pr-9-{what}-{ACCOUNT}" for what in ("artifacts", "site")]
    for bucket in buckets:
        where = {"LocationConstraint": "eu-west-1"}
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    yield "pr-9"
    for bucket in buckets:
        s3.delete_bucket(Bucket=bucket)


@pytest.mark.parametrize("what", CALLS)
def test_previews_and_permanent_environments_do_not_reach_each_other(
    sandbox: Sandbox, preview: str, what: str
) -> None:
    """Any branch of the repository may use the previews' role."""
    for name in ENVIRONMENTS:
        for role, target in (("preview", name), (name, preview)):
            found = refusal(lambda: CALLS[what](sandbox, role, target))  # noqa: B023 - called at once
            assert found in DENIED, f"{role} → {target}: {what}: {found}"


@pytest.mark.parametrize("what", ["list states", "lock state", "unlock state", "list releases"])
def test_the_previews_role_reaches_previews(sandbox: Sandbox, preview: str, what: str) -> None:
    assert refusal(lambda: CALLS[what](sandbox, "preview", preview)) == ""


def refusal(call: Callable[[], object]) -> str:
    """The error code that a call is refused with; empty when it is not."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_a_stored_release_cannot_be_overwritten(sandbox: Sandbox) -> None:
    """Not even by the environment's own role: the bucket takes only keys that are not there."""
    release = sandbox.status("dev")["release"]

    with pytest.raises(ClientError) as raised:
        sandbox.client("s3", "dev").put_object(
            Bucket=artifacts("dev"), Key=f"releases/{release}/backend.zip", Body=b"other"
        )

    assert raised.value.response["Error"]["Code"] in DENIED | {"PreconditionFailed"}


@pytest.mark.parametrize("key", ["history/0000000000.json", "stack.json"])
def test_the_ledger_and_the_stack_cannot_be_removed_by_a_release(
    sandbox: Sandbox, key: str
) -> None:
    with pytest.raises(ClientError) as raised:
        sandbox.client("s3", "dev").delete_object(Bucket=artifacts("dev"), Key=key)

    assert raised.value.response["Error"]["Code"] in DENIED
