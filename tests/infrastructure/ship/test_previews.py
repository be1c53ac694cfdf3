from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ship import commands, previews
from ship.config import Run
from ship.errors import Fault
from ship.previews import Came, Preview

REPOSITORY = "o/r"
HEAD = "1a2b3c4" + "0" * 33
NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
PULL: dict[str, Any] = {
    "state": "open",
    "labels": [{"name": "bug"}, {"name": "preview"}],
    "head": {"sha": HEAD, "repo": {"full_name": REPOSITORY}},
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that a push to pull request 7 started."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": HEAD}}}))
    return Run("ann", "github:o/r:1:1", "", True, "pull_request", REPOSITORY, "", "", str(event))


def changed(**values: Any) -> dict[str, Any]:
    found = copy.deepcopy(PULL)
    for key, value in values.items():
        found["head" if key in ("sha", "repo") else key] = (
            found["head"] | {key: value} if key in ("sha", "repo") else value
        )
    return found


def hub(pull: dict[str, Any] | None, *, there: bool = True) -> Any:
    def api(method: str, path: str, body: object) -> Any:
        assert (method, body) == ("GET", None)
        return ({} if there else None) if path == "repos/o/r" else pull

    return api


def test_the_newest_push_of_a_labelled_pull_request_is_wanted(run: Run) -> None:
    previews.check_wanted(run, "pr-7", hub(PULL))


@pytest.mark.parametrize(
    ("pull", "why"),
    [
        (None, "no such pull request"),
        (changed(state="closed"), "is closed"),
        (changed(labels=[{"name": "bug"}]), "no label"),
        (changed(repo={"full_name": "stranger/r"}), "another repository"),
        (changed(repo=None), "another repository"),
        (changed(sha="f" * 40), "not its pull request's newest push"),
    ],
    ids=["unknown", "closed", "unlabelled", "fork", "deleted fork", "older push"],
)
def test_what_its_pull_request_wants_no_more_is_refused(
    run: Run, pull: dict[str, Any] | None, why: str
) -> None:
    """A closed one's too, whenever its run is run again: so a destroyed preview stays so."""
    with pytest.raises(Fault, match=why):
        previews.check_wanted(run, "pr-7", hub(pull))


def test_a_run_deploys_its_own_pull_requests_preview_only(run: Run) -> None:
    with pytest.raises(Fault, match="not of pr-8's pull request"):
        previews.check_wanted(run, "pr-8", hub(PULL))
    with pytest.raises(Fault, match="not of pr-7's pull request"):
        previews.check_wanted(replace(run, event_file=""), "pr-7", hub(PULL))


def test_a_lasting_environment_and_a_person_ask_nobody(run: Run) -> None:
    previews.check_wanted(run, "dev", hub(None))
    previews.check_wanted(replace(run, on_github=False), "pr-7", hub(None))


@pytest.fixture
def session(run: Run) -> Any:
    """A session whose account is not asked for anything."""
    return SimpleNamespace(
        settings=SimpleNamespace(run=run),
        project=SimpleNamespace(repository=REPOSITORY, preview_days=7.0),
    )


def there(monkeypatch: pytest.MonkeyPatch, **days: float) -> None:
    found = [Preview(name.replace("_", "-"), NOW - timedelta(days=d)) for name, d in days.items()]
    monkeypatch.setattr(previews, "there", lambda _: found)


def test_what_is_wanted_and_new_enough_is_left_alone(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there(monkeypatch, pr_7=6.99)

    assert previews.unwanted(session, hub(PULL), NOW) == []


@pytest.mark.parametrize(
    ("pull", "age", "why"),
    [
        (changed(state="closed"), 0.1, "its pull request is closed"),
        (changed(labels=[]), 0.1, "its pull request has no label `preview`"),
        (None, 0.1, "there is no such pull request"),
        (PULL, 7.01, "nothing was pushed for 7 days"),
    ],
)
def test_a_preview_that_nobody_wants_is_found(
    session: Any,
    monkeypatch: pytest.MonkeyPatch,
    pull: dict[str, Any] | None,
    age: float,
    why: str,
) -> None:
    there(monkeypatch, pr_7=age)

    (found,) = previews.unwanted(session, hub(pull), NOW)
    assert (found.environment, found.why) == ("pr-7", why)


def test_where_the_repository_cannot_be_seen_nothing_is_unwanted(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub answers 404 for what one may not see: every pull request would look gone."""
    there(monkeypatch, pr_7=0)

    with pytest.raises(Fault, match="may not be seen"):
        previews.unwanted(session, hub(None, there=False), NOW)


@pytest.mark.parametrize(
    ("deployed", "destroyed", "said"),
    [
        ("success", "skipped", "### pr-7: `20261123-2-1a2b3c4`"),
        ("success", "", "[Site](https://x)"),
        ("failure", "skipped", "the last push is not live"),
        ("skipped", "skipped", "the last push is not live"),
        ("cancelled", "", "the last push is not live"),
        ("skipped", "success", "### pr-7 is gone"),
        ("skipped", "failure", "could not be destroyed"),
        ("skipped", "cancelled", "could not be destroyed"),
    ],
)
def test_a_pull_request_is_told_what_came_of_its_preview(
    deployed: str, destroyed: str, said: str
) -> None:
    came = Came("pr-7", deployed, destroyed, "20261123-2-1a2b3c4", "https://x")

    assert said in previews.told(came, "https://run")


@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_no_workflow_destroys_a_lasting_environment(session: Any, environment: str) -> None:
    with pytest.raises(Fault, match="no workflow destroys it"):
        commands.destroy(session, environment)


@pytest.mark.parametrize("target", ["dev", "staging", "production", "pr-8"])
def test_nothing_is_promoted_from_a_preview(session: Any, target: str) -> None:
    with pytest.raises(Fault, match="has not been merged"):
        commands.promote(session, "pr-7", target, "")
