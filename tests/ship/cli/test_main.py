"""What a caller sees of the command line itself; what the commands do is told by the journeys."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from ship.cli import commands, main
from ship.environments import previews, provenance
from ship.errors import InconsistentStateError, RolledBackError, ShipError, UsageError


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["ship", *arguments])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("name", sorted(main.cli.commands))
def test_every_command_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run(monkeypatch, name, "--help") == 0

    said = capsys.readouterr().out
    assert said.startswith(f"Usage: ship {name}")
    text = (main.cli.commands[name].help or "").strip()
    assert text.endswith((".", ")"))
    for parameter in main.cli.commands[name].params:
        if isinstance(parameter, click.Option) and parameter.name != "help":
            assert parameter.help or parameter.name in ("newest",), parameter.name


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (ShipError("x", "y"), 1),
        (UsageError("x", "y"), 2),
        (RolledBackError("x", "y"), 3),
        (InconsistentStateError("x", "y"), 4),
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


@pytest.mark.parametrize(
    ("environment", "asked"), [("dev", True), ("production", True), ("pr-7", False)]
)
def test_what_goes_to_a_lasting_environment_has_to_come_from_main(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: str, asked: bool
) -> None:
    made, seen = SimpleNamespace(manifest=SimpleNamespace(release="x")), list[object]()
    monkeypatch.setattr(provenance, "verify", lambda *_: made)
    monkeypatch.setattr(provenance, "check_attested", lambda found, _: seen.append(found))

    assert run(monkeypatch, "verify", str(tmp_path), "--digest", "d", "--for", environment) == 0
    assert bool(seen) == asked


@pytest.mark.parametrize(("fault", "status"), [("", 0), ("the state is locked", 1)])
def test_a_sweep_fails_when_a_preview_is_left(
    monkeypatch: pytest.MonkeyPatch, fault: str, status: int
) -> None:
    found = [previews.Swept("pr-7", "its pull request is closed", fault)]
    monkeypatch.setattr(previews, "sweep", lambda *_, make_so: found if make_so else [])

    assert run(monkeypatch, "sweep", "--apply") == status
