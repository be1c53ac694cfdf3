import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ship.cli import reports
from ship.cli.reports import render_plan
from ship.config import Runtime
from ship.errors import ShipError
from tests.ship.conftest import LOCK
from tests.ship.environments.factories import change, make_build, make_manifest
from toolchain import Tools

IDENTITY = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
HANDLER = "def handler(event, context):\n    return {}\n"


def context(root: Path, zip_budget: int = 1_000_000, tools: Any = None) -> Any:
    project = SimpleNamespace(
        root=root,
        zip_budget=zip_budget,
        environments=("qa", "live"),
        runtime=Runtime(),
        attest=False,
    )
    return SimpleNamespace(project=project, tools=tools or SimpleNamespace(python=sys.executable))


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"policy": json.dumps({"Statement": list(statements)})}


def test_a_build_is_reported_with_its_digest_and_a_fast_import_is_measured_few_times(
    tmp_path: Path,
) -> None:
    calls = tmp_path / "calls"
    make_build(tmp_path / "dist", f"with open({str(calls)!r}, 'a') as file: file.write('x')\n")

    found = reports.report_build(context(tmp_path), "")

    assert found.text.startswith("### Build `20261123-2-1a2b3c4`")
    assert re.search(r"\| import \| \d+ ms \|", found.text)
    assert set(found.outputs) == {"release", "digest", "attest", "zip"}
    assert found.outputs["attest"] == "false"
    assert len(found.outputs["digest"]) == 64
    assert calls.read_text() == "xxx"


def test_a_zip_over_the_projects_budget_is_pointed_out(tmp_path: Path) -> None:
    make_build(tmp_path / "dist")

    for budget, is_exceeded in ((10, True), (1_000_000, False)):
        text = reports.report_build(context(tmp_path, zip_budget=budget), "").text
        assert ("**The zip is larger than its budget:**" in text) == is_exceeded


def test_a_slower_import_than_before_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_build(tmp_path / "dist", f"sum(range(3_000_000))\n{HANDLER}")
    monkeypatch.setattr(reports, "_build_commit", lambda *_: make_build(tmp_path / "base"))

    with pytest.raises(ShipError, match="import takes"):
        reports.report_build(context(tmp_path), "main")


def test_a_handler_that_cannot_be_imported_here_is_not_measured(tmp_path: Path) -> None:
    """An application may need a variable that only its function has."""
    make_build(tmp_path / "dist", "import os\n\nos.environ['DATABASE_URL']\n")

    text = reports.report_build(context(tmp_path), "").text

    assert "| import | not measured: KeyError: 'DATABASE_URL' |" in text


def test_compiled_packages_are_imported_in_this_machines_build(
    tmp_path: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "another")
    version = re.findall(r"(?m)^markupsafe==(\S+)", LOCK)[0]
    build = make_build(tmp_path / "dist", "import markupsafe._speedups\n")
    with zipfile.ZipFile(build.folder / "backend.zip", "a") as archive:
        name = f"markupsafe-{version}.dist-info/WHEEL"
        archive.writestr(name, "Tag: cp313-cp313-manylinux_2_17_aarch64\n")
    manifest = make_manifest({"backend.zip": (build.folder / "backend.zip").read_bytes()})
    (build.folder / "manifest.json").write_bytes(manifest.encode())
    lock = tmp_path / "backend/requirements.txt"
    lock.parent.mkdir()
    lock.write_text(LOCK)

    text = reports.report_build(context(tmp_path, tools=tools), "").text

    assert re.search(r"\| import \| \d+ ms \|", text)


@pytest.mark.parametrize("text", ["{}", "", "[]", '{"totals": {"percent_covered": null}}'])
def test_what_is_not_a_coverage_report_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "coverage.json"
    path.write_text(text)

    with pytest.raises(ShipError, match="is not coverage's"):
        reports.report_coverage(path)


def test_a_plan_counts_and_lists_its_changes() -> None:
    kinds = {"a.update": "update", "a.x": "create", "a.y": "create", "data.a.z": "read"}
    planned = {"resource_changes": [change(name, {}, {}, kind) for name, kind in kinds.items()]}

    assert render_plan("staging", planned) == (
        "### staging: +2, ~1\n\n```diff\n~ a.update\n+ a.x\n+ a.y\n```"
    )
    assert render_plan("dev", {"resource_changes": [change("a.b", {}, {}, "no-op")]}) == (
        "### dev: no change"
    )


def test_what_changes_in_the_function_is_live_with_the_next_deploy() -> None:
    before = {"memory_size": 512, "timeout": 10, "environment": [{"variables": {"A": "a secret"}}]}
    after = before | {"memory_size": 1024, "environment": [{"variables": {"A": "another"}}]}
    changed = change("aws_lambda_function.backend", before, after, after_unknown={"version": True})

    text = render_plan("dev", {"resource_changes": [changed]})

    assert "**Live with the next deploy:** `environment`, `memory_size` 512 → 1024\n" in text


@pytest.mark.parametrize("actions", [("delete",), ("delete", "create"), ("create", "delete")])
def test_lost_data_is_reported(actions: tuple[str, ...]) -> None:
    planned = {"resource_changes": [change("aws_s3_bucket.artifacts", {}, {}, *actions)]}

    assert "**Data or address is lost:** `aws_s3_bucket.artifacts`" in render_plan("dev", planned)


READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:a/*"}
WRITE = READ | {"Action": ["s3:GetObject", "s3:PutObject"]}
BOUND = READ | {"Condition": {"Bool": {"b": "c"}}}
DENY = {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}


@pytest.mark.parametrize(
    ("before", "after", "reported"),
    [
        ([READ], [WRITE], ["allows s3:PutObject on arn:a/*"]),
        ([READ, DENY], [READ], ["no longer denies iam:* on *"]),
        ([BOUND], [READ], ["allows s3:GetObject on arn:a/*"]),
        ([READ], [], []),
        ([READ], [READ, DENY], []),
    ],
    ids=["another action", "no denial", "no condition", "narrowed", "denied"],
)
def test_only_widened_rights_are_reported(
    before: list[Any], after: list[Any], reported: list[str]
) -> None:
    changed = change("aws_iam_policy.p", policy(*before), policy(*after))

    text = render_plan("dev", {"resource_changes": [changed]})

    found = re.findall(r"\*\*Rights are widened:\*\* `aws_iam_policy.p` (.*)", text)
    assert found == reported


def test_rights_known_only_after_the_apply_are_reported() -> None:
    changed = change("aws_iam_policy.p", None, {}, after_unknown={"policy": True})

    assert "known only after the apply" in render_plan("dev", {"resource_changes": [changed]})


def test_newer_packages_are_listed_with_both_versions(tmp_path: Path) -> None:
    lock = tmp_path / "backend/requirements.txt"
    lock.parent.mkdir()
    lock.write_text("flask==3.1.0 \\\n    --hash=sha256:a\nold==1\nsame==2 ; sys_platform\n")
    for command in (["init"], ["add", "."], [*IDENTITY, "commit", "--message", "Lock"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    assert reports.report_packages(tmp_path).text == ""

    lock.write_text("flask==3.2.0 \\\n    --hash=sha256:b\nnew==1\nsame==2 ; sys_platform\n")

    assert reports.report_packages(tmp_path).text.splitlines()[4:] == [
        "| backend/requirements.txt | flask | 3.1.0 | 3.2.0 |",
        "| backend/requirements.txt | new |  | 1 |",
        "| backend/requirements.txt | old | 1 |  |",
    ]
