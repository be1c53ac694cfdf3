from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.faults.proxy import Wire, wired
from tests.e2e.sandbox import Sandbox, clone, free_ports, with_dev_alone


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One environment with a past: an older good release, a bad one, and the one that is live."""
    made = Sandbox(clone(tmp_path_factory.mktemp("faults") / "checkout"), free_ports())
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
def wire(sandbox: Sandbox) -> Iterator[Wire]:
    with wired(sandbox) as found:
        yield found
