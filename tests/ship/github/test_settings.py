from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ship.config import Project, Shift
from ship.errors import ShipError, UsageError
from ship.github import settings

ACCOUNT = "123456789012"


class Hub:
    """A repository's settings behind GitHub's paths, as far as they are used."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {"repos/o/r": {"id": 1}, "users/ann": {"id": 7}}
        self.kept["orgs/o/teams/ops"] = {"id": 9}
        self.changes: list[str] = []

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        if method == "GET":
            return self._get(path)
        self.changes.append(f"{method} {path}")
        if method == "DELETE":
            folder, _, number = path.rpartition("/")
            policies = self.kept[folder]["branch_policies"]
            policies[:] = [one for one in policies if one["id"] != int(number)]
        elif path.endswith("/deployment-branch-policies"):
            kept = self.kept.setdefault(path, {"branch_policies": []})
            kept["branch_policies"].append(body | {"id": len(self.changes)})
        elif path.endswith("/labels"):
            self.kept[f"{path}/{body['name']}"] = body | {"id": 3, "default": False}
        elif path.endswith("/rulesets"):
            self.kept[f"{path}/5"] = body | {"id": 5, "created_at": "now"}
        elif path.endswith("/actions/variables"):
            self.kept[f"{path}/{body['name']}"] = body
        elif re.search(r"/environments/[a-z]+$", path):
            self.kept[path] = self._environment(body)
        else:
            self.kept[path] = self.kept.get(path, {}) | body
        return None

    def _get(self, path: str) -> Any:
        if path.endswith("/rulesets"):
            return [value for key, value in self.kept.items() if key.startswith(f"{path}/")]
        return self.kept.get(path)

    def _environment(self, body: dict[str, Any]) -> dict[str, Any]:
        reviewers = [
            {"type": one["type"], "reviewer": {"id": one["id"]}} for one in body["reviewers"] or []
        ]
        rules = [{"type": "required_reviewers", "reviewers": reviewers}] if reviewers else []
        policy = body["deployment_branch_policy"]
        return {"deployment_branch_policy": policy, "protection_rules": rules}


@pytest.fixture
def hub() -> Hub:
    return Hub()


def project(repository: str = "o/r") -> Project:
    shifts = {name: Shift((), 0.0) for name in ("dev", "staging", "production")}
    return Project(Path("/p"), "shop", "eu-central-1", repository, f"repo:{repository}", shifts)


def differing(hub: Hub, *reviewers: str) -> list[str]:
    found = settings.settings(project(), ACCOUNT, reviewers, hub)
    return [setting.name for setting in found if setting.differs]


def made(hub: Hub) -> Hub:
    settings.change(settings.settings(project(), ACCOUNT, ("ann", "o/ops"), hub), hub)
    hub.changes.clear()
    return hub


def test_looking_changes_nothing(hub: Hub) -> None:
    assert len(differing(hub, "ann")) == 17
    assert hub.changes == []


def test_run_again_there_is_nothing_to_change(hub: Hub) -> None:
    made(hub)

    assert differing(hub) == differing(hub, "ann", "o/ops") == []
    assert settings.change(settings.settings(project(), ACCOUNT, (), hub), hub) == []
    assert hub.changes == []


@pytest.mark.parametrize("name", ["dev", "staging", "production"])
def test_only_main_may_name_an_environment(hub: Hub, name: str) -> None:
    """O3: without it any branch could take the environment's role."""
    path = f"repos/o/r/environments/{name}"
    made(hub)("POST", f"{path}/deployment-branch-policies", {"name": "release/*", "type": "branch"})
    hub.kept[path]["deployment_branch_policy"] = None

    assert differing(hub) == [f"environment {name}", f"environment {name}: release/*"]
    settings.change(settings.settings(project(), ACCOUNT, (), hub), hub)
    assert differing(hub) == []


def test_a_preview_is_for_pull_requests_and_main_and_waits_for_nobody(hub: Hub) -> None:
    path = "repos/o/r/environments/preview"
    made(hub)("POST", f"{path}/deployment-branch-policies", {"name": "*", "type": "branch"})

    assert differing(hub) == ["environment preview: *"]
    settings.change(settings.settings(project(), ACCOUNT, (), hub), hub)
    policies = hub.kept[f"{path}/deployment-branch-policies"]["branch_policies"]
    assert [one["name"] for one in policies] == ["main", "refs/pull/*/merge"]
    assert hub.kept[path]["protection_rules"] == []


def test_a_changed_label_is_seen(hub: Hub) -> None:
    made(hub).kept["repos/o/r/labels/preview"]["description"] = "Something else"

    assert differing(hub) == ["label preview"]


def test_production_waits_for_its_reviewers(hub: Hub) -> None:
    made(hub)

    rules = hub.kept["repos/o/r/environments/production"]["protection_rules"]
    assert [one["reviewer"]["id"] for one in rules[0]["reviewers"]] == [7, 9]
    assert hub.kept["repos/o/r/environments/dev"]["protection_rules"] == []
    assert differing(hub, "ann") == ["environment production"]


def test_production_without_a_reviewer_is_refused(hub: Hub) -> None:
    with pytest.raises(ShipError, match="nobody approves what goes to production"):
        differing(hub)


def test_an_unknown_reviewer_is_refused(hub: Hub) -> None:
    with pytest.raises(ShipError, match="no reviewer bob"):
        differing(hub, "bob")


def test_the_required_check_is_the_one_that_gathers_all(hub: Hub) -> None:
    rules = made(hub).kept["repos/o/r/rulesets/5"]["rules"]
    workflow = Path(__file__).parents[3] / ".github/workflows/pull-request.yml"

    (checks,) = [one for one in rules if one["type"] == "required_status_checks"]
    assert checks["parameters"]["required_status_checks"] == [{"context": settings.REQUIRED_CHECK}]
    assert f"    name: {settings.REQUIRED_CHECK}\n" in workflow.read_text()


def test_a_rule_taken_away_is_seen(hub: Hub) -> None:
    made(hub).kept["repos/o/r/rulesets/5"]["rules"].pop()

    assert differing(hub) == ["ruleset of main"]


def test_a_changed_variable_is_seen(hub: Hub) -> None:
    made(hub).kept["repos/o/r/actions/variables/AWS_ACCOUNT_ID"]["value"] = "210987654321"

    assert differing(hub) == ["variable AWS_ACCOUNT_ID"]


def test_a_wider_default_token_is_seen(hub: Hub) -> None:
    path = "repos/o/r/actions/permissions/workflow"
    made(hub).kept[path]["default_workflow_permissions"] = "write"

    assert differing(hub) == ["actions: the default token"]


def test_another_repository_is_refused(hub: Hub) -> None:
    with pytest.raises(ShipError, match="no repository your-org/shop"):
        settings.settings(project("your-org/shop"), ACCOUNT, (), hub)


@pytest.mark.parametrize("account", ["", "12345678901", "12345678901x"])
def test_what_is_no_account_is_refused(account: str) -> None:
    with pytest.raises(UsageError):
        settings.check_account(account)


@pytest.fixture
def answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gh that notes its arguments and input, and answers what the file says."""
    tool = tmp_path / "gh"
    tool.write_text(
        f'#!/bin/sh\necho "$@" > "{tmp_path}/asked"\n'
        f'case "$*" in *--input*) cat > "{tmp_path}/body";; esac\n'
        f'cat "{tmp_path}/out" 2>/dev/null\n'
        f'if [ -s "{tmp_path}/no" ]; then cat "{tmp_path}/no" >&2; exit 1; fi\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_github_is_called_through_its_command_line(answering: Path) -> None:
    (answering / "out").write_text('{"id": 5}')

    assert settings.gh("PUT", "repos/o/r", {"a": 1}) == {"id": 5}
    assert (answering / "asked").read_text() == "api --method PUT repos/o/r --input -\n"
    assert json.loads((answering / "body").read_text()) == {"a": 1}


def test_what_is_not_there_is_none(answering: Path) -> None:
    (answering / "no").write_text("gh: Not Found (HTTP 404)\n")

    assert settings.gh("GET", "repos/o/r") is None


def test_what_github_refuses_is_told(answering: Path) -> None:
    (answering / "no").write_text("gh: Must have admin rights (HTTP 403)\n")

    with pytest.raises(ShipError, match="admin rights"):
        settings.gh("PUT", "repos/o/r", {"a": 1})


def test_without_the_command_line_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(ShipError, match="not installed"):
        settings.gh("GET", "repos/o/r")
