"""Bad input and bad surroundings: one line of fault, one of remedy, nothing changed."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.world import World, free_ports, git

pytestmark = pytest.mark.journey


@pytest.fixture(autouse=True)
def unchanged(world: World) -> Iterator[None]:
    """Whatever is refused leaves heads, ledgers and doors as they were."""
    world.clean()
    before = snapshot(world)
    yield
    world.clean()
    assert snapshot(world) == before


def snapshot(world: World) -> dict[str, Any]:
    bucket = "serverless-flask-dev-artifacts-000000000000"
    s3 = world.client("s3", "dev")
    return {
        "head": s3.get_object(Bucket=bucket, Key="head.json")["Body"].read(),
        "keys": [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]],
        "seen": world.seen("dev"),
    }


def test_an_unknown_environment_is_wrong_usage(world: World) -> None:
    said = world.refused("deploy", "prod", status=2)

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
def test_wrong_usage_says_what_is_right(world: World, arguments: tuple[str, ...]) -> None:
    world.refused(*arguments, status=2)


@pytest.mark.parametrize("command", [("deploy", "dev", "--release"), ("rollback", "dev", "--to")])
def test_an_unknown_release_is_refused(world: World, command: tuple[str, ...]) -> None:
    reason = ("--reason", "x")
    said = world.refused(*command, "20200101-1-0000000", *reason)

    assert "20200101-1-0000000" in said


def test_a_zip_altered_by_one_byte_is_refused(world: World) -> None:
    world.edit("altered")
    world.ship("build")
    path = world.root / "dist/backend.zip"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    said = world.refused("deploy", "dev")

    assert "backend.zip" in said
    assert "is not what was built" in said


@pytest.mark.parametrize("content", [b"", b"{}", b"not JSON"])
def test_an_unreadable_manifest_is_refused(world: World, content: bytes) -> None:
    world.ship("build")
    (world.root / "dist/manifest.json").write_bytes(content)

    assert "is not a manifest" in world.refused("deploy", "dev")
    shutil.rmtree(world.root / "dist")


def test_a_folder_without_a_build_is_refused(world: World) -> None:
    assert "no build" in world.refused("deploy", "dev", "--dist", "web")


def test_an_older_build_never_overtakes_a_newer_one(world: World, tmp_path: Path) -> None:
    old = tmp_path / "old"
    git(tmp_path, "clone", "--quiet", "--shared", str(world.root), str(old))
    git(old, "checkout", "--quiet", "HEAD~2")
    (old / ".ship").mkdir()
    tools = json.loads((world.root / ".ship/tools.json").read_text())
    (old / ".ship/tools.json").write_text(json.dumps(tools | {"root": str(old)}))
    World(old, world.port).ship("build")

    said = world.refused("deploy", "dev", "--dist", str(old / "dist"))

    assert "is older than" in said


def test_a_stored_release_that_was_altered_is_refused(world: World) -> None:
    target = world.status("dev")["candidates"][0]
    s3, where = world.client("s3", "dev"), {"Bucket": "serverless-flask-dev-artifacts-000000000000"}
    key = f"releases/{target}/web/index.html"
    page = s3.get_object(**where, Key=key)["Body"].read()
    s3.delete_object(**where, Key=key)
    s3.put_object(**where, Key=key, Body=page + b"<!-- altered -->", IfNoneMatch="*")
    try:
        said = world.refused("rollback", "dev", "--to", target, "--reason", "x")
    finally:
        s3.delete_object(**where, Key=key)
        s3.put_object(**where, Key=key, Body=page, IfNoneMatch="*")

    assert "is not what was built" in said


def test_a_rollback_target_that_is_bad_is_refused_with_the_good_ones(world: World) -> None:
    status = world.status("dev")
    bad = next(iter(status["bad"]))

    said = world.refused("rollback", "dev", "--to", bad, "--reason", "x")

    assert "marked bad" in said
    assert all(name in said for name in status["candidates"])


def test_the_live_release_is_no_rollback_target(world: World) -> None:
    live = world.status("dev")["release"]

    assert "live in dev already" in world.refused("rollback", "dev", "--to", live, "--reason", "x")


def test_an_emulator_that_does_not_run_is_said_with_the_command_that_starts_it(
    world: World, tmp_path: Path
) -> None:
    said = World(clone_of(world, tmp_path), free_ports()).refused("status", "dev")

    assert "no emulator answers" in said
    assert "make up" in said


def test_a_dead_endpoint_is_said_at_once(world: World) -> None:
    port = free_ports()
    said = world.refused(
        "status", "dev", variables={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    )

    assert str(port) in said


def test_a_taken_port_is_named(world: World, tmp_path: Path) -> None:
    other = World(clone_of(world, tmp_path), free_ports())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", other.port))
        taken.listen()
        said = other.refused("up")

    assert f"port {other.port} is taken" in said


def test_a_terraform_of_another_version_is_named(world: World, tmp_path: Path) -> None:
    other = World(clone_of(world, tmp_path), world.port)
    path = other.root / ".ship/tools.json"
    tools = json.loads(path.read_text())
    tools["records"]["Terraform"]["path"] = str(tmp_path / "gone")
    path.write_text(json.dumps(tools))

    said = other.refused("plan", "dev")

    assert "Terraform" in said
    assert "make setup" in said


def test_a_set_up_that_was_not_run_is_said(world: World, tmp_path: Path) -> None:
    folder = clone_of(world, tmp_path)
    (folder / ".ship/tools.json").unlink()

    assert "make setup" in World(folder, world.port).refused("status", "dev")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.ship]\n", "[tool.ship]"),
        ("[tool.ship", "not valid TOML"),
    ],
)
def test_a_broken_project_file_is_named(world: World, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)

    assert said in World(tmp_path, world.port).refused("status", "dev")


@pytest.mark.parametrize(
    ("variable", "value"), [("SHIP_PORT", "http"), ("SHIP_PORT", "80"), ("SHIP_TARGET", "moon")]
)
def test_a_variable_with_a_wrong_value_is_wrong_usage(
    world: World, variable: str, value: str
) -> None:
    assert variable in world.refused("status", "dev", status=2, variables={variable: value})


def test_a_plan_that_the_infrastructure_has_left_behind_is_refused(
    world: World, tmp_path: Path
) -> None:
    plan = tmp_path / "plan"
    world.ship("plan", "dev", "--out", str(plan), TF_VAR_warm_up_minutes="7")
    world.ship("apply", "dev", TF_VAR_warm_up_minutes="9")

    said = world.refused("apply", "dev", "--plan", str(plan))

    assert "plan again" in said
    world.ship("apply", "dev")


def clone_of(world: World, folder: Path) -> Path:
    root = folder / "checkout"
    git(folder, "clone", "--quiet", "--shared", str(world.root), str(root))
    tools = json.loads((world.root / ".ship/tools.json").read_text())
    (root / ".ship").mkdir()
    (root / ".ship/tools.json").write_text(json.dumps(tools | {"root": str(root)}))
    return root
