import re

import pytest

from lambda_adapter import request_ids


def test_the_first_harmless_candidate_is_taken() -> None:
    assert request_ids.choose(None, "", "a b", "JKJaXmPLvHcESHA=", "later") == "JKJaXmPLvHcESHA="


@pytest.mark.parametrize(
    "candidate", [None, 5, "", "a" * 129, "a\nb", "a\n", "é", '{"a": 1}', "<script>", ["a"]]
)
def test_a_harmful_candidate_is_replaced_by_a_new_id(candidate: object) -> None:
    first, second = request_ids.choose(candidate), request_ids.choose(candidate)

    assert re.fullmatch("[0-9a-f]{24}", first)
    assert first != second
