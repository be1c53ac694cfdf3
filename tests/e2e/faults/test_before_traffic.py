"""A command before traffic that fails, takes long, or is left behind by a deploy that died."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.sandbox import Sandbox, poll, probing

COMMAND = """

@app.cli.command()
def migrate():
    import pathlib, sys, time
    with pathlib.Path({log!r}).open("a") as log:
        print("began", file=log, flush=True)
        {body}
        print("ended", file=log, flush=True)
"""


def migrate(sandbox: Sandbox, log: Path, body: str = "print('1 row changed')") -> None:
    """Have the application's command `flask migrate` run before traffic."""
    project, application = sandbox.root / "pyproject.toml", sandbox.root / "backend/wsgi.py"
    text, table = project.read_text(), "[tool.ship.application]\n"
    if "before_traffic" not in text:
        project.write_text(text.replace(table, f'{table}before_traffic = "flask migrate"\n'))
    application.write_text(
        application.read_text().partition("\n\n@app.cli")[0]
        + COMMAND.format(log=str(log), body=body)
    )


def test_a_command_that_fails_reaches_no_user_and_a_rollback_undoes_none(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    before = sandbox.status("dev")
    migrate(sandbox, tmp_path / "log", "sys.exit('no table named items')")

    with probing(before) as probe:
        said = sandbox.refused("deploy", "dev", status=3)

    assert "`flask migrate` ended with status 1: no table named items" in said
    assert probe.releases("api") == probe.releases("site") == {before["release"]}
    after = sandbox.status("dev")
    assert (after["release"], after["operation"]) == (before["release"], None)
    assert after["bad"] == before["bad"], "what it needs may be there the next time"

    migrate(sandbox, tmp_path / "log")
    sandbox.edit("with a table")
    done = sandbox.call("deploy", "dev")
    assert "1 row changed" in done.stderr
    live = sandbox.status("dev")["release"]
    assert sandbox.served("dev") == (live,) * 3
    back = sandbox.ship("rollback", "dev", "--reason", "slow")
    assert f"stays: `flask migrate` of {said.split()[3]}, `flask migrate` of {live}" in back
    assert (tmp_path / "log").read_text().split() == ["began", "began", "ended"]


@pytest.mark.nightly
def test_a_command_may_take_longer_than_a_call_of_aws_does_otherwise(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    limit = sandbox.root / "infrastructure/stack/limit.auto.tfvars"
    limit.write_text("function_timeout_seconds = 120\n")
    try:
        sandbox.ship("apply", "dev")
        migrate(sandbox, tmp_path / "log", "time.sleep(65)")
        with probing(sandbox.status("dev")):
            sandbox.ship("deploy", "dev")
    finally:
        limit.unlink()
        sandbox.ship("apply", "dev")

    assert (tmp_path / "log").read_text().split() == ["began", "ended"]
    assert sandbox.served("dev") == (sandbox.status("dev")["release"],) * 3


@pytest.mark.nightly
def test_the_command_of_a_killed_deploy_never_runs_beside_that_of_the_next(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    log, before = tmp_path / "log", sandbox.status("dev")
    migrate(sandbox, log, "time.sleep(4)")
    with probing(before) as probe:
        process = sandbox.start("deploy", "dev")
        poll(lambda: log.exists() and log.read_text() == "began\n", seconds=60)
        process.kill()
        process.communicate()
        sandbox.ship("repair", "dev")

        assert sandbox.served("dev") == (before["release"],) * 3
    assert probe.releases("api") == {before["release"]}

    done = sandbox.call("deploy", "dev")

    assert done.returncode == 0, done.stderr
    assert "may still be running; waiting" in done.stderr
    assert log.read_text().split() == ["began", "ended"] * 2
