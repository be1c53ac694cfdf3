from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from xdist.scheduler import LoadScopeScheduling

from tests.browser import launched

_E2E = "tests/e2e/"
_UNITS = "units"
# A folder of tests/e2e is a part, and all other tests are one.
_SANDBOXES = (Path(__file__).parent / "e2e").glob("*/conftest.py")
PARTS = (_UNITS, *sorted(path.parent.name for path in _SANDBOXES))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a part of the tests run by itself."""
    parser.addoption("--part", choices=PARTS)


def _part(nodeid: str) -> str:
    return nodeid.removeprefix(_E2E).partition("/")[0] if nodeid.startswith(_E2E) else _UNITS


class _SandboxScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives the tests that share a sandbox to one worker, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        part = _part(nodeid)
        return nodeid.partition("::")[0] if part == _UNITS else part


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Schedule by what tests share: with pytest 9.2, xdist 3.8's own groups have no effect."""
    return _SandboxScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the part that was asked for, and begin with what takes longest: the sandboxes."""
    part = config.getoption("part")
    left_out = [item for item in items if part not in (None, _part(item.nodeid))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if part == _part(item.nodeid)]
    # What begins last is what a run waits for.
    order = dict.fromkeys(["workflows", "release", "previews", *PARTS[1:], _UNITS])
    items.sort(key=lambda item: list(order).index(_part(item.nodeid)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that is skipped: what it needs belongs to the set-up."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that is skipped."""
    report = yield
    if report.outcome == "skipped":
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one browser of a worker."""
    with launched() as found:
        yield found
