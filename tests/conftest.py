from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from xdist.scheduler import LoadScopeScheduling

from tests.browser import launched
from tests.e2e.sandbox import Sandbox, clone, free_ports, with_short_bakes

# The tests that share `sandbox`, in the order in which they tell its story.
_STORY = (
    "journeys/test_release.py",
    "journeys/test_roles.py",
    "journeys/test_schedule.py",
    "journeys/test_status.py",
    "journeys/test_page.py",
    "journeys/test_destroy.py",
)


# The parts that CI runs at the same time. Those named here have a sandbox each, so the tests of one
# stay on one worker. All others are `units`: there the tests of a file stay together.
_PARTS = {
    "tests/e2e/release/": "journeys",
    "tests/e2e/faults/": "faults",
    "tests/e2e/workflows/test_drift.py": "workflows",
    "tests/e2e/workflows/test_journeys.py": "workflows",
    "tests/e2e/workflows/test_identity.py": "workflows",
    "tests/e2e/workflows/test_previews.py": "previews",
}
_UNITS = "units"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a part of the tests run by itself."""
    parser.addoption("--part", choices=[_UNITS, *sorted(set(_PARTS.values()))])


def _part(nodeid: str) -> str:
    return next((part for start, part in _PARTS.items() if nodeid.startswith(start)), _UNITS)


class _Together(LoadScopeScheduling):  # type: ignore[misc]
    """Gives the tests that share something to one worker, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        part = _part(nodeid)
        return nodeid.partition("::")[0] if part == _UNITS else part


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Schedule by what tests share: with this pytest, xdist's own groups have no effect."""
    return _Together(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the part that was asked for; put the story's files in their order."""
    part = config.getoption("part")
    left_out = [item for item in items if part not in (None, _part(item.nodeid))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if part == _part(item.nodeid)]
    # What has a sandbox takes longest, and so begins first (hence --no-loadscope-reorder).
    items.sort(key=lambda item: (_part(item.nodeid) == _UNITS, _chapter(item.path)))


def _chapter(path: Path) -> int:
    name = f"{path.parent.name}/{path.name}"
    return _STORY.index(name) + 1 if name in _STORY else 0


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Three environments that `ship up` made, for the journeys of one worker."""
    made = Sandbox(clone(tmp_path_factory.mktemp("sandbox") / "checkout"), free_ports())
    with_short_bakes(made.root)
    made.commit("Watch for a second")
    try:
        made.json("up")
        yield made
    finally:
        made.call("down")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one browser of a worker."""
    with launched() as found:
        yield found
