from pathlib import Path
from types import SimpleNamespace

import pytest

from ship.environments import provenance
from ship.github import issues
from tests.ship.cli.conftest import Ship

BLOCK = """jobs:
  compare:
    strategy:
      matrix:
        # >>> environments: matrix
        environment: [dev]
        # <<<
"""


@pytest.mark.parametrize(
    ("environment", "attest", "checked"),
    [
        ("qa", True, True),
        ("live", True, True),
        ("pr-7", True, False),
        ("live", False, False),
    ],
)
def test_what_goes_to_a_permanent_environment_must_have_been_built_on_main(
    ship: Ship,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: str,
    attest: bool,
    checked: bool,
) -> None:
    with (project / "pyproject.toml").open("a") as file:
        file.write(f"[tool.ship.github]\nattest = {str(attest).lower()}\n")
    build, attested = SimpleNamespace(manifest=SimpleNamespace(release="x")), list[object]()
    monkeypatch.setattr(provenance, "verify", lambda *_: build)
    monkeypatch.setattr(provenance, "check_attested", lambda found, _: attested.append(found))

    assert ship("ci", "verify", str(project), "--digest", "d", "--for", environment) == 0
    assert bool(attested) == checked
    assert ("nothing attests" in capsys.readouterr().out) == (not attest)


def test_a_comment_is_a_file_or_all_reports_of_a_folder(
    ship: Ship, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = list[tuple[object, ...]]()
    monkeypatch.setattr(issues, "upsert_comment", lambda *given: said.append(given[1:4]))
    folder = tmp_path / "report"
    folder.mkdir()
    comment = ("ci", "comment", "7", "--name", "checks", "--file")

    assert ship(*comment, str(folder)) == 1
    assert "no .md file" in capsys.readouterr().err
    (folder / "2-build.md").write_text("second\n")
    (folder / "1-plan.md").write_text("first\n")
    assert ship(*comment, str(folder)) == 0
    assert ship(*comment, str(folder / "2-build.md")) == 0
    assert said == [(7, "checks", "first\nsecond\n"), (7, "checks", "second\n")]


def test_workflows_follow_the_environments(
    ship: Ship, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / ".github/workflows/drift.yml"
    path.parent.mkdir(parents=True)
    path.write_text(BLOCK)

    assert ship("ci", "workflows", "--check") == 1
    assert "drift.yml" in capsys.readouterr().err
    assert path.read_text() == BLOCK
    assert ship("ci", "workflows") == 0
    assert path.read_text() == BLOCK.replace("[dev]", "[qa, live]")
    assert ship("ci", "workflows", "--check") == 0


def test_a_reports_text_and_outputs_go_where_github_reads_them(
    ship: Ship, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary, out, covered = (tmp_path / name for name in ("summary", "new/out.md", "coverage.json"))
    summary.write_text("before\n")
    covered.write_text('{"totals": {"percent_covered": 93.46}}')
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    assert ship("ci", "report", "coverage", str(covered), "--out", str(out)) == 0

    text = capsys.readouterr().out
    assert text.startswith("### Coverage 93.5 %\n")
    assert out.read_text() == f"{text}\n"
    assert summary.read_text() == f"before\n{text}\n"


def test_a_previews_report_says_how_its_run_ended(
    ship: Ship, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--deployed", "success", "--release", "r", "--url", "https://x"]

    assert ship("ci", "report", "preview", "pr-7", *arguments) == 0
    assert capsys.readouterr().out.startswith("### pr-7: `r`\n\n[Site](https://x)")
