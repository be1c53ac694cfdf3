import json
import re
from pathlib import Path

import pytest

from ship.errors import ShipError
from ship.github.api import gh
from tests.ship.environments.factories import write_gh


@pytest.fixture
def fake_gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return write_gh(tmp_path, monkeypatch)


def test_github_is_called_through_its_command_line(fake_gh: Path) -> None:
    (fake_gh / "out").write_text('{"id": 5}')

    assert gh("PUT", "repos/o/r", {"a": 1}) == {"id": 5}
    assert (fake_gh / "asked").read_text() == "api --method PUT repos/o/r --input -\n"
    assert json.loads((fake_gh / "body").read_text()) == {"a": 1}


def test_what_is_not_there_to_read_is_none(fake_gh: Path) -> None:
    (fake_gh / "no").write_text("gh: Not Found (HTTP 404)\n")

    assert gh("GET", "repos/o/r") is None


@pytest.mark.parametrize(
    ("method", "message", "hint"),
    [
        *((method, "Not Found (HTTP 404)", "auth login") for method in ("PUT", "POST", "DELETE")),
        ("PATCH", "Not Found (HTTP 404)", "auth login"),
        ("GET", "Must have admin rights (HTTP 403)", "auth login"),
        ("PUT", "Conflict (HTTP 409)", "policy"),
        ("PUT", "Validation Failed (HTTP 422)", "plan"),
        ("GET", "error connecting to api.github.com", "goes on where it stopped"),
    ],
)
def test_every_other_refusal_is_an_error_with_a_hint(
    fake_gh: Path, method: str, message: str, hint: str
) -> None:
    (fake_gh / "no").write_text(f"gh: {message}\n")

    with pytest.raises(ShipError, match=re.escape(message)) as raised:
        gh(method, "repos/o/r", None)
    assert hint in raised.value.hint


def test_without_the_command_line_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(ShipError, match="not installed"):
        gh("GET", "repos/o/r")
