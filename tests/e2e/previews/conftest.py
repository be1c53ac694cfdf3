from collections.abc import Iterator

import pytest

from tests.workflows.runner import Actions, running_actions


@pytest.fixture(scope="session")
def actions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Actions]:
    """GitHub Actions for a sandbox whose three environments are live."""
    with running_actions(tmp_path_factory, "previews") as made:
        yield made
