from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.e2e.sandbox import Sandbox, clone, free_ports


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Sandbox]:
    """A checkout whose emulator is an empty account."""
    sandbox = Sandbox(clone(tmp_path / "checkout"), free_ports())
    sandbox.context.emulator.start(lambda _: None)
    try:
        yield sandbox
    finally:
        sandbox.call("down")


@pytest.mark.nightly
def test_an_empty_account_is_made_once(empty: Sandbox) -> None:
    """The path to AWS, with the emulator as its endpoint."""
    endpoint = f"http://127.0.0.1:{empty.port}"
    root = empty.context.administrator()
    assert root
    keys = {"aws_access_key_id": root.access_key, "aws_secret_access_key": root.secret_key}
    iam, s3 = (
        boto3.client(name, region_name=empty.project.region, endpoint_url=endpoint, **keys)
        for name in ("iam", "s3")
    )

    # Nobody is signed in to GitHub: pyproject.toml says how tokens begin.
    outside = {"AWS_ENDPOINT_URL": endpoint, "GH_CONFIG_DIR": str(empty.root), "GH_TOKEN": ""}

    said = empty.refused("bootstrap", "--aws", status=2, variables=outside)

    assert "or add `--yes`" in said
    assert (s3.list_buckets()["Buckets"], iam.list_roles()["Roles"]) == ([], [])

    made = empty.ship("bootstrap", "--aws", "--yes", **outside)

    assert made == "the account is ready\n"
    names = {role["RoleName"] for role in iam.list_roles()["Roles"]}
    assert {"corner-shop-deploy-production", "corner-shop-plan"} <= names

    again = empty.ship("bootstrap", "--aws", **outside)

    assert again == "there is nothing to change\n"
