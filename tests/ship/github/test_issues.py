"""One comment of each name on a pull request, and one issue per environment that has drifted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ship.environments import drift
from ship.environments.drift import DriftResult
from ship.errors import ShipError
from ship.github.issues import BUSY, DRIFTED, NONE, sync_drift, upsert_comment, upsert_issue

RUN = "https://github.example/o/r/actions/runs/7"
WORKFLOWS = "github-actions[bot]"


class FakeGitHub:
    """The issues and comments of a repository behind GitHub's paths."""

    def __init__(self, *comments: tuple[str, str]) -> None:
        self.issues: list[dict[str, Any]] = []
        self.comments = [
            {"id": number, "user": {"login": who}, "body": text}
            for number, (who, text) in enumerate(comments, 1)
        ]
        self.calls: list[str] = []

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        self.calls.append(f"{method} {path}")
        rest = path.removeprefix("repos/o/r/issues")
        if method == "GET" and "/comments?" in rest:
            page = int(rest.rpartition("=")[2])
            return self.comments[(page - 1) * 100 : page * 100]
        if rest.startswith("?creator="):
            assert rest == "?creator=github-actions%5Bbot%5D&per_page=100"
            return [one for one in self.issues if one["state"] == "open"]
        if method == "GET":
            assert rest == "?labels=drift&state=all&per_page=100"
            return [one for one in reversed(self.issues) if "drift" in one["labels"]]
        if rest.startswith("/comments/"):
            self.comments[int(rest.rpartition("/")[2]) - 1].update(body)
        elif rest.endswith("/comments"):
            self.comments.append({"id": 0, "user": {"login": WORKFLOWS}, **body})
            self.comments[-1]["id"] = len(self.comments)
        elif method == "PATCH":
            self.issues[int(rest[1:]) - 1].update(body)
        else:
            self.add(**body)
            return self.issues[-1]
        return None

    def add(self, **values: Any) -> None:
        self.issues.append({"number": len(self.issues) + 1, "state": "open"} | values)

    def upsert(self, name: str, text: str) -> str:
        return upsert_comment("o/r", 7, name, text, self)

    @property
    def texts(self) -> list[str]:
        return [str(one["body"]) for one in self.comments]


def test_each_name_is_one_comment_that_is_updated() -> None:
    github = FakeGitHub()

    done = [github.upsert(name, f"{name} {n}") for n, name in enumerate(("a", "b", "a"))]

    assert done == ["written", "written", "updated"]
    assert [text.partition("\n")[2] for text in github.texts] == ["a 2", "b 1"]


def test_what_a_person_writes_is_never_changed() -> None:
    copied = "<!-- ship: preview -->\nmine"
    github = FakeGitHub(("ann", copied), (WORKFLOWS, f"quoted\n{copied}"))

    assert github.upsert("preview", "new") == "written"
    assert github.texts[:2] == [copied, f"quoted\n{copied}"]


def test_a_comment_is_found_on_the_second_page_and_a_long_text_is_cut() -> None:
    github = FakeGitHub(*[("ann", "hello")] * 100, (WORKFLOWS, "<!-- ship: preview -->\nold"))

    assert github.upsert("preview", "x" * 70_000) == "updated"
    assert github.calls[-1] == "PATCH repos/o/r/issues/comments/101"
    assert len(github.texts[100]) < 65_536


@pytest.fixture
def github() -> FakeGitHub:
    return FakeGitHub()


def sync(github: FakeGitHub, folder: Path, *results: DriftResult) -> list[str]:
    for result in results:
        path = folder / f"drift-{result.environment}.md"
        path.write_text(f"{drift.render(result)}\n\n")
    return sync_drift(folder, "o/r", RUN, github)


def drifted(environment: str = "dev", difference: str = "the alias") -> DriftResult:
    return DriftResult(environment, DRIFTED, (difference,))


def test_drift_opens_an_issue_with_the_difference(github: FakeGitHub, tmp_path: Path) -> None:
    assert sync(github, tmp_path, drifted()) == ["dev: opened #1"]

    (issue,) = github.issues
    assert (issue["title"], issue["labels"]) == ("Drift in dev", ["drift"])
    assert "- the alias\n" in issue["body"]
    assert RUN in issue["body"]
    assert github.comments == []


def test_the_same_drift_updates_the_text_and_says_nothing_more(
    github: FakeGitHub, tmp_path: Path
) -> None:
    sync(github, tmp_path, drifted())
    # GitHub's web editor saves CRLF.
    before = github.issues[0]["body"].replace(RUN, "before").replace("\n", "\r\n")
    github.issues[0]["body"] = before

    assert sync(github, tmp_path, drifted()) == ["dev: updated #1"]
    assert RUN in github.issues[0]["body"]
    assert (len(github.issues), github.comments) == (1, [])


def test_another_difference_is_told_in_a_comment(github: FakeGitHub, tmp_path: Path) -> None:
    sync(github, tmp_path, drifted())

    sync(github, tmp_path, drifted(difference="a page"))

    assert len(github.issues) == 1
    assert "- a page\n" in github.issues[0]["body"]
    (text,) = github.texts
    assert "- a page\n" in text
    assert "<!--" not in text


def test_an_issue_is_closed_when_the_drift_is_gone_and_opened_when_it_is_back(
    github: FakeGitHub, tmp_path: Path
) -> None:
    gone = DriftResult("dev", NONE)
    sync(github, tmp_path, drifted())

    assert sync(github, tmp_path, gone) == ["dev: closed #1, the drift is gone"]
    assert sync(github, tmp_path, gone) == ["dev: nothing has drifted"]
    assert (github.issues[0]["state"], github.issues[0]["state_reason"]) == ("closed", "completed")
    assert len(github.comments) == 1

    assert sync(github, tmp_path, drifted()) == ["dev: reopened #1"]
    assert (len(github.issues), github.issues[0]["state"]) == (1, "open")
    assert github.texts[-1].startswith("It is back.")


def test_an_environment_that_was_being_worked_on_keeps_its_issue(
    github: FakeGitHub, tmp_path: Path
) -> None:
    sync(github, tmp_path, drifted())
    before = dict(github.issues[0])

    lines = sync(github, tmp_path, DriftResult("dev", BUSY, notes=("a deploy is under way",)))

    assert lines == ["dev: a command was running there, its issue is unchanged"]
    assert (github.issues, github.comments) == ([before], [])


def test_each_environment_has_its_own_and_without_a_report_it_is_left_alone(
    github: FakeGitHub, tmp_path: Path
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
    github: FakeGitHub, tmp_path: Path, body: str | None, labels: list[str]
) -> None:
    github.add(labels=labels, body=body)

    assert sync(github, tmp_path, drifted()) == ["dev: opened #2"]


def test_the_open_one_counts_when_there_are_two(github: FakeGitHub, tmp_path: Path) -> None:
    for state in ("open", "closed"):
        github.add(state=state, labels=["drift"], body=drift.render(drifted()))

    assert sync(github, tmp_path, drifted()) == ["dev: updated #1"]


def test_a_long_report_fits_into_an_issue(github: FakeGitHub, tmp_path: Path) -> None:
    many = tuple(f"page {number} is missing" for number in range(5000))

    sync(github, tmp_path, DriftResult("dev", DRIFTED, many))

    assert len(github.issues[0]["body"]) < 65536
    assert RUN in github.issues[0]["body"]


@pytest.mark.parametrize("text", ["", "### dev", "x<!-- ship drift: dev none 0123456789abcdef -->"])
def test_what_is_no_report_is_refused(github: FakeGitHub, tmp_path: Path, text: str) -> None:
    with pytest.raises(ShipError, match="holds no report"):
        sync(github, tmp_path)
    (tmp_path / "drift-dev.md").write_text(text)
    with pytest.raises(ShipError, match="not a report on drift"):
        sync(github, tmp_path)
    assert github.issues == []


def test_an_issue_is_opened_updated_and_closed_once() -> None:
    github = FakeGitHub()
    github.add(title="Another", body="stays")

    said = [
        upsert_issue("o/r", "Newer packages", text, github)
        for text in ("\n\n", "flask 4", "flask 5", "\n", "", "flask 6")
    ]

    assert said == ["not needed", "opened", "updated", "closed", "not needed", "opened"]
    assert [(one["title"], one["state"], one["body"]) for one in github.issues] == [
        ("Another", "open", "stays"),
        ("Newer packages", "closed", "flask 5"),
        ("Newer packages", "open", "flask 6"),
    ]
