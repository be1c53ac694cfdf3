from __future__ import annotations

from dataclasses import replace

import pytest

from ship.errors import ShipError
from ship.state import environment_state as heads
from ship.state.environment_state import (
    KEPT,
    Freeze,
    EnvironmentState,
    Operation,
    Owner,
    ReleaseRecord,
)


def lived(*releases: str) -> EnvironmentState:
    head = EnvironmentState()
    for number, release in enumerate(releases):
        head = head.with_live(release, ReleaseRecord(str(number), "digest", number, "commit"))
    return head


def test_a_rollback_goes_to_the_release_before() -> None:
    assert lived("a", "b").previous == "a"


def test_a_rollback_passes_over_what_is_bad() -> None:
    assert lived("a", "b", "c").with_bad("b", "slow").previous == "a"


def test_after_a_rollback_the_next_goes_further_back() -> None:
    head = replace(lived("a", "b", "c"), live="b").with_bad("c", "broken")

    assert head.previous == "a"


def test_the_first_release_has_none_before_it() -> None:
    assert lived("a").previous is None
    assert EnvironmentState().previous is None


def test_what_was_live_again_keeps_its_place() -> None:
    head = lived("a", "b").with_live("a", ReleaseRecord("9", "digest", 0, "commit"))

    assert head.order == ("a", "b")
    assert head.previous is None
    assert head.rollback_candidates == ("b",)


def test_the_clean_up_keeps_live_the_newest_and_pinned() -> None:
    names = [f"r{number:02}" for number in range(9)]
    head = replace(lived(*names), pinned=("r01",))

    assert head.retained == {"r01", *names[-KEPT:]}


def test_the_clean_up_keeps_four_good_ones_however_many_are_bad() -> None:
    head = lived(*(f"r{number}" for number in range(9)))
    for bad in ("r3", "r4", "r5", "r6", "r7"):
        head = head.with_bad(bad, "bad")

    assert {"r0", "r1", "r2", "r8"} <= head.retained


def test_the_clean_up_keeps_the_newest_even_when_they_are_bad() -> None:
    """Their pages may be open, and ask for their assets."""
    head = lived(*(f"r{number}" for number in range(9)))
    for bad in ("r5", "r6"):
        head = head.with_bad(bad, "bad")

    assert {"r4", "r5", "r6", "r7", "r8"} <= head.retained


def test_the_clean_up_keeps_what_a_repair_would_go_back_to() -> None:
    owner = Owner("me", "local:here:x")
    operation = Operation("1", "deploy", "z", "r0", "1", owner, "now")
    head = replace(lived(*(f"r{number}" for number in range(9))), operation=operation)

    assert "r0" in head.retained


def test_what_was_forgotten_and_bad_stays_bad() -> None:
    head = lived("a", "b").with_bad("a", "broken").forgetting(frozenset({"a"}))

    assert head.bad == {"a": "broken"}
    assert head.order == ("b",)
    assert "a" not in head.releases


def test_a_mark_can_be_taken_back() -> None:
    assert lived("a", "b").with_bad("a", "slow").without_bad("a").previous == "a"


def test_a_head_comes_back_as_it_was_stored() -> None:
    owner = Owner("me", "github:o/r:1:1", "https://example.org")
    head = replace(
        lived("a", "b").with_bad("a", "slow"),
        counter=12,
        pinned=("a",),
        frozen=Freeze("me", "now", "broken"),
        operation=Operation("1", "deploy", "c", "b", "2", owner, "now"),
    )

    assert heads.decode(head.encode(), "here") == head
    assert heads.decode(EnvironmentState().encode(), "here") == EnvironmentState()


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"schema": 9}'])
def test_what_is_no_head_is_refused(data: bytes) -> None:
    with pytest.raises(ShipError, match=r"head\.json is not a head"):
        heads.decode(data, "state.json")


def test_a_head_of_a_later_tool_is_refused() -> None:
    later = lived("a").encode().replace(b'"schema": 1', b'"schema": 2')

    with pytest.raises(ShipError, match="schema 2"):
        heads.decode(later, "state.json")
