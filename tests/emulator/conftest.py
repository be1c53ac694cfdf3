"""Two real emulators for these tests: one mended, one as ministack comes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from emulator import Credentials, Emulator

from .account import Account
from .serving import free_port, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter of the environment that holds ministack."""
    given = os.environ.get("SHIP_EMULATOR_PYTHON")
    found = Path(given) if given else ROOT / ".ship/venvs/emulator/bin/python"
    if not found.exists():
        pytest.fail(f"no emulator environment: no {found}. Run `make setup`.", pytrace=False)
    return found


@pytest.fixture(scope="session")
def emulator(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A mended emulator that is running."""
    made = Emulator(tmp_path_factory.mktemp("mended") / "home", python, free_port())
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def account(emulator: Emulator) -> Account:
    """The mended emulator's account, for its root."""
    running = emulator.running()
    assert running
    return Account(running.endpoint, emulator.root())


@pytest.fixture(scope="session")
def unmended(
    python: Path, account: Account, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Account]:
    """An account of an emulator with no mend made, for the root that everybody is there."""
    port, home = free_port(), tmp_path_factory.mktemp("unmended")
    made = httpx.get(f"{account.endpoint}/_ship/health").json()["mends"]
    without = [argument for name in made for argument in ("--without", name)]
    with serving(python, home, port, *without):
        yield Account(f"http://127.0.0.1:{port}", Credentials("test", "test"))
