from __future__ import annotations

import io
import json

import pytest

from ship import output
from ship.errors import ShipError
from ship.output import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_step_tells_its_name_and_time_when_it_is_done() -> None:
    stream = io.StringIO()

    with Progress(plain=True, stream=stream).step("publish"):
        assert stream.getvalue() == ""

    assert stream.getvalue().startswith("✓ publish 0.0")


def test_a_step_that_fails_says_so_and_lets_the_fault_through() -> None:
    stream = io.StringIO()

    with pytest.raises(ShipError), Progress(plain=True, stream=stream).step("publish"):
        raise ShipError("no", "yes")

    assert stream.getvalue().startswith("✗ publish ")


def test_a_terminal_sees_a_step_while_it_runs() -> None:
    stream = Terminal()

    with Progress(plain=False, stream=stream).step("publish"):
        pass

    plain = io.StringIO()
    with Progress(plain=True, stream=plain).step("publish"):
        pass
    assert len(stream.getvalue()) > len(plain.getvalue())
    assert "✓ publish" in stream.getvalue()


def test_work_side_by_side_is_told_apart() -> None:
    stream = io.StringIO()
    progress = Progress(plain=True, stream=stream)

    progress.within("dev").note("halfway")

    assert stream.getvalue() == "dev:   halfway\n"
    assert progress.within("dev").elapsed() >= 0


def test_quiet_means_quiet() -> None:
    stream = io.StringIO()

    with Progress(plain=True, quiet=True, stream=stream).step("publish"):
        pass

    assert stream.getvalue() == ""


def test_a_result_is_for_a_person_or_for_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    output.result({"a": 1}, "one", as_json=False)
    assert capsys.readouterr().out == "one\n"

    output.result({"a": 1}, "one", as_json=True)
    assert json.loads(capsys.readouterr().out) == {"a": 1}


def test_a_table_is_as_wide_as_what_is_in_it() -> None:
    assert output.table(("name", "x"), [("a", "1"), ("longer", "2")]) == (
        "name    x\na       1\nlonger  2"
    )


def test_a_fault_is_two_lines_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    output.fault(ShipError("it broke", "mend it"))

    assert capsys.readouterr().err == "ship: it broke\n      → mend it\n"
