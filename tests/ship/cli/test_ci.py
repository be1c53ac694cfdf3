from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from ship.cli import ci, release, settings
from ship.environments import infrastructure, provenance
from ship.environments.alerts import Message
from ship.environments.context import Context
from ship.github import issues
from tests.ship.cli.conftest import Ship
from tests.ship.conftest import run_git
from tests.ship.environments.factories import change

ACTIONS = (
    *(release.rollback, release.freeze, release.unfreeze, release.repair, release.unlock),
    *(release.mark, release.pin, settings.restart),
)
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
    assert ("nothing attests" in ship.out) == (not attest)


FIELDS = {"release": "--good", "run": "", "until": "", "reason": "a=b; $(touch x)"}


@pytest.mark.parametrize(
    ("action", "fields", "expected"),
    [
        ("rollback", {}, ("rollback", {"release": "--good"})),
        ("rollback", {"release": ""}, ("rollback", {"release": ""})),
        ("mark-bad", {}, ("mark", {"release": "--good", "good": False})),
        ("mark-good", {"release": "x"}, ("mark", {"release": "x", "good": True})),
        ("pin", {}, ("pin", {"release": "--good", "remove": False})),
        ("unpin", {}, ("pin", {"release": "--good", "remove": True})),
        (
            "freeze",
            {"release": "", "until": "2126-01-02"},
            ("freeze", {"until": "2126-01-02 00:00:00"}),
        ),
        ("unfreeze", {"release": ""}, ("unfreeze", {})),
        ("restart", {"release": ""}, ("restart", {})),
        ("repair", {"release": ""}, ("repair", {})),
        ("unlock", {"release": "", "run": "--help"}, ("unlock", {"run": "--help"})),
    ],
)
def test_operate_runs_the_command_of_the_action_with_the_fields_as_they_were_typed(
    ship: Ship,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    fields: dict[str, str],
    expected: tuple[str, dict[str, object]],
) -> None:
    called = []

    def record(name: str, **given: object) -> None:
        # What was typed, and what `mark` and `pin` were told.
        kept = {k: v if v in (None, True, False) else str(v) for k, v in given.items()}
        kept.pop("as_json", None)
        called.append((name, kept))

    for command in ACTIONS:
        monkeypatch.setattr(command, "callback", partial(record, str(command.name)))
    given = FIELDS | fields
    name, options = expected
    takes_reason = name not in ("repair", "unlock")

    assert ship("ci", "operate", action, "live", *(f"--{k}={v}" for k, v in given.items())) == 0
    reason = {"reason": given["reason"]} if takes_reason else {}
    assert called == [(name, {"environment": "live", **options, **reason})]


@pytest.mark.parametrize(
    ("action", "fields", "message"),
    [
        ("sh", {}, "'sh' is not one of"),
        ("unfreeze", {}, "unfreeze takes no release"),
        ("repair", {"release": "", "until": "2126-01-02"}, "repair takes no until"),
        ("mark-bad", {"release": ""}, "mark-bad needs a release"),
        ("freeze", {"release": "", "until": "tomorrow"}, "'tomorrow' does not match the formats"),
        ("freeze", {"release": "", "until": "2020-01-02"}, "2020-01-02T00:00:00Z is in the past"),
    ],
)
def test_operate_refuses_what_an_action_does_not_take(
    ship: Ship, action: str, fields: dict[str, str], message: str
) -> None:
    given = FIELDS | fields

    assert ship("ci", "operate", action, "live", *(f"--{k}={v}" for k, v in given.items())) == 2
    assert message in ship.err


def test_a_comment_is_a_file_or_all_reports_of_a_folder(
    ship: Ship, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = list[tuple[object, ...]]()
    monkeypatch.setattr(issues, "upsert_comment", lambda *given: said.append(given[1:4]))
    folder = tmp_path / "report"
    folder.mkdir()
    comment = ("ci", "comment", "7", "--name", "checks", "--file")

    assert ship(*comment, str(folder)) == 1
    assert "no .md file" in ship.err
    (folder / "2-build.md").write_text("second\n")
    (folder / "1-plan.md").write_text("first\n")
    assert ship(*comment, str(folder)) == 0
    assert ship(*comment, str(folder / "2-build.md")) == 0
    assert said == [(7, "checks", "first\nsecond\n"), (7, "checks", "second\n")]


def test_workflows_follow_the_environments(ship: Ship, project: Path) -> None:
    path = project / ".github/workflows/drift.yml"
    path.parent.mkdir(parents=True)
    path.write_text(BLOCK)

    assert ship("ci", "workflows", "--check") == 1
    assert "drift.yml" in ship.err
    assert path.read_text() == BLOCK
    assert ship("ci", "workflows") == 0
    assert path.read_text() == BLOCK.replace("[dev]", "[qa, live]")
    assert ship("ci", "workflows", "--check") == 0


def test_a_reports_text_and_outputs_go_where_github_reads_them(
    ship: Ship, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    summary, out, covered = (tmp_path / name for name in ("summary", "new/out.md", "coverage.json"))
    summary.write_text("before\n")
    covered.write_text('{"totals": {"percent_covered": 93.46}}')
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    assert ship("ci", "report", "coverage", str(covered), "--out", str(out)) == 0

    text = ship.out
    assert text.startswith("### Coverage 93.5 %\n")
    assert out.read_text() == f"{text}\n"
    assert summary.read_text() == f"before\n{text}\n"


def test_a_previews_report_says_how_its_run_ended(ship: Ship) -> None:
    arguments = ["--deployed", "success", "--release", "r", "--url", "https://x"]

    assert ship("ci", "report", "preview", "pr-7", *arguments) == 0
    assert ship.out.startswith("### pr-7: `r`\n\n[Site](https://x)")


@pytest.mark.parametrize("waits", [True, False])
def test_a_plan_that_waits_for_its_approval_is_told(
    ship: Ship, monkeypatch: pytest.MonkeyPatch, repository: Path, waits: bool
) -> None:
    plan = {"resource_changes": [change("aws_sns_topic.alerts", None, {"name": "on-call"})]}
    stack, told = nullcontext(SimpleNamespace(show=lambda _: plan)), list[tuple[str, Message]]()
    monkeypatch.setattr(infrastructure, "read_only_stack", lambda *_: stack)
    monkeypatch.setattr(Context, "read_only_clients", lambda _: None)

    def send(_: Context, environment: str, message: Message, *, as_reader: bool) -> None:
        assert as_reader
        told.append((environment, message))

    monkeypatch.setattr(ci, "send", send)
    monkeypatch.chdir(repository)
    commit = run_git(repository, "rev-parse", "HEAD")[:7]

    arguments = ["ci", "report", "plan", "live", "pyproject.toml", *["--waits"] * waits]
    assert ship(*arguments) == 0

    found = [(environment, message.what) for environment, message in told]
    assert found == [("live", f"a deploy of commit {commit} waits for its approval")] * waits
    assert all("in the run (+1), then approve" in message.hint for _, message in told)
