"""One comment of each name on a pull request, and one issue per environment that has drifted."""

from pathlib import Path

import pytest

from ship.environments import drift
from ship.environments.drift import DriftResult
from ship.errors import ShipError
from ship.github.issues import BUSY, DRIFTED, NONE, sync_drift, upsert_comment, upsert_issue
from tests.workflows.fake_github import GitHub

RUN = "https://github.example/o/r/actions/runs/7"
WORKFLOWS = "github-actions[bot]"


def upsert(github: GitHub, name: str, text: str) -> str:
    return upsert_comment("o/r", 7, name, text, github)


def comment(github: GitHub, *comments: tuple[str, str]) -> GitHub:
    """The pull request 7, with comments of these people."""
    github.pulls[7] = {}
    for login, text in comments:
        github.add_comment(7, text, login)
    return github


def test_each_name_is_one_comment_that_is_updated(github: GitHub) -> None:
    comment(github)

    done = [upsert(github, name, f"{name} {n}") for n, name in enumerate(("a", "b", "a"))]

    assert done == ["written", "written", "updated"]
    assert [text.partition("\n")[2] for text in github.comments_on(7)] == ["a 2", "b 1"]


def test_what_a_person_writes_is_never_changed(github: GitHub) -> None:
    copied = "<!-- ship: preview -->\nmine"
    comment(github, ("ann", copied), (WORKFLOWS, f"quoted\n{copied}"))

    assert upsert(github, "preview", "new") == "written"
    assert [one["body"] for one in github.comments[:2]] == [copied, f"quoted\n{copied}"]


def test_a_comment_is_found_on_the_second_page_and_a_long_text_is_cut(github: GitHub) -> None:
    comment(github, *[("ann", "hello")] * 100, (WORKFLOWS, "<!-- ship: preview -->\nold"))

    assert upsert(github, "preview", "x" * 70_000) == "updated"
    assert github.calls[-1] == "PATCH repos/o/r/issues/comments/101"
    assert len(github.comments[100]["body"]) < 65_536


def sync(github: GitHub, folder: Path, *results: DriftResult) -> list[str]:
    for result in results:
        path = folder / f"drift-{result.environment}.md"
        path.write_text(f"{drift.render(result)}\n\n")
    names = tuple(result.environment for result in results)
    return sync_drift(folder, names, "o/r", RUN, github)


def drifted(environment: str = "dev", difference: str = "the alias") -> DriftResult:
    return DriftResult(environment, DRIFTED, (difference,))


def test_drift_opens_an_issue_with_the_difference(github: GitHub, tmp_path: Path) -> None:
    assert sync(github, tmp_path, drifted()) == ["dev: opened #1"]

    (issue,) = github.issues
    assert (issue["title"], issue["labels"]) == ("Drift in dev", ["drift"])
    assert "- the alias\n" in issue["body"]
    assert RUN in issue["body"]
    assert github.issue_comments == []


def test_the_same_drift_updates_the_text_and_says_nothing_more(
    github: GitHub, tmp_path: Path
) -> None:
    sync(github, tmp_path, drifted())
    # GitHub's web editor saves CRLF.
    before = github.issues[0]["body"].replace(RUN, "before").replace("\n", "\r\n")
    github.issues[0]["body"] = before

    assert sync(github, tmp_path, drifted()) == ["dev: updated #1"]
    assert RUN in github.issues[0]["body"]
    assert (len(github.issues), github.issue_comments) == (1, [])


def test_another_difference_is_told_in_a_comment(github: GitHub, tmp_path: Path) -> None:
    sync(github, tmp_path, drifted())

    sync(github, tmp_path, drifted(difference="a page"))

    assert len(github.issues) == 1
    assert "- a page\n" in github.issues[0]["body"]
    ((_, text),) = github.issue_comments
    assert "- a page\n" in text
    assert "<!--" not in text


def test_an_issue_is_closed_when_the_drift_is_gone_and_opened_when_it_is_back(
    github: GitHub, tmp_path: Path
) -> None:
    gone = DriftResult("dev", NONE)
    sync(github, tmp_path, drifted())

    assert sync(github, tmp_path, gone) == ["dev: closed #1, the drift is gone"]
    assert sync(github, tmp_path, gone) == ["dev: nothing has drifted"]
    assert (github.issues[0]["state"], github.issues[0]["state_reason"]) == ("closed", "completed")
    assert len(github.issue_comments) == 1

    assert sync(github, tmp_path, drifted()) == ["dev: reopened #1"]
    assert (len(github.issues), github.issues[0]["state"]) == (1, "open")
    assert github.issue_comments[-1][1].startswith("It is back.")


def test_an_environment_that_was_being_worked_on_keeps_its_issue(
    github: GitHub, tmp_path: Path
) -> None:
    sync(github, tmp_path, drifted())
    before = dict(github.issues[0])

    lines = sync(github, tmp_path, DriftResult("dev", BUSY, notes=("a deploy is under way",)))

    assert lines == ["dev: a command was running there, its issue is unchanged"]
    assert (github.issues, github.issue_comments) == ([before], [])


def test_each_environment_has_its_own_and_without_a_report_it_is_left_alone(
    github: GitHub, tmp_path: Path
) -> None:
    """Without a report the comparison failed: nobody knows whether the drift is gone."""
    sync(github, tmp_path, drifted("dev"), drifted("production"), DriftResult("staging", NONE))
    (tmp_path / "drift-production.md").unlink()

    sync(github, tmp_path, DriftResult("dev", NONE))

    states = [(one["title"], one["state"]) for one in github.issues]
    assert states == [("Drift in dev", "closed"), ("Drift in production", "open")]


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        (None, ["drift"]),
        ("about drift", ["drift"]),
        ("> <!-- ship drift: dev drifted 0 -->", ["drift"]),
        # Anybody may write the hidden line; only people who may triage set a label.
        (drift.render(drifted()), []),
    ],
)
def test_other_issues_are_not_taken_for_it(
    github: GitHub, tmp_path: Path, body: str | None, labels: list[str]
) -> None:
    github.add_issue(labels=labels, body=body)

    assert sync(github, tmp_path, drifted()) == ["dev: opened #2"]


def test_the_open_one_counts_when_there_are_two(github: GitHub, tmp_path: Path) -> None:
    for state in ("open", "closed"):
        github.add_issue(state=state, labels=["drift"], body=drift.render(drifted()))

    assert sync(github, tmp_path, drifted()) == ["dev: updated #1"]


def test_a_long_report_fits_into_an_issue(github: GitHub, tmp_path: Path) -> None:
    many = tuple(f"page {number} is missing" for number in range(5000))

    sync(github, tmp_path, DriftResult("dev", DRIFTED, many))

    assert len(github.issues[0]["body"]) < 65536
    assert RUN in github.issues[0]["body"]


@pytest.mark.parametrize("text", ["", "### dev", "x<!-- ship drift: dev none 0123456789abcdef -->"])
def test_what_is_no_report_is_refused(github: GitHub, tmp_path: Path, text: str) -> None:
    (tmp_path / "drift-dev.md").write_text(text)
    with pytest.raises(ShipError, match="not a report on drift"):
        sync(github, tmp_path)
    assert github.issues == []


def test_what_could_not_be_compared_has_an_issue_until_it_is(
    github: GitHub, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"

    assert sync_drift(nowhere, ("dev", "qa"), "o/r", RUN, github) == [
        "dev: the issue “Drift in dev is not known” is opened",
        "qa: the issue “Drift in qa is not known” is opened",
    ]
    assert RUN in github.issues[0]["body"]
    assert sync(github, tmp_path, DriftResult("dev", NONE)) == [
        "dev: nothing has drifted",
        "dev: the issue “Drift in dev is not known” is closed",
    ]
    assert [one["state"] for one in github.issues] == ["closed", "open"]


def test_an_issue_is_opened_updated_and_closed_once(github: GitHub) -> None:
    github.add_issue(title="Another", body="stays")
    github.add_issue(title="Newer packages", body="a person's", user={"login": "ann"})

    said = [
        upsert_issue("o/r", "Newer packages", text, github)
        for text in ("\n\n", "flask 4", "flask 5", "\n", "", "flask 6")
    ]

    assert said == ["not needed", "opened", "updated", "closed", "not needed", "opened"]
    assert [(one["title"], one["state"], one["body"]) for one in github.issues] == [
        ("Another", "open", "stays"),
        ("Newer packages", "open", "a person's"),
        ("Newer packages", "closed", "flask 5"),
        ("Newer packages", "open", "flask 6"),
    ]
