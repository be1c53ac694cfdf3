"""What a caller sees of the command line itself; what the commands do the end-to-end tests show."""

import re
from collections.abc import Iterator

import click
import pytest

from emulator import EmulatorError
from ship.cli import local, main
from ship.errors import DriftError, InconsistentStateError, RolledBackError, ShipError, UsageError
from tests.ship.cli.conftest import Ship
from tests.ship.conftest import ROOT
from toolchain import ToolError


def commands(group: click.Group, *prefix: str) -> Iterator[tuple[list[str], click.Command]]:
    """Every command below a group, with its words."""
    for name, command in group.commands.items():
        yield [*prefix, name], command
        if isinstance(command, click.Group):
            arguments = [str(one.name).upper() for one in command.params if one.nargs == 1]
            yield from commands(command, *prefix, name, *arguments)


COMMANDS = list(commands(main.cli))


@pytest.mark.parametrize(
    ("words", "command"), COMMANDS, ids=[" ".join(words) for words, _ in COMMANDS]
)
def test_every_command_explains_itself_and_its_options(
    ship: Ship, words: list[str], command: click.Command
) -> None:
    assert ship(*("qa" if word == "ENVIRONMENT" else word for word in words), "--help") == 0

    assert ship.out.startswith(f"Usage: ship {' '.join(words)}")
    assert (command.help or "").strip().endswith((".", ")"))
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []


def test_help_lists_every_command_once_with_its_whole_first_sentence(ship: Ship) -> None:
    assert ship("--help") == 0

    output = " ".join(ship.out.split())
    for words, command in COMMANDS:
        sentence = " ".join((command.help or "").split("\n\n")[0].split())
        if not isinstance(command, click.Group):
            assert output.count(f" {' '.join(words)} {sentence.partition('. ')[0]}") == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ShipError("x", "y"), 1),
        (EmulatorError("x", "y"), 1),
        (ToolError("x", "y"), 1),
        (UsageError("x", "y"), 2),
        (RolledBackError("x", "y"), 3),
        (InconsistentStateError("x", "y"), 4),
        (DriftError("x", "y"), 5),
        (KeyboardInterrupt(), 130),
        (click.exceptions.Abort(), 130),
        (BrokenPipeError(), 0),
    ],
)
def test_the_exit_status_says_how_it_ended(
    ship: Ship, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(local, "build_tree", fail)

    assert ship("build") == status
    assert len(ship.err.strip().splitlines()) == (2 if status else 0)


def test_on_github_the_page_of_the_run_shows_what_is_wrong(
    ship: Ship, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ShipError("100% of\nit fails", "run it again")

    monkeypatch.setattr(local, "build_tree", fail)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    assert ship("build") == 1
    assert ship.err.splitlines()[-1] == "::error title=ship::100%25 of%0Ait fails → run it again"


def test_ship_prints_its_version(ship: Ship) -> None:
    assert ship("--version") == 0
    assert ship.out.startswith("ship, version ")


def test_an_error_that_nobody_expected_keeps_its_traceback(
    ship: Ship, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "build_tree", lambda _: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        ship("build")


ENDINGS = ("md", "py", "tf")
TOLD = re.compile(r"`(?:\.venv/bin/)?ship ([a-z][^`]*)`|\$ (?:\.venv/bin/)?ship ([a-z][^#\n]*)")


def unknown_word(line: str) -> str:
    """The first word of a command line that `ship` does not know; empty when it knows them all."""
    command: click.Command = main.cli
    free = 0
    for word in re.sub(r"[][]", " ", line.partition(" -- ")[0]).split():
        if word.startswith("-"):
            names = [name for one in command.params for name in (*one.opts, *one.secondary_opts)]
            if word.partition("=")[0] not in (*names, "--help"):
                return word
        elif isinstance(command, click.Group) and command.commands.keys() >= set(word.split("|")):
            command = command.commands[word.split("|")[0]]
            free = sum(isinstance(one, click.Argument) for one in command.params)
        elif isinstance(command, click.Group):
            free -= 1
            if free < 0:
                return word
    return ""


@pytest.mark.parametrize(
    "pattern", ["*.md", "docs/*.md", *(f"infrastructure/**/*.{e}" for e in ENDINGS)]
)
def test_pages_and_messages_name_commands_that_are_there(pattern: str) -> None:
    for path in ROOT.glob(pattern):
        # A message goes on in the next line of a source, and has names of its own in braces.
        text = re.sub(r'"\n\s*f?"', "", path.read_text())
        for told in TOLD.finditer(text):
            line = re.sub(r"\{[^}]*\}", "X", told[1] or told[2])
            assert unknown_word(line) == "", f"{path.relative_to(ROOT)}: ship {line}"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("deploi dev", "deploi"),
        ("deploy dev --dists=x", "--dists=x"),
        ("settings ENV list --json", ""),
        ("settings ENV sett A", "sett"),
        ("ci report no", "no"),
    ],
)
def test_a_wrong_command_in_a_page_is_found(line: str, word: str) -> None:
    assert unknown_word(line) == word
