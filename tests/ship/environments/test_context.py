from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import emulator
from ship.aws import Account
from ship.config import Alerts, Runtime
from ship.edge_config import Edge
from ship.environments import context as contexts
from ship.environments.context import Context
from ship.errors import ShipError
from ship.site_config import SiteHeaders, SiteSettings
from tests.ship.environments.factories import SILENT, make_project

WEB_ACL = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/473e64fd"


class FakeEmulator:
    at: int | None = None

    def __init__(self, *arguments: Any, environments: tuple[str, ...], hints: object) -> None:
        self.port = arguments[2]
        self.environments = environments

    def running(self) -> Any:
        return self.at and SimpleNamespace(endpoint=f"http://127.0.0.1:{self.at}")


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A context on AWS, whose Terraform is the workspace it would run in."""
    run = SimpleNamespace(on_github=True)
    settings: Any = SimpleNamespace(endpoint=None, use_aws=True, port=None, run=run)
    headers = SiteHeaders({"font-src": ("https://fonts.example",)}, {"X-Robots-Tag": "noindex"})
    site = SiteSettings(fallback="index.html", folders={"/static/": "backend/static"})
    named = make_project(tmp_path, "o/r", "qa", "live")
    project = replace(named, site=site, site_headers=headers, runtime=Runtime("x86_64"))
    project.variables["qa"] = {"STAGE": "test"}
    project.alerts["qa"] = Alerts(("on-call@example.org",))
    project.edges["qa"] = Edge(api_behind_cloudfront=True, waf=WEB_ACL, flat_rate=True)
    project.edges["live"] = Edge()
    made = Context(project, settings, SILENT)
    made.__dict__["account"] = Account("1" * 12, "eu-north-1")
    made.__dict__["tools"] = SimpleNamespace(
        terraform="terraform", terraform_environment={}, emulator_python="python", node=None
    )
    monkeypatch.setattr(contexts, "Terraform", lambda _, workspace, __: workspace)
    monkeypatch.setattr(emulator, "Emulator", FakeEmulator)
    return made


@pytest.mark.parametrize(
    ("environment", "emptied"), [("qa", True), ("pr-7", True), ("live", False)]
)
def test_the_stack_gets_the_projects_settings_and_only_the_last_keeps_its_buckets(
    context: Any, environment: str, emptied: bool
) -> None:
    workspace = context.stack(environment)

    alerts = {"emails": ("on-call@example.org",), "topic": ""}
    assert workspace.variables.pop("alerts", None) == (alerts if environment == "qa" else None)
    placeholder = workspace.variables.pop("placeholder_zip")
    assert Path(placeholder).is_file()
    assert workspace.variables == {
        "project": "shop",
        "region": "eu-north-1",
        "environment": environment,
        "application_events": {},
        "application_paths": ["/forecast/*"],
        "site_content_security_policy": {"font-src": ("https://fonts.example",)},
        "site_fallback": "index.html",
        "site_paths": ["/static/*"],
        "site_headers": {"X-Robots-Tag": "noindex"},
        "application_variables": {"STAGE": "test"} if environment == "qa" else {},
        "function_architecture": "x86_64",
        "function_runtime": "python3.13",
        "api_behind_cloudfront": environment == "qa",
        "origin_secret": 1,
        "throttling": {},
        "flat_rate": environment == "qa",
        **({"waf": WEB_ACL} if environment == "qa" else {}),
        "force_destroy": emptied,
    }
    assert workspace.name == environment
    assert workspace.backend == {
        "workspace_key_prefix": f"stack/{environment}",
        "use_lockfile": "false",
    }
    assert workspace.bucket == "shop-state-111111111111"


def test_bootstrap_gets_every_environment_and_a_copy_keeps_its_state_to_itself(
    context: Any, tmp_path: Path
) -> None:
    assert context.bootstrap().variables == {
        "project": "shop",
        "region": "eu-north-1",
        "subject_prefix": "repo:o/r",
        "repository_id": "0",
        "job_workflow_refs": [],
        "uses": [],
        "alerts": {"qa": ""},
        "domains": {},
        "web_acls": {"qa": WEB_ACL},
        "create_oidc_provider": True,
        "environments": ["qa", "live"],
    }
    workspace = context.bootstrap(tmp_path / "copy")
    assert (workspace.root, workspace.bucket) == (tmp_path / "copy", "")


def test_the_emulator_is_found_at_its_port_with_a_site_for_every_environment(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeEmulator, "at", 5000)

    assert (context.emulator.port, context.emulator.environments) == (5000, ("qa", "live"))
    del context.__dict__["emulator"]
    context.settings.port = 6000
    assert context.emulator.port == 6000


def test_without_an_emulator_it_says_how_to_start_one(context: Any) -> None:
    del context.__dict__["account"]
    context.settings.use_aws = False

    with pytest.raises(ShipError, match="not running") as raised:
        _ = context.account
    assert "`make up`" in raised.value.hint
