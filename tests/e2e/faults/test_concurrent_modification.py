"""Somebody else works on the same environment: nothing of theirs is taken for a release of ours."""

import io
import zipfile
from collections.abc import Callable

import pytest

from tests.e2e.faults.proxy import Proxy
from tests.e2e.sandbox import Sandbox


def publish_code(sandbox: Sandbox) -> None:
    """Publish code that no release has."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("lambda_adapter/handler.py", "handler = lambda event, context: {}")
    sandbox.client("lambda", "dev").update_function_code(
        FunctionName=sandbox.function("dev"), ZipFile=code.getvalue(), Publish=True
    )


def change_alias(sandbox: Sandbox) -> None:
    """Change the alias, so that its revision is another."""
    sandbox.client("lambda", "dev").update_alias(
        FunctionName=sandbox.function("dev"), Name="live", Description="by somebody else"
    )


def write_state(sandbox: Sandbox) -> None:
    """Write the state, as another command would."""
    s3 = sandbox.client("s3", "dev")
    found = s3.get_object(Bucket=sandbox.bucket("dev"), Key="state.json")["Body"].read()
    s3.put_object(Bucket=sandbox.bucket("dev"), Key="state.json", Body=found + b"\n")


@pytest.mark.parametrize(
    ("call", "meanwhile", "status", "said"),
    [
        ("alias", change_alias, 3, "somebody else moved the alias"),
        pytest.param(
            *("new code", publish_code, 1, "Lambda has other code than the release"),
            marks=pytest.mark.nightly,
        ),
        pytest.param(
            *("state", write_state, 1, "another command works on dev"), marks=pytest.mark.nightly
        ),
    ],
)
def test_a_change_by_somebody_else_between_two_calls_ends_the_deploy(
    sandbox: Sandbox,
    proxy: Proxy,
    call: str,
    meanwhile: Callable[[Sandbox], None],
    status: int,
    said: str,
) -> None:
    sandbox.edit(f"somebody else: {call}")
    before = sandbox.status("dev")["release"]
    proxy.interfere(call, lambda: meanwhile(sandbox))

    message = sandbox.refused(
        "deploy", "dev", status=status, variables={"AWS_ENDPOINT_URL": proxy.endpoint}
    )

    assert proxy.hit == 1
    assert said in message
    assert sandbox.status("dev")["release"] == before
    assert sandbox.served("dev") == (before,) * 3
