"""Settings and secrets of an application, from `ship settings` to a visitor's session."""

from pathlib import Path

import pytest

from ship.aws import Clients
from tests.e2e.applications.conftest import Adopt, Visitor
from tests.e2e.sandbox import Sandbox

# The session is that of docs/your-application.md.
APPLICATION = """\
import json
import os

from flask import Flask, session

app = Flask(__name__)
app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
app.config["SECRET_KEY_FALLBACKS"] = json.loads(os.environ.get("SECRET_KEY_FALLBACKS", "[]"))
if "NEEDED" in os.environ:
    os.environ[os.environ["NEEDED"]]


@app.get("/api/visits")
def visits():
    session["visits"] = session.get("visits", 0) + 1
    return str(session["visits"])


@app.get("/api/settings/<name>")
def setting(name):
    return os.environ.get(name, "none")
"""
TOKEN = "größer als nichts"


@pytest.fixture
def visitor(adopt: Adopt, tmp_path: Path) -> Visitor:
    """Somebody at the site of an application that has settings and sessions."""
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "desk.py").write_text(APPLICATION)
    return adopt(folder)[0]


def test_settings_count_after_a_restart_and_no_secret_is_shown(
    sandbox: Sandbox, visitor: Visitor
) -> None:
    def settings(*arguments: str, piped: str = "") -> str:
        return sandbox.ship("settings", "dev", *arguments, piped=piped)

    assert visitor.ask("/api/visits").text == "1"
    first_session = dict(visitor.client.cookies)
    before = sandbox.status("dev")
    large = "x" * 8192  # More than 4096 make it an advanced parameter.

    settings("set", "TOKEN", piped=f"{TOKEN}\n")
    settings("set", "CERTIFICATE", piped=large)
    settings("set", "--plain", "GREETING=hello")
    settings("rotate", "SECRET_KEY")
    assert "has 8193 bytes" in sandbox.refused(
        "settings", "dev", "set", "CERTIFICATE", piped=f"{large}x", status=2
    )
    sandbox.ship("restart", "dev")

    after = sandbox.status("dev")
    assert after["release"] == before["release"]
    assert int(after["function_version"]) > int(before["function_version"])
    for name, value in (("TOKEN", TOKEN), ("CERTIFICATE", large), ("GREETING", "hello")):
        assert visitor.ask(f"/api/settings/{name}").text == value
        assert settings("get", name) == f"{value}\n"
    assert visitor.ask("/api/visits").text == "2", "the rotation has ended a session"
    listed = settings("list") + settings("history", "TOKEN") + str(sandbox.history("dev"))
    assert TOKEN not in listed
    assert large not in listed
    assert "hello" in listed
    (changed,) = sandbox.json("settings", "dev", "history", "TOKEN")
    assert f"{sandbox.function('dev').removesuffix('-dev')}-deploy-dev/" in changed["by"]
    assert changed["at"].startswith("20")
    sandbox.ship("drift", "dev")

    settings("unset", "TOKEN")
    settings("unset", "SECRET_KEY_FALLBACKS")
    sandbox.ship("restart", "dev")
    assert visitor.ask("/api/settings/TOKEN").text == "none"
    visitor.client.cookies.clear()
    visitor.client.cookies.update(first_session)
    assert visitor.ask("/api/visits").text == "1", "a key that was unset still counts"


def test_the_running_version_stays_when_settings_are_missing_or_cannot_be_read(
    sandbox: Sandbox, visitor: Visitor
) -> None:
    before = sandbox.status("dev")
    sandbox.ship("settings", "dev", "set", "--plain", "NEEDED=DATABASE_URL")
    said = sandbox.refused("restart", "dev", status=3)
    assert "KeyError: 'DATABASE_URL'" in said
    sandbox.ship("settings", "dev", "unset", "NEEDED")

    function = sandbox.client("lambda", "dev").get_function_configuration(
        FunctionName=sandbox.function("dev")
    )
    role, context = function["Role"].rpartition("/")[2], sandbox.context
    iam = Clients(context.account, context.administrator()).client("iam")
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    iam.delete_role_policy(RoleName=role, PolicyName=policy)
    said = sandbox.refused("restart", "dev", status=3)
    assert f"the settings below /{sandbox.project.name}/dev cannot be read" in said
    assert "`ship apply`" in said
    sandbox.ship("apply", "dev")

    after = sandbox.status("dev")
    assert (after["release"], after["function_version"]) == (
        before["release"],
        before["function_version"],
    )
    assert visitor.ask("/api/visits").text == "1"
    sandbox.ship("restart", "dev")
