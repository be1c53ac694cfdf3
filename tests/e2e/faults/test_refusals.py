"""Bad input and bad surroundings: one line of fault, one of hint, nothing changed."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.sandbox import Sandbox, free_ports, git

pytestmark = pytest.mark.journey


@pytest.fixture(autouse=True)
def unchanged(sandbox: Sandbox) -> Iterator[None]:
    """Whatever is refused leaves heads, ledgers and doors as they were."""
    sandbox.clean()
    before = snapshot(sandbox)
    yield
    sandbox.clean()
    assert snapshot(sandbox) == before


def snapshot(sandbox: Sandbox) -> dict[str, Any]:
    bucket = "serverless-flask-dev-artifacts-000000000000"
    s3 = sandbox.client("s3", "dev")
    return {
        "head": s3.get_object(Bucket=bucket, Key="state.json")["Body"].read(),
        "keys": [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]],
        "seen": sandbox.seen("dev"),
    }


def test_an_unknown_environment_is_wrong_usage(sandbox: Sandbox) -> None:
    said = sandbox.refused("deploy", "prod", status=2)

    assert "no environment 'prod'" in said
    assert "dev" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("deploy",),
        ("deploy", "dev", "--release", "x", "--dist", "web"),
        ("rollback", "dev"),
        ("no-such-command",),
        ("status", "dev", "--no-such-option"),
        ("destroy", "dev"),
        ("destroy", "dev", "--yes", "staging"),
        ("apply", "dev", "--plan", "no-such-file"),
    ],
)
def test_wrong_usage_says_what_is_right(sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    sandbox.refused(*arguments, status=2)


@pytest.mark.parametrize("command", [("deploy", "dev", "--release"), ("rollback", "dev", "--to")])
def test_an_unknown_release_is_refused(sandbox: Sandbox, command: tuple[str, ...]) -> None:
    reason = ("--reason", "x")
    said = sandbox.refused(*command, "20200101-1-0000000", *reason)

    assert "20200101-1-0000000" in said


def test_a_zip_altered_by_one_byte_is_refused(sandbox: Sandbox) -> None:
    sandbox.edit("altered")
    sandbox.ship("build")
    path = sandbox.root / "dist/backend.zip"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    said = sandbox.refused("deploy", "dev")

    assert "backend.zip" in said
    assert "is not what was built" in said


@pytest.mark.parametrize("content", [b"", b"{}", b"not JSON"])
def test_an_unreadable_manifest_is_refused(sandbox: Sandbox, content: bytes) -> None:
    sandbox.ship("build")
    (sandbox.root / "dist/manifest.json").write_bytes(content)

    assert "is not a manifest" in sandbox.refused("deploy", "dev")
    shutil.rmtree(sandbox.root / "dist")


def test_a_folder_without_a_build_is_refused(sandbox: Sandbox) -> None:
    assert "no build" in sandbox.refused("deploy", "dev", "--dist", "web")


def test_an_older_build_never_overtakes_a_newer_one(sandbox: Sandbox, tmp_path: Path) -> None:
    old = tmp_path / "old"
    git(tmp_path, "clone", "--quiet", "--shared", str(sandbox.root), str(old))
    git(old, "checkout", "--quiet", "HEAD~2")
    (old / ".ship").mkdir()
    tools = json.loads((sandbox.root / ".ship/tools.json").read_text())
    (old / ".ship/tools.json").write_text(json.dumps(tools | {"root": str(old)}))
    Sandbox(old, sandbox.port).ship("build")

    said = sandbox.refused("deploy", "dev", "--dist", str(old / "dist"))

    assert "is older than" in said


def test_a_stored_release_that_was_altered_is_refused(sandbox: Sandbox) -> None:
    target = sandbox.status("dev")["rollback_candidates"][0]
    s3, where = (
        sandbox.client("s3", "dev"),
        {"Bucket": "serverless-flask-dev-artifacts-000000000000"},
    )
    key = f"releases/{target}/web/index.html"
    page = s3.get_object(**where, Key=key)["Body"].read()
    s3.delete_object(**where, Key=key)
    s3.put_object(**where, Key=key, Body=page + b"<!-- altered -->", IfNoneMatch="*")
    try:
        said = sandbox.refused("rollback", "dev", "--to", target, "--reason", "x")
    finally:
        s3.delete_object(**where, Key=key)
        s3.put_object(**where, Key=key, Body=page, IfNoneMatch="*")

    assert "is not what was built" in said


def test_a_rollback_target_that_is_bad_is_refused_with_the_good_ones(sandbox: Sandbox) -> None:
    status = sandbox.status("dev")
    bad = next(iter(status["bad"]))

    said = sandbox.refused("rollback", "dev", "--to", bad, "--reason", "x")

    assert "marked bad" in said
    assert all(name in said for name in status["rollback_candidates"])


def test_the_live_release_is_no_rollback_target(sandbox: Sandbox) -> None:
    live = sandbox.status("dev")["release"]

    assert "live in dev already" in sandbox.refused(
        "rollback", "dev", "--to", live, "--reason", "x"
    )


def test_an_emulator_that_does_not_run_is_said_with_the_command_that_starts_it(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    said = Sandbox(clone_of(sandbox, tmp_path), free_ports()).refused("status", "dev")

    assert "no emulator answers" in said
    assert "make up" in said


def test_a_dead_endpoint_is_said_at_once(sandbox: Sandbox) -> None:
    port = free_ports()
    said = sandbox.refused(
        "status", "dev", variables={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    )

    assert str(port) in said


def test_a_taken_port_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    other = Sandbox(clone_of(sandbox, tmp_path), free_ports())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", other.port))
        taken.listen()
        said = other.refused("up")

    assert f"port {other.port} is taken" in said


def test_a_terraform_of_another_version_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    other = Sandbox(clone_of(sandbox, tmp_path), sandbox.port)
    path = other.root / ".ship/tools.json"
    tools = json.loads(path.read_text())
    tools["records"]["Terraform"]["path"] = str(tmp_path / "gone")
    path.write_text(json.dumps(tools))

    said = other.refused("plan", "dev")

    assert "Terraform" in said
    assert "make setup" in said


def test_a_set_up_that_was_not_run_is_said(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = clone_of(sandbox, tmp_path)
    (folder / ".ship/tools.json").unlink()

    assert "make setup" in Sandbox(folder, sandbox.port).refused("status", "dev")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.ship]\n", "[tool.ship]"),
        ("[tool.ship", "not valid TOML"),
    ],
)
def test_a_broken_project_file_is_named(
    sandbox: Sandbox, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(text)

    assert said in Sandbox(tmp_path, sandbox.port).refused("status", "dev")


@pytest.mark.parametrize(
    ("variable", "value"), [("SHIP_PORT", "http"), ("SHIP_PORT", "80"), ("SHIP_TARGET", "moon")]
)
def test_a_variable_with_a_wrong_value_is_wrong_usage(
    sandbox: Sandbox, variable: str, value: str
) -> None:
    assert variable in sandbox.refused("status", "dev", status=2, variables={variable: value})


def test_a_plan_that_the_infrastructure_has_left_behind_is_refused(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    plan = tmp_path / "plan"
    sandbox.ship("plan", "dev", "--out", str(plan), TF_VAR_warm_up_minutes="7")
    sandbox.ship("apply", "dev", TF_VAR_warm_up_minutes="9")

    said = sandbox.refused("apply", "dev", "--plan", str(plan))

    assert "plan again" in said
    sandbox.ship("apply", "dev")


def clone_of(sandbox: Sandbox, folder: Path) -> Path:
    root = folder / "checkout"
    git(folder, "clone", "--quiet", "--shared", str(sandbox.root), str(root))
    tools = json.loads((sandbox.root / ".ship/tools.json").read_text())
    (root / ".ship").mkdir()
    (root / ".ship/tools.json").write_text(json.dumps(tools | {"root": str(root)}))
    return root
