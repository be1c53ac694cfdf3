from pathlib import Path

import pytest

from ship.config import Project
from tests.ship.environments.factories import make_project
from tests.workflows.fake_github import GitHub


@pytest.fixture
def github() -> GitHub:
    """A new repository `o/r` of an organization, and its administrator `ann`."""
    found = GitHub("o/r", "repo:o/r")
    found.settings.reviewers["o/ops"] = 9
    return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)
