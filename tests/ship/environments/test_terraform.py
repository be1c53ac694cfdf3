"""How Terraform is called, and which signals it gets."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ship.environments.terraform import Terraform, TerraformKilledError, Workspace, kind_of
from ship.errors import ShipError

# Records its arguments; runs what the test wrote for a verb.
_FAKE = """#!/bin/sh
echo "$@" >> "$0.calls"
for verb in init plan apply state show; do
  case " $* " in *" $verb "*) test ! -f "$0.$verb" || . "$0.$verb";; esac
done
"""
# Records each interrupt, and ends a while after the first, as Terraform does to save its state.
_WORKS = """
trap 'echo saved >> "$0.heard"' INT
: > "$0.begun"
for _ in $(seq 400); do test -f "$0.heard" && break; sleep 0.05; done
sleep 0.5
exit 1
"""
# What `ship apply` does, interrupted as on GitHub.
_APPLY = """
import sys
from pathlib import Path
from ship.errors import ShipError
from ship.environments.terraform import Terraform, Workspace

root, binary = Path(sys.argv[1]), Path(sys.argv[2])
workspace = Workspace(root, "dev", root / "data", "states", "eu-central-1", {}, False, {}, {})
try:
    Terraform(binary, workspace, print).apply()
except ShipError as error:
    print(error, flush=True)
"""


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    path = tmp_path / "terraform"
    path.write_text(_FAKE)
    path.chmod(0o755)
    (tmp_path / ".terraform.lock.hcl").write_text("")
    return path


def terraform(binary: Path, **more: Any) -> Terraform:
    root = binary.parent
    made = Workspace(root, "dev", root / "data", "states", "eu-central-1", {}, False, {}, {})
    return Terraform(binary, replace(made, **more), lambda _: None)


def calls(binary: Path) -> list[str]:
    """What Terraform was called with, each time without colours: its errors are shown to people."""
    said = binary.with_name("terraform.calls").read_text().splitlines()
    assert all(line.endswith(" -no-color") for line in said)
    return [line.partition(" ")[2].removesuffix(" -no-color") for line in said]


def does(binary: Path, verb: str, script: str) -> None:
    binary.with_name(f"terraform.{verb}").write_text(script)


def test_an_interrupt_reaches_terraform_once_and_is_waited_for(binary: Path) -> None:
    """W8: it saves its state and gives its lock back; half an apply would be lost otherwise."""
    does(binary, "apply", _WORKS)
    process = subprocess.Popen(
        [sys.executable, "-c", _APPLY, str(binary.parent), str(binary)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while not binary.with_name("terraform.begun").exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    # To the whole group, as a terminal does; then as GitHub goes on when 7.5 s are not enough.
    os.killpg(process.pid, signal.SIGINT)
    while not binary.with_name("terraform.heard").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=20)

    assert binary.with_name("terraform.heard").read_text() == "saved\n"
    assert "terraform apply (dev) failed" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "plan -input=false -detailed-exitcode"),
        ({"lock": False}, "-detailed-exitcode -lock=false"),
        ({"refresh": False}, "-detailed-exitcode -refresh=false"),
        ({"targets": ["a.b", 'c.d["e"]']}, '-target=a.b -target=c.d["e"]'),
    ],
)
def test_a_plan_is_made_as_asked(binary: Path, options: dict[str, Any], said: str) -> None:
    assert terraform(binary).plan(**options) is False

    assert calls(binary)[-1].endswith(said)


def test_a_plan_says_whether_there_is_something_to_change(binary: Path) -> None:
    does(binary, "plan", "exit 2\n")

    assert terraform(binary).plan() is True


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("Error: no such bucket", "read Terraform's message"),
        ("Error: Saved plan is stale", "plan again"),
        ("Error: Error acquiring the state lock", "force-unlock"),
        ("Error: EntityAlreadyExists: Role already exists", "terraform import"),
        ("Error: creating SQS Queue: AccessDenied: x is not authorized", "`uses` of"),
        ("Error: User: x is not authorized to perform: sqs:tagqueue", "`uses` of"),
    ],
)
def test_a_failure_is_described_in_terraforms_words(binary: Path, message: str, hint: str) -> None:
    does(binary, "apply", f"echo '│ {message}'; exit 1\n")

    with pytest.raises(ShipError, match=rf"terraform apply \(dev\) failed: {message}") as raised:
        terraform(binary).apply(Path("saved"))
    assert hint in raised.value.hint


def test_the_state_is_read_without_what_was_only_looked_up(binary: Path) -> None:
    """Data sources are left out, also those inside a module: drift compares what is listed."""
    assert terraform(binary).state() == {}
    one = {"type": "a", "name": "b", "instances": [{"attributes": {"n": 1}}]}
    two = [{"index_key": "e", "attributes": {}}, {"index_key": 0, "attributes": {}}]
    resources = [
        one | {"mode": "data"},
        one | {"mode": "data", "module": "module.m"},
        one | {"mode": "managed"},
        {"mode": "managed", "module": "module.m", "type": "c", "name": "d", "instances": two},
    ]
    answer = binary.with_name("state.json")
    document = json.dumps({"version": 4, "resources": resources}, indent=2)
    answer.write_text(f"Warning: first\n{document}\nWarning: last\n")
    does(binary, "state", f"cat '{answer}'\n")

    assert terraform(binary).state() == {
        "a.b": {"n": 1},
        'module.m.c.d["e"]': {},
        "module.m.c.d[0]": {},
    }


def test_a_saved_plan_is_read_whatever_else_is_printed(binary: Path) -> None:
    does(binary, "show", "echo 'Warning: x'; echo '{\"resource_changes\": []}'\n")

    assert terraform(binary).show(Path("saved")) == {"resource_changes": []}


@pytest.mark.parametrize("name", [".terraform.lock.hcl", "app.tf", "new.tf"])
def test_it_is_initialised_once_for_each_content_of_its_files(binary: Path, name: str) -> None:
    """A module or provider that an owner adds needs another `terraform init`."""
    (binary.parent / "app.tf").write_text("locals {}\n")
    for text in ("", "", 'module "queue" {}\n', 'module "queue" {}\n'):
        if text:
            (binary.parent / name).write_text(text)
        terraform(binary).plan()

    first, second = [call for call in calls(binary) if call.startswith("init")]
    assert first == second
    assert "-lockfile=readonly -backend-config=bucket=states" in first


def test_without_a_bucket_the_state_lies_beside_the_root(binary: Path) -> None:
    terraform(binary, bucket="").plan()

    assert "-backend-config" not in calls(binary)[0]
    assert 'backend "local"' in (binary.parent / "backend_override.tf").read_text()


def test_one_that_was_killed_is_told_from_one_that_failed(binary: Path) -> None:
    """Its state may lack what it has made last."""
    does(binary, "apply", "kill -9 $$\n")

    with pytest.raises(TerraformKilledError, match="was killed by signal 9"):
        terraform(binary).apply()


@pytest.mark.parametrize(
    ("actions", "kind"), [("create", "create"), ("delete create", "replace"), ("no-op", "")]
)
def test_a_plans_actions_have_one_word(actions: str, kind: str) -> None:
    assert kind_of({"change": {"actions": actions.split()}}) == kind
