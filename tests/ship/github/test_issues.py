"""One issue per environment, however often the search runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ship.environments import drift
from ship.environments.drift import BUSY, DRIFTED, NONE, Found
from ship.errors import ShipError
from ship.github import issues

RUN = "https://github.example/o/r/actions/runs/7"


class Hub:
    """The issues of a repository behind GitHub's paths."""

    def __init__(self) -> None:
        self.issues: list[dict[str, Any]] = []
        self.comments: list[tuple[int, str]] = []

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        rest = path.removeprefix("repos/o/r/issues")
        if method == "GET":
            assert rest == "?labels=drift&state=all&per_page=100"
            return [one for one in reversed(self.issues) if "drift" in one["labels"]]
        if rest.endswith("/comments"):
            self.comments.append((int(rest.split("/")[1]), body["body"]))
        elif method == "PATCH":
            self.issues[int(rest[1:]) - 1].update(body)
        else:
            self.issues.append(body | {"number": len(self.issues) + 1, "state": "open"})
            return self.issues[-1]
        return None


@pytest.fixture
def hub() -> Hub:
    return Hub()


def settle(hub: Hub, folder: Path, *found: Found) -> list[str]:
    for one in found:
        (folder / f"drift-{one.environment}.md").write_text(f"{drift.report(one).text}\n\n")
    return issues.settle(folder, "o/r", RUN, hub)


def drifted(environment: str = "dev", difference: str = "the alias") -> Found:
    return Found(environment, DRIFTED, (difference,))


def test_drift_opens_an_issue_with_the_difference(hub: Hub, tmp_path: Path) -> None:
    assert settle(hub, tmp_path, drifted()) == ["dev: opened #1"]

    (issue,) = hub.issues
    assert (issue["title"], issue["labels"]) == ("Drift in dev", ["drift"])
    assert "- the alias\n" in issue["body"]
    assert RUN in issue["body"]
    assert hub.comments == []


def test_the_same_drift_updates_the_text_and_says_nothing_more(hub: Hub, tmp_path: Path) -> None:
    settle(hub, tmp_path, drifted())
    hub.issues[0]["body"] = hub.issues[0]["body"].replace(RUN, "before")

    assert settle(hub, tmp_path, drifted()) == ["dev: updated #1"]

    assert RUN in hub.issues[0]["body"]
    assert (len(hub.issues), hub.comments) == (1, [])


def test_another_difference_is_told_in_a_comment(hub: Hub, tmp_path: Path) -> None:
    settle(hub, tmp_path, drifted())

    settle(hub, tmp_path, drifted(difference="a page"))

    assert len(hub.issues) == 1
    assert "- a page\n" in hub.issues[0]["body"]
    ((number, said),) = hub.comments
    assert number == 1
    assert "- a page\n" in said
    assert "<!--" not in said


def test_it_is_closed_when_the_drift_is_gone_and_stays_closed(hub: Hub, tmp_path: Path) -> None:
    settle(hub, tmp_path, drifted())

    assert settle(hub, tmp_path, Found("dev", NONE)) == ["dev: closed #1, the drift is gone"]
    assert settle(hub, tmp_path, Found("dev", NONE)) == ["dev: nothing has drifted"]

    assert (hub.issues[0]["state"], hub.issues[0]["state_reason"]) == ("closed", "completed")
    assert [number for number, _ in hub.comments] == [1]


def test_drift_that_is_back_opens_its_issue_again(hub: Hub, tmp_path: Path) -> None:
    settle(hub, tmp_path, drifted())
    settle(hub, tmp_path, Found("dev", NONE))

    assert settle(hub, tmp_path, drifted()) == ["dev: reopened #1"]

    assert (len(hub.issues), hub.issues[0]["state"]) == (1, "open")
    assert hub.comments[-1][1].startswith("It is back.")


def test_an_environment_that_was_being_worked_on_keeps_its_issue(hub: Hub, tmp_path: Path) -> None:
    settle(hub, tmp_path, drifted())
    before = dict(hub.issues[0])

    said = settle(hub, tmp_path, Found("dev", BUSY, notes=("a deploy is under way",)))

    assert said == ["dev: was being worked on, its issue stays as it is"]
    assert hub.issues == [before]
    assert hub.comments == []


def test_each_environment_has_its_own(hub: Hub, tmp_path: Path) -> None:
    settle(hub, tmp_path, drifted("dev"), drifted("production"), Found("staging", NONE))
    settle(hub, tmp_path, Found("dev", NONE), drifted("production"))

    states = [(one["title"], one["state"]) for one in hub.issues]
    assert states == [("Drift in dev", "closed"), ("Drift in production", "open")]


def test_an_environment_without_a_report_is_left_alone(hub: Hub, tmp_path: Path) -> None:
    """Its comparison failed: nobody knows whether the drift is gone."""
    settle(hub, tmp_path, drifted("dev"))
    (tmp_path / "drift-dev.md").unlink()

    settle(hub, tmp_path, Found("staging", NONE))

    assert hub.issues[0]["state"] == "open"


@pytest.mark.parametrize("body", [None, "", "about drift", "> <!-- ship drift: dev drifted 0 -->"])
def test_other_issues_with_the_label_are_not_taken_for_it(
    hub: Hub, tmp_path: Path, body: str | None
) -> None:
    hub.issues.append({"number": 1, "state": "open", "labels": ["drift"], "body": body})

    assert settle(hub, tmp_path, drifted()) == ["dev: opened #2"]


def test_an_issue_without_the_label_is_not_taken_for_it(hub: Hub, tmp_path: Path) -> None:
    """Anybody may write the hidden line; only who may triage sets a label."""
    forged = drift.report(drifted()).text
    hub.issues.append({"number": 1, "state": "open", "labels": [], "body": forged})

    assert settle(hub, tmp_path, drifted()) == ["dev: opened #2"]


def test_the_open_one_counts_when_there_are_two(hub: Hub, tmp_path: Path) -> None:
    text = drift.report(drifted()).text
    for state in ("open", "closed"):
        issue = {"number": len(hub.issues) + 1, "state": state, "labels": ["drift"], "body": text}
        hub.issues.append(issue)

    assert settle(hub, tmp_path, drifted()) == ["dev: updated #1"]


def test_a_line_end_of_githubs_is_a_line_end(hub: Hub, tmp_path: Path) -> None:
    settle(hub, tmp_path, drifted())
    hub.issues[0]["body"] = hub.issues[0]["body"].replace("\n", "\r\n")

    assert settle(hub, tmp_path, drifted()) == ["dev: updated #1"]
    assert hub.comments == []


def test_a_long_report_fits_into_an_issue(hub: Hub, tmp_path: Path) -> None:
    many = tuple(f"page {number} is missing" for number in range(5000))

    settle(hub, tmp_path, Found("dev", DRIFTED, many))

    assert len(hub.issues[0]["body"]) < 65536
    assert RUN in hub.issues[0]["body"]


@pytest.mark.parametrize("text", ["", "### dev", "x<!-- ship drift: dev none 0123456789abcdef -->"])
def test_what_is_no_report_is_refused(hub: Hub, tmp_path: Path, text: str) -> None:
    (tmp_path / "drift-dev.md").write_text(text)

    with pytest.raises(ShipError, match="not a report on drift"):
        issues.settle(tmp_path, "o/r", RUN, hub)
    assert hub.issues == []


def test_an_empty_folder_is_refused(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ShipError, match="holds no report"):
        issues.settle(tmp_path, "o/r", RUN, hub)
