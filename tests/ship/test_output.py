import io
import json

import pytest

from ship import output
from ship.errors import ShipError
from ship.output import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_step_prints_its_name_and_time_when_it_is_done() -> None:
    stream = io.StringIO()
    progress = Progress(plain=True, stream=stream)

    with progress.step("publish"):
        assert stream.getvalue() == ""
    with pytest.raises(ShipError), progress.within("dev").step("smoke"):
        raise ShipError("no", "yes")

    first, second = stream.getvalue().splitlines()
    assert first.startswith("✓ publish 0.0")
    assert second.startswith("dev: ✗ smoke 0.0")


def test_a_terminal_sees_a_step_while_it_runs() -> None:
    stream = Terminal()

    with Progress(plain=False, stream=stream).step("publish"):
        pass

    spinner, done, _ = stream.getvalue().partition("✓ publish")
    assert spinner
    assert done


def test_quiet_progress_prints_nothing() -> None:
    stream = io.StringIO()

    with Progress(plain=True, quiet=True, stream=stream).step("publish"):
        pass

    assert stream.getvalue() == ""


def test_a_result_is_for_a_person_or_for_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    output.result({"a": 1}, "one", as_json=False)
    assert capsys.readouterr().out == "one\n"

    output.result({"a": 1}, "one", as_json=True)
    assert json.loads(capsys.readouterr().out) == {"a": 1}


def test_a_column_is_as_wide_as_its_widest_cell() -> None:
    assert output.table(("name", "x"), [("a", "1"), ("longer", "2")]) == (
        "name    x\na       1\nlonger  2"
    )
    assert output.table(("name", "x"), []) == "name  x"


def test_an_error_is_two_lines_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_error(ShipError("it broke", "correct it"))

    assert capsys.readouterr().err == "ship: it broke\n      → correct it\n"
