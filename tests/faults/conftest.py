from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.wire import Wire, wired
from tests.world import World, clone, free_ports, with_dev_alone


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One environment with a past: an older good release, a bad one, and the one that is live."""
    made = World(clone(tmp_path_factory.mktemp("faults") / "checkout"), free_ports())
    with_dev_alone(made.root)
    made.commit("Have dev alone")
    try:
        made.json("up")
        made.edit("a bad idea")
        made.ship("deploy", "dev")
        made.ship("rollback", "dev", "--reason", "a bad idea")
        made.edit("a better one")
        made.commit("A better idea")
        made.ship("deploy", "dev")
        yield made
    finally:
        made.call("down")


@pytest.fixture(scope="module")
def wire(world: World) -> Iterator[Wire]:
    with wired(world) as found:
        yield found
