"""Nonsense to every command of `ship`: each says what is wrong and what to do, without a trace."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest

from ship import config
from ship.cli.options import ENVIRONMENT
from tests.ship.cli.conftest import Ship
from tests.ship.cli.test_main import COMMANDS

LEAVES = [(words, one) for words, one in COMMANDS if not isinstance(one, click.Group)]
IDS = [" ".join(words) for words, _ in LEAVES]


def right_value(parameter: click.Parameter) -> str:
    """A value that a parameter takes, whatever comes of it."""
    kind = parameter.type
    if kind is ENVIRONMENT:
        return "qa"
    if isinstance(kind, click.Path):
        return "." if kind.dir_okay and not kind.file_okay else "pyproject.toml"
    if isinstance(kind, click.Choice):
        return str(kind.choices[0])
    return str(getattr(kind, "min", None) or 1)


def wrong_values(parameter: click.Parameter) -> list[str]:
    """Values that a parameter cannot take."""
    kind = parameter.type
    if kind is ENVIRONMENT:
        return ["", "prod"]
    if isinstance(kind, click.types._NumberRangeBase):
        ends = [one for one in (kind.min, kind.max) if one is not None]
        beyond = [str(one * 2 + 1 if one == kind.max else one - 1) for one in ends]
        return ["", "many", "nan", "inf", "-inf", *beyond]
    if isinstance(kind, click.Path):
        return ["no/such", ""] if kind.exists else ["." if kind.file_okay else "pyproject.toml"]
    # Empty is what a shell makes of a variable that is not set. The words of a command may be it.
    return [] if parameter.default == "" or parameter.nargs < 0 else ["", " "]


def command_line(
    words: list[str], command: click.Command, changed: Mapping[str, str | None]
) -> list[str]:
    """A command with all that it requires; None leaves an option out."""
    line = ["qa" if word == "ENVIRONMENT" else word for word in words]
    arguments = []
    for one in command.params:
        is_given = one.name in changed or one.required
        value = changed.get(str(one.name), right_value(one))
        if not is_given or value is None:
            continue
        if isinstance(one, click.Argument):
            arguments.append(value)
        elif isinstance(one, click.Option) and one.is_flag:
            line.append(one.opts[0])
        else:
            line.append(f"{one.opts[0]}={value}")
    return [*line, "--", *arguments] if arguments else line


def cases() -> Iterator[tuple[list[str], str]]:
    """Each command with one thing wrong, and what the error has to name."""
    yield ["no-such"], "no-such"
    for words, command in LEAVES:
        whole = command_line(words, command, {})
        yield [*whole[: len(words)], "--no-such", *whole[len(words) :]], "--no-such"
        arguments = [one for one in command.params if isinstance(one, click.Argument)]
        given = {str(one.name): right_value(one) for one in arguments}
        if all(one.nargs == 1 for one in arguments):
            yield [*command_line(words, command, given), "more"], "more"
        if whole[-len(arguments) - 1 :][0] == "--":
            yield whole[: -len(arguments) - 1], "missing argument"
        for one in command.params:
            if one.required and isinstance(one, click.Option):
                yield command_line(words, command, {str(one.name): None}), "missing option"
            if isinstance(one, click.Option) and one.is_flag:
                continue
            for value in wrong_values(one):
                name = one.human_readable_name if isinstance(one, click.Argument) else one.opts[0]
                shown = repr(value) if one.type is ENVIRONMENT else name
                yield command_line(words, command, {str(one.name): value}), shown


@pytest.fixture(autouse=True)
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command line of GitHub's to which nobody has signed in, and no emulator."""
    fake = tmp_path / "bin/gh"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'To get started, please run: gh auth login' >&2\nexit 4\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    for name in ("AWS_ENDPOINT_URL", "SHIP_PORT"):
        monkeypatch.delenv(name, raising=False)


def errors(ship: Ship) -> list[str]:
    """The error and what to do about it, which come last."""
    lines = ship.err.splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith("ship: ")), None)
    assert start is not None, lines
    assert lines[start].removeprefix("ship: ").strip()
    assert lines[-1].startswith("      → "), lines
    return lines[start:]


CASES = list(cases())


@pytest.mark.parametrize(("line", "named"), CASES, ids=[" ".join(line) for line, _ in CASES])
def test_wrong_usage_is_named(ship: Ship, line: list[str], named: str) -> None:
    assert ship(*line) == 2

    assert named.lower() in "\n".join(errors(ship)).lower()


# The cases above come from what a command declares: they do not see a limit that is gone.
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("serve --port 80", "80 is not in the range 1024<=x<=65535"),
        ("history qa --newest 0", "0 is not in the range 1<=x<=1000"),
        ("metrics --days 366", "366 is not in the range 1<=x<=365"),
        ("cost qa --requests -1", "-1 is not in the range"),
        ("cost qa --milliseconds 0", "0.0 is not in the range"),
        ("cost qa --kilobytes nan", "nan is not a number"),
        ("ci comment 0 --name a --file pyproject.toml", "0 is not in the range x>=1"),
        ("ci operate destroy", "'destroy' is not one of"),
        ("apply qa --plan no/such", "'no/such' does not exist"),
        ("deploy qa --dist no/such", "'no/such' does not exist"),
        ("rollback qa", "Missing option '--reason'"),
    ],
)
def test_a_limit_is_held(ship: Ship, line: str, said: str) -> None:
    assert ship(*line.split()) == 2

    assert said in re.sub(r"\s+", " ", " ".join(errors(ship)))


@pytest.mark.parametrize(("words", "command"), LEAVES, ids=IDS)
def test_without_set_up_emulator_and_state_it_is_said_what_is_missing(
    ship: Ship, words: list[str], command: click.Command
) -> None:
    status = ship(*command_line(words, command, {}))

    assert status in (0, 1, 2)
    if status:
        errors(ship)


@pytest.mark.parametrize(("words", "command"), LEAVES, ids=IDS)
def test_outside_of_a_project_it_is_said_what_is_missing(
    ship: Ship,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    command: click.Command,
) -> None:
    (project / "pyproject.toml").write_text("[project]\n")
    # A command falls back to the checkout that it was installed from.
    monkeypatch.setattr(config, "__file__", str(project / "infrastructure/ship/config.py"))

    status = ship(*command_line(words, command, {}))

    if status:
        errors(ship)


GROUPS = [[], ["settings"], ["ci"], ["ci", "report"]]


@pytest.mark.parametrize("words", GROUPS, ids=[" ".join(["ship", *words]) for words in GROUPS])
def test_a_group_without_a_command_shows_its_help(ship: Ship, words: list[str]) -> None:
    assert ship(*words) == 2
    assert ship.err.startswith(f"Usage: {' '.join(['ship', *words])} [OPTIONS]")


@pytest.mark.parametrize("line", [["ci", "issue", "Title"], ["ci", "comment", "1", "--name=x"]])
def test_a_file_that_is_not_text_is_named(ship: Ship, line: list[str], tmp_path: Path) -> None:
    (tmp_path / "page.md").write_bytes(b"\xff\xfe\x00")

    assert ship(*line, f"--file={tmp_path}/page.md") == 2
    assert "page.md is not text" in errors(ship)[0]


def test_a_report_that_cannot_be_written_is_named(ship: Ship, project: Path) -> None:
    assert ship("ci", "report", "preview", "pr-1", f"--out={project}/pyproject.toml/x") == 1
    assert "pyproject.toml/x cannot be written" in errors(ship)[0]
