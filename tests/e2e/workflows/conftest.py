from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.sandbox import Sandbox, clone, free_ports
from tests.workflows.github import SUBJECT_PREFIX, serving
from tests.workflows.runner import Actions

# What the checks and tests of a pull request come to here: they have a run of their own, this one.
_QUICK = """
.PHONY: check coverage sarif test
check: setup
\t.venv/bin/python -m compileall -q backend

sarif:
\tmkdir -p test-results
\techo '{"version": "2.1.0", "runs": []}' > test-results/results_sarif.sarif

test: setup
\tmkdir -p test-results
\t.venv/bin/python -m pytest -q -p no:cacheprovider tests/infrastructure/ship/test_head.py
\techo $(PART) > test-results/coverage-$(PART)

coverage: setup
\tls test-results/coverage-units test-results/coverage-workflows
\techo '{"totals": {"percent_covered": 93.7}}' > test-results/coverage.json
"""


@pytest.fixture(scope="session")
def actions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Actions]:
    """GitHub Actions for a checkout whose three environments are live on an emulator."""
    home = tmp_path_factory.mktemp("workflows")
    sandbox = Sandbox(clone(home / "checkout"), free_ports())
    shorten(sandbox.root)
    sandbox.commit("Bake for two seconds, check and test quickly")
    try:
        sandbox.json("up")
        with serving() as github:
            yield Actions(sandbox, home, github)
    finally:
        sandbox.call("down")


@pytest.fixture(scope="session")
def beside(actions: Actions, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Actions]:
    """The same repository's other runs: what runs here runs beside what runs there."""
    with serving() as github:
        github.finished = actions.github.finished
        yield Actions(actions.sandbox, tmp_path_factory.mktemp("beside"), github, first=2000)


def shorten(root: Path, *, bakes: bool = True) -> None:
    """Leave out what costs time and has tests elsewhere; present the subject with its ids."""
    project = root / "pyproject.toml"
    text = project.read_text()
    if bakes:
        text = re.sub(r"bake_seconds = [1-9]\d*", "bake_seconds = 2", text)
    text = text.replace("[tool.ship]\n", f'[tool.ship]\nsubject_prefix = "{SUBJECT_PREFIX}"\n')
    project.write_text(text)
    makefile = root / "Makefile"
    text = re.sub(
        r"^(check|coverage|sarif|test):.*\n(\t.*\n)+", "", makefile.read_text(), flags=re.MULTILINE
    )
    makefile.write_text(text + _QUICK)
