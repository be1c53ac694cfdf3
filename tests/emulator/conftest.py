"""Two real emulators for these tests: one patched, one as ministack comes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator import Credentials, Emulator

from .account import Account, browser
from .serving import free_port, serving

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ("dev", "staging", "production")


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter of the environment that holds ministack."""
    found = ROOT / ".ship/venvs/emulator/bin/python"
    if not found.exists():
        pytest.fail(f"no emulator environment: no {found}. Run `make setup`.", pytrace=False)
    return found


@pytest.fixture(scope="session")
def emulator(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A patched emulator that is running."""
    folder = tmp_path_factory.mktemp("patched") / "folder"
    made = Emulator(folder, python, free_port(), environments=ENVIRONMENTS)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def account(emulator: Emulator) -> Account:
    """The patched emulator's account, for its root."""
    running = emulator.running()
    assert running
    return Account(running.endpoint, emulator.root())


@pytest.fixture(scope="session")
def unpatched(
    python: Path, account: Account, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Account]:
    """An account of an emulator without patches, for the root that everybody is there."""
    port, folder = free_port(), tmp_path_factory.mktemp("unpatched")
    applied = browser.get(f"{account.endpoint}/_emulator/health").json()["patches"]
    without = [argument for name in applied for argument in ("--without", name)]
    with serving(python, folder, port, *without):
        root = Credentials("test", "test")
        yield Account(f"http://127.0.0.1:{port}", root, patched=False)


@pytest.fixture(scope="session", params=["account", "unpatched"])
def either(request: pytest.FixtureRequest) -> Account:
    """First the one account, then the other; `patched` says which."""
    found: Account = request.getfixturevalue(request.param)
    return found
