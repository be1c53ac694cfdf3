import pytest

from tests.benchmarks.backend_guards import Guard
from tests.benchmarks.page_guards import GUARDS
from tests.world import ROOT


@pytest.mark.parametrize("guard", GUARDS, ids=[f"{g.module}: {g.there}" for g in GUARDS])
def test_a_guard_on_the_list_is_where_the_list_says(guard: Guard) -> None:
    assert (ROOT / guard.module).read_text("utf-8").count(guard.there) == 1
