from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.backend_guards import GUARDS, Guard

BACKEND = Path(__file__).parents[2] / "backend"


@pytest.mark.parametrize("guard", GUARDS, ids=[f"{g.module}: {g.there}" for g in GUARDS])
def test_a_guard_on_the_list_is_where_the_list_says(guard: Guard) -> None:
    source = (BACKEND / f"{guard.module}.py").read_text("utf-8")

    assert source.count(guard.there) == 1
    compile(source.replace(guard.there, guard.gone), guard.module, "exec")
