"""Every environment has a door of its own, and keeps it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from emulator.shared.doors import Doors, NoDoorError
from emulator.shared.home import Home

if TYPE_CHECKING:
    from pathlib import Path

ALL = range(1001, 1017)


@pytest.fixture
def doors(tmp_path: Path) -> Doors:
    return Doors(Home(tmp_path / "home"), 1000)


@pytest.mark.parametrize(("environment", "port"), [("dev", 1001), ("staging", 1002)])
def test_a_lasting_environment_has_a_fixed_door(doors: Doors, environment: str, port: int) -> None:
    assert doors.find(environment, ()) == port
    assert doors.environment(port) == environment


def test_a_preview_gets_the_next_free_door_and_keeps_it(doors: Doors) -> None:
    assert doors.find("pr-1", ALL) == 1004
    assert doors.find("pr-2", ALL) == 1005
    assert doors.find("pr-1", ALL) == 1004
    assert doors.environment(1005) == "pr-2"
    assert doors.promised() == [1001, 1002, 1003, 1004, 1005]


def test_a_door_that_another_program_has_is_not_given(doors: Doors) -> None:
    assert doors.find("pr-1", [1001, 1002, 1003, 1009]) == 1009


def test_a_released_door_is_given_again(doors: Doors) -> None:
    doors.find("pr-1", ALL)
    assert doors.release("pr-1")
    assert not doors.release("pr-1")
    assert doors.environment(1004) is None
    assert doors.find("pr-2", ALL) == 1004


def test_a_lasting_door_is_never_released(doors: Doors) -> None:
    assert not doors.release("dev")
    assert doors.find("dev", ()) == 1001


def test_when_all_doors_are_taken_their_previews_are_named(doors: Doors) -> None:
    for number in range(1, 14):
        doors.find(f"pr-{number}", ALL)
    with pytest.raises(NoDoorError, match="no door is left for pr-14: pr-1, pr-2,"):
        doors.find("pr-14", ALL)


@pytest.mark.parametrize("name", ["prod", "pr-", "pr-0", "pr-x", "", "pr-1 ", "DEV"])
def test_what_is_no_environment_has_no_door(doors: Doors, name: str) -> None:
    with pytest.raises(NoDoorError, match="there is no environment"):
        doors.find(name, ALL)


def test_previews_that_come_at_once_get_different_doors(doors: Doors) -> None:
    names = [f"pr-{number}" for number in range(1, 14)]
    with ThreadPoolExecutor(13) as pool:
        found = list(pool.map(lambda name: doors.find(name, ALL), names))
    assert sorted(found) == list(range(1004, 1017))


def test_with_another_main_port_a_preview_gets_another_door(doors: Doors, tmp_path: Path) -> None:
    doors.find("pr-1", ALL)
    elsewhere = Doors(Home(tmp_path / "home"), 5000)
    assert elsewhere.promised() == [5001, 5002, 5003]
    assert elsewhere.find("pr-1", elsewhere.all) == 5004
