"""What a caller sees of the command line itself; what the commands do is told by the journeys."""

from __future__ import annotations

import sys

import click
import pytest

from ship import cli, commands
from ship.errors import Fault, LeftBehindFault, PutBackFault, UsageFault


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["ship", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("name", sorted(cli.cli.commands))
def test_every_command_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run(monkeypatch, name, "--help") == 0

    said = capsys.readouterr().out
    assert said.startswith(f"Usage: ship {name}")
    text = (cli.cli.commands[name].help or "").strip()
    assert text.endswith((".", ")"))
    for parameter in cli.cli.commands[name].params:
        if isinstance(parameter, click.Option) and parameter.name != "help":
            assert parameter.help or parameter.name in ("newest",), parameter.name


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault("x", "y"), 1),
        (UsageFault("x", "y"), 2),
        (PutBackFault("x", "y"), 3),
        (LeftBehindFault("x", "y"), 4),
        (KeyboardInterrupt(), 130),
        (click.exceptions.Abort(), 130),
        (BrokenPipeError(), 0),
    ],
)
def test_the_exit_status_says_how_it_ended(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: BaseException,
    status: int,
) -> None:
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(commands, "build", fail)

    assert run(monkeypatch, "build") == status
    if status:
        assert len(capsys.readouterr().err.strip().splitlines()) == 2


def test_the_tool_tells_its_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("ship, version ")
