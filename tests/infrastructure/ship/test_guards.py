from __future__ import annotations

from pathlib import Path

import pytest

import ship
from tests.benchmarks.backend_guards import Guard
from tests.benchmarks.release_guards import GUARDS

SHIP = Path(str(ship.__file__)).parent


@pytest.mark.parametrize("guard", GUARDS, ids=[f"{g.module}: {g.there}" for g in GUARDS])
def test_a_guard_on_the_list_is_where_the_list_says(guard: Guard) -> None:
    source = (SHIP / f"{guard.module}.py").read_text("utf-8")

    assert source.count(guard.there) == 1
    compile(source.replace(guard.there, guard.gone), guard.module, "exec")
