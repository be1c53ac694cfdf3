from dataclasses import replace

import pytest

from ship.errors import ShipError
from ship.state import EnvironmentState, Freeze, Operation, Owner, ReleaseRecord
from ship.state.environment_state import RETAINED, decode

OWNER = Owner("me", "github:o/r:1:1", "https://example.org")


def deployed(releases: str, bad: str = "", live: str | None = None) -> EnvironmentState:
    """The state after releases of one letter each; some of them are bad."""
    state = EnvironmentState()
    for number, release in enumerate(releases):
        state = state.with_live(release, ReleaseRecord(str(number), "digest", number, "commit"))
    for release in bad:
        state = state.with_bad(release, "broken")
    return replace(state, live=live or state.live)


@pytest.mark.parametrize(
    ("state", "previous"),
    [
        (deployed("ab"), "a"),
        (deployed("abc", bad="b"), "a"),
        (deployed("abc", bad="c", live="b"), "a"),
        (deployed("ab", bad="a").without_bad("a"), "a"),
        (deployed("ab", bad="a"), None),
        (deployed("a"), None),
        (EnvironmentState(), None),
    ],
)
def test_a_rollback_goes_to_the_last_good_release_before(
    state: EnvironmentState, previous: str | None
) -> None:
    assert state.previous == previous


def test_what_was_live_again_keeps_its_place() -> None:
    state = deployed("ab").with_live("a", ReleaseRecord("9", "digest", 0, "commit"))

    assert state.order == ("a", "b")
    assert state.previous is None
    assert state.rollback_candidates == ("b",)


def test_live_the_newest_pinned_and_what_a_repair_restores_are_retained() -> None:
    operation = Operation("1", "deploy", "z", "a", "1", OWNER, "now")
    state = replace(deployed("abcdefghi"), pinned=("b",), operation=operation)

    assert state.retained == {"a", "b", *"abcdefghi"[-RETAINED:]}


def test_four_good_releases_and_the_newest_are_retained_however_many_are_bad() -> None:
    """The pages of the newest may be open, and ask for their assets."""
    assert deployed("abcdefghi", bad="defgh").retained == set("abci") | set("efghi")


def test_a_pruned_release_that_was_bad_stays_bad() -> None:
    state = deployed("ab", bad="a").without_releases(frozenset({"a"}))

    assert (state.bad, state.order) == ({"a": "broken"}, ("b",))
    assert "a" not in state.releases


def test_a_state_comes_back_as_it_was_stored() -> None:
    state = replace(
        deployed("ab", bad="a"),
        counter=12,
        pinned=("a",),
        frozen=Freeze("me", "now", "broken"),
        operation=Operation("1", "deploy", "c", "b", "2", OWNER, "now"),
    )

    assert decode(state.encode(), "here") == state
    assert decode(EnvironmentState().encode(), "here") == EnvironmentState()


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"schema": 9}'])
def test_an_unknown_state_is_refused(data: bytes) -> None:
    with pytest.raises(ShipError, match=r"state\.json is not a state"):
        decode(data, "state.json")


def test_the_state_of_a_later_tool_is_refused() -> None:
    later = deployed("a").encode().replace(b'"schema": 1', b'"schema": 2')

    with pytest.raises(ShipError, match="schema 2"):
        decode(later, "state.json")
