"""docs/your-application.md, command by command, with the application of another folder."""

import os
import re
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.sandbox import ROOT, Sandbox, clone, free_ports, git
from tests.fixtures import applications
from tests.ship.test_development_server import ADDRESS, restore_ctrl_c

pytestmark = pytest.mark.nightly

BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What follows a reader's prompt; the rest of a page shows files.
CONSOLE, FILES = "console", {"toml", "hcl", "python"}
SECRET = "postgres://shop"


def commands(page: str) -> list[str]:
    """The commands of a page, in their order."""
    blocks = BLOCK.findall((ROOT / "docs" / page).read_text())
    assert {language for language, _ in blocks} <= FILES | {CONSOLE}
    lines = [line for kind, text in blocks if kind == CONSOLE for line in text.splitlines()]
    assert all(line.startswith("$ ") for line in lines), lines
    return [line[2:] for line in lines]


def run(sandbox: Sandbox, command: str) -> str:
    """Run a command as a reader does, who types a secret where one is asked for."""
    hidden = ("PYTEST", "COVERAGE", "VIRTUAL_ENV")
    variables = {k: v for k, v in sandbox.environment.items() if not k.startswith(hidden)}
    roles = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")
    person = {f"GIT_{role}": "a@example.org" for role in roles}
    path = {"PATH": f"{sandbox.root}/.venv/bin:{variables['PATH']}"}
    with subprocess.Popen(
        ["bash", "-c", command],
        cwd=sandbox.root,
        env=variables | person | path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        preexec_fn=restore_ctrl_c,
    ) as process:
        if "ship serve" in command:
            assert process.stderr
            address = next(filter(None, map(ADDRESS.search, process.stderr))).group()
            assert httpx.get(address, trust_env=False).status_code == 200
            os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(SECRET)
    assert process.returncode == 0, f"{command}: {out[-3000:]}{err[-3000:]}"
    return out


def test_every_command_of_the_page_works_in_its_order(tmp_path: Path) -> None:
    sandbox = Sandbox(clone(tmp_path / "checkout"), free_ports())
    applications.install("templates", tmp_path / "corner-shop")
    git(sandbox.root, "rm", "-r", "--quiet", "backend", "web")
    sandbox.commit("Remove the sample")
    (sandbox.root / ".ship/tools.json").unlink()
    try:
        said = {command: run(sandbox, command) for command in commands("your-application.md")}

        for environment in ("dev", "production"):
            site = sandbox.status(environment)["site_url"]
            assert "4.50 €" in httpx.get(site, trust_env=False).text
        printed = {command.partition("  ")[0]: text for command, text in said.items()}
        assert printed["ship settings dev get DATABASE_URL"] == f"{SECRET}\n"
        assert SECRET not in printed["ship settings dev list"]
        assert "hello" in printed["ship settings dev list"]
        assert [one["event"] for one in sandbox.history("dev")].count("live") > 1
    finally:
        sandbox.call("down")
