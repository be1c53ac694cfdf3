from collections.abc import Iterator

import pytest

from tests.workflows.fake_github import serving
from tests.workflows.runner import Actions, running_actions


@pytest.fixture(scope="session")
def actions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Actions]:
    """GitHub Actions for a sandbox whose three environments are live."""
    with running_actions(tmp_path_factory, "workflows") as made:
        yield made


@pytest.fixture(scope="session")
def second(actions: Actions, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Actions]:
    """The same repository's other runs: what runs here runs beside what runs there."""
    with serving(actions.sandbox.project) as github:
        github.finished = actions.github.finished
        github.settings.variables = actions.github.settings.variables
        yield Actions(actions.sandbox, tmp_path_factory.mktemp("second"), github, first=2000)
