from collections.abc import Iterator

import pytest

from tests.e2e.faults.proxy import Proxy, proxying
from tests.e2e.faults.told import Told, listening
from tests.e2e.sandbox import Sandbox, running


@pytest.fixture(scope="session")
def faulty_and_told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Told]]:
    """A dev with a past: an older good release, a bad one, and the one that is live."""
    with running(tmp_path_factory, "faults") as made, listening(made, "dev") as told:
        made.edit("a bad idea")
        made.ship("deploy", "dev")
        made.ship("rollback", "dev", "--reason", "a bad idea")
        made.edit("a better one")
        made.commit("A better idea")
        made.ship("deploy", "dev")
        yield made, told


@pytest.fixture(scope="session")
def faulty(faulty_and_told: tuple[Sandbox, Told]) -> Sandbox:
    return faulty_and_told[0]


@pytest.fixture(scope="session")
def told(faulty_and_told: tuple[Sandbox, Told]) -> Told:
    """What people were told of that dev, from its beginning."""
    return faulty_and_told[1]


@pytest.fixture
def sandbox(faulty: Sandbox) -> Iterator[Sandbox]:
    """The same sandbox for all tests; its checkout is clean for each."""
    faulty.clean()
    yield faulty
    faulty.clean()


@pytest.fixture(scope="module")
def proxy(faulty: Sandbox) -> Iterator[Proxy]:
    with proxying(faulty) as found:
        yield found


def nightly(*values: object) -> list[object]:
    """Parameters that no merge waits for: `tests/ship/release/test_engine.py` has their like."""
    return [pytest.param(value, marks=pytest.mark.nightly) for value in values]
