"""Somebody else works on the same environment: nothing of theirs is taken for a release of ours."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.faults.proxy import Wire, interfere
from tests.e2e.sandbox import Sandbox

pytestmark = pytest.mark.journey

FUNCTION = "serverless-flask-dev"
BUCKET = "serverless-flask-dev-artifacts-000000000000"


@pytest.fixture(autouse=True)
def clean(sandbox: Sandbox) -> Iterator[None]:
    sandbox.clean()
    yield
    sandbox.clean()


def published(sandbox: Sandbox) -> None:
    """Publish code that no release has."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("backend/handler.py", "handler = lambda event, context: {}")
    sandbox.client("lambda", "dev").update_function_code(
        FunctionName=FUNCTION, ZipFile=code.getvalue(), Publish=True
    )


def moved(sandbox: Sandbox) -> None:
    """Change the alias, so that its revision is another."""
    sandbox.client("lambda", "dev").update_alias(
        FunctionName=FUNCTION, Name="live", Description="by somebody else"
    )


def noted(sandbox: Sandbox) -> None:
    """Write the head, as another command would."""
    s3 = sandbox.client("s3", "dev")
    found = s3.get_object(Bucket=BUCKET, Key="state.json")["Body"].read()
    s3.put_object(Bucket=BUCKET, Key="state.json", Body=found + b"\n")


@pytest.mark.parametrize(
    ("call", "meanwhile", "status", "said"),
    [
        ("new code", published, 1, "Lambda holds other code than the release"),
        ("alias", moved, 3, "somebody else moved the alias"),
        ("head", noted, 1, "another command works on dev"),
    ],
)
def test_whoever_comes_between_two_calls_ends_the_deploy(
    sandbox: Sandbox,
    wire: Wire,
    call: str,
    meanwhile: Callable[[Sandbox], None],
    status: int,
    said: str,
) -> None:
    sandbox.edit(f"somebody else: {call}")
    before = sandbox.status("dev")["release"]
    interfere(wire, call, lambda: meanwhile(sandbox))

    told = sandbox.refused(
        "deploy", "dev", status=status, variables={"AWS_ENDPOINT_URL": wire.endpoint}
    )

    assert wire.faults.hit == 1
    assert said in told
    assert sandbox.status("dev")["release"] == before
    assert sandbox.seen("dev") == (before,) * 3


def test_the_next_deploy_brings_its_own_code_all_the_same(sandbox: Sandbox) -> None:
    published(sandbox)
    sandbox.edit("after somebody else")

    release = sandbox.json("deploy", "dev")["release"]

    assert sandbox.seen("dev") == (release,) * 3


@contextmanager
def altered(sandbox: Sandbox, key: str, change: Callable[[Any], None]) -> Iterator[None]:
    """Change a JSON document in the artifact bucket for a while."""
    s3 = sandbox.client("s3", "dev")
    before = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    document = json.loads(before)
    change(document)
    _replace(s3, key, json.dumps(document).encode())
    try:
        yield
    finally:
        _replace(s3, key, before)


def _replace(s3: Any, key: str, data: bytes) -> None:
    if key.startswith("releases/"):
        s3.delete_object(Bucket=BUCKET, Key=key)
        s3.put_object(Bucket=BUCKET, Key=key, Body=data, IfNoneMatch="*")
    else:
        s3.put_object(Bucket=BUCKET, Key=key, Body=data)


def test_a_release_whose_manifest_was_altered_is_no_target(sandbox: Sandbox) -> None:
    target = sandbox.status("dev")["previous"]

    def change(manifest: Any) -> None:
        manifest["commit"] = "0" * 40

    with altered(sandbox, f"releases/{target}/manifest.json", change):
        said = sandbox.refused("rollback", "dev", "--reason", "x")

    assert f"the manifest of {target} is not the one that was live" in said


def test_a_version_that_is_not_the_releases_code_is_no_target(sandbox: Sandbox) -> None:
    status = sandbox.status("dev")

    def change(head: Any) -> None:
        live = head["releases"][status["release"]]
        head["releases"][status["previous"]]["version"] = live["version"]

    with altered(sandbox, "state.json", change):
        said = sandbox.refused("rollback", "dev", "--reason", "x")

    assert f"is not the code of {status['previous']}" in said


def test_a_release_for_another_stack_is_refused(sandbox: Sandbox) -> None:
    """Newer code on older infrastructure, and older code on newer."""
    before = sandbox.status("dev")
    sandbox.edit("for a stack to come")
    sandbox.ship("build")
    path = sandbox.root / "dist/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"contract": [2, 3]}))

    said = sandbox.refused("deploy", "dev", "--dist", "dist")

    assert "needs a stack of contract 2 to 3, dev has 1" in said
    assert sandbox.status("dev") == before


def test_the_clean_up_leaves_all_that_a_rollback_and_an_open_page_need(sandbox: Sandbox) -> None:
    for number in range(3):
        sandbox.edit(f"one of many: {number}")
        sandbox.ship("deploy", "dev")
    status, s3 = sandbox.status("dev"), sandbox.client("s3", "dev")
    head = json.loads(s3.get_object(Bucket=BUCKET, Key="state.json")["Body"].read())

    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="releases/")["Contents"]
    stored = {item["Key"].split("/")[1] for item in listed}
    versions = sandbox.client("lambda", "dev").list_versions_by_function(FunctionName=FUNCTION)
    there = {item["Version"] for item in versions["Versions"]} - {"$LATEST"}

    assert len(status["rollback_candidates"]) >= 4
    assert {status["release"], *status["rollback_candidates"][:4]} <= stored
    assert stored == head["releases"].keys()
    assert {item["version"] for item in head["releases"].values()} == there
    for release in status["rollback_candidates"][:4]:
        manifest = s3.get_object(Bucket=BUCKET, Key=f"releases/{release}/manifest.json")
        files = json.loads(manifest["Body"].read())["files"]
        for path in files:
            if path.startswith("web/assets/"):
                site = "serverless-flask-dev-site-000000000000"
                s3.head_object(Bucket=site, Key=path.removeprefix("web/"))
