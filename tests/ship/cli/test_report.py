from __future__ import annotations

import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ship.build.builder import Build
from ship.build.manifest import Manifest, describe
from ship.cli import report
from ship.cli.report import Report, plan_text
from ship.errors import ShipError

HANDLER = "def handler(event, context):\n    return {}\n"


def context(root: Path, **variables: str) -> Any:
    return SimpleNamespace(
        project=SimpleNamespace(root=root, home=root / ".ship"),
        settings=SimpleNamespace(inherited=variables),
        tools=SimpleNamespace(python="python3"),
    )


def built(folder: Path, *, handler: str = HANDLER) -> Build:
    """A build whose zip has little but a handler."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "backend.zip", "w") as archive:
        archive.writestr("backend/handler.py", handler)
    files = {"backend.zip": describe((folder / "backend.zip").read_bytes())}
    found = Manifest("20261123-2-1a2b3c4", "1a2b3c4" + "0" * 33, 2, "3.13", (1, 1), files)
    (folder / "manifest.json").write_bytes(found.encode())
    return Build(folder, found)


def change(
    address: str, *actions: str, before: dict[str, Any] | None = None, after: Any = None
) -> dict[str, Any]:
    values = {"actions": list(actions), "before": before, "after": after}
    return {"address": address, "type": address.split(".")[0], "change": values}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"policy": json.dumps({"Statement": list(statements)})}


def test_a_report_goes_where_github_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary, outputs, out = tmp_path / "summary", tmp_path / "outputs", tmp_path / "new/out.md"
    summary.write_text("before\n")
    around = context(tmp_path, GITHUB_STEP_SUMMARY=str(summary), GITHUB_OUTPUT=str(outputs))

    report.publish(Report("### Title", {"url": "http://x"}), around, out)

    assert capsys.readouterr().out == "### Title\n"
    assert summary.read_text() == "before\n### Title\n\n"
    assert outputs.read_text() == "url=http://x\n"
    assert out.read_text() == "### Title\n\n"


def test_on_a_laptop_a_report_is_printed_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report.publish(Report("### Title", {"url": "http://x"}), context(tmp_path), None)

    assert capsys.readouterr().out == "### Title\n"
    assert list(tmp_path.iterdir()) == []


def test_a_build_is_told_with_its_digest(tmp_path: Path) -> None:
    built(tmp_path / "dist")

    found = report.build(context(tmp_path), None)

    assert found.text.startswith("### Build `20261123-2-1a2b3c4`")
    assert set(found.outputs) == {"release", "digest"}
    assert len(found.outputs["digest"]) == 64


def test_a_zip_over_its_budget_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "ZIP_BUDGET", 10)
    built(tmp_path / "dist")

    with pytest.raises(ShipError, match="its budget is"):
        report.build(context(tmp_path), None)


def test_a_slower_import_than_before_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(tmp_path / "dist", handler=f"sum(range(3_000_000))\n{HANDLER}")
    monkeypatch.setattr(report, "_build_of", lambda *_: built(tmp_path / "base"))

    with pytest.raises(ShipError, match="import takes"):
        report.build(context(tmp_path), "main")


def test_a_handler_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    built(tmp_path / "dist", handler="import nothing_of_this_name\n")

    with pytest.raises(ShipError, match="nothing_of_this_name"):
        report.build(context(tmp_path), None)


def test_coverage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "coverage.json"
    path.write_text('{"totals": {"percent_covered": 93.46}}')

    assert report.coverage(path).text.startswith("### Coverage 93.5 %")


@pytest.mark.parametrize(
    ("text", "said"),
    [('{"totals": {"percent_covered": 89.9}}', "reach 89.9 %"), ("{}", "is not coverage's")],
)
def test_too_little_coverage_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "coverage.json"
    path.write_text(text)

    with pytest.raises(ShipError, match=said):
        report.coverage(path)


def test_a_plan_without_changes_says_so() -> None:
    planned = {"resource_changes": [change("aws_s3_bucket.site", "no-op")]}

    assert plan_text("dev", planned) == "### dev: no change"


def test_a_plan_counts_and_lists_its_changes() -> None:
    planned = {
        "resource_changes": [
            change("aws_lambda_function.backend", "update"),
            change("aws_cloudwatch_metric_alarm.errors", "create"),
            change("aws_cloudwatch_metric_alarm.slow", "create"),
            change("data.aws_caller_identity.current", "read"),
        ]
    }

    text = plan_text("staging", planned)

    assert text.startswith("### staging: +2, ~1\n")
    assert "~ aws_lambda_function.backend" in text
    assert "caller_identity" not in text
    assert "**" not in text


@pytest.mark.parametrize("actions", [("delete",), ("delete", "create"), ("create", "delete")])
def test_lost_data_is_called_out(actions: tuple[str, ...]) -> None:
    planned = {"resource_changes": [change("aws_s3_bucket.artifacts", *actions)]}

    assert "**Data or address is lost:** `aws_s3_bucket.artifacts`" in plan_text("dev", planned)


def test_widened_rights_are_called_out() -> None:
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:a/*"}
    wider = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:a/*"}
    deny = {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}
    changed = change(
        "aws_iam_role_policy.backend", "update", before=policy(read, deny), after=policy(wider)
    )

    text = plan_text("production", {"resource_changes": [changed]})

    assert "allows s3:PutObject on arn:a/*" in text
    assert "no longer denies iam:* on *" in text
    assert "s3:GetObject" not in text


def test_narrowed_rights_are_not() -> None:
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:a/*"}
    changed = change("aws_iam_policy.p", "update", before=policy(read), after=policy())

    assert "**" not in plan_text("dev", {"resource_changes": [changed]})


def test_a_condition_taken_away_widens() -> None:
    bound = {"Effect": "Allow", "Action": "a", "Resource": "*", "Condition": {"Bool": {"b": "c"}}}
    free = {"Effect": "Allow", "Action": "a", "Resource": "*"}
    changed = change("aws_iam_policy.p", "update", before=policy(bound), after=policy(free))

    assert "allows a on *" in plan_text("dev", {"resource_changes": [changed]})


def test_rights_known_only_after_the_apply_are_called_out() -> None:
    changed = change("aws_iam_policy.p", "create", after={})
    changed["change"]["after_unknown"] = {"policy": True}

    assert "known only after the apply" in plan_text("dev", {"resource_changes": [changed]})
