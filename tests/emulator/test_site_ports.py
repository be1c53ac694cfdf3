"""Every environment has a site port of its own, and keeps it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from emulator import EmulatorError
from emulator.site_ports import SitePorts
from emulator.state_directory import StateDirectory

NAMES = ("dev", "staging", "production")


def make(folder: Path, port: int = 1000, environments: tuple[str, ...] = NAMES) -> SitePorts:
    return SitePorts(StateDirectory(folder), port, environments)


@pytest.fixture
def ports(tmp_path: Path) -> SitePorts:
    return make(tmp_path)


@pytest.mark.parametrize(("environment", "port"), [("dev", 1001), ("staging", 1002)])
def test_a_named_environment_has_a_fixed_port(
    ports: SitePorts, environment: str, port: int
) -> None:
    assert ports.find(environment, ()) == port
    assert ports.environment(port) == environment
    assert not ports.release(environment)
    assert ports.find(environment, ()) == port


def test_any_other_gets_the_next_free_port_and_keeps_it(ports: SitePorts) -> None:
    assert [ports.find(name, ports.all) for name in ("pr-1", "qa", "pr-1")] == [1004, 1005, 1004]
    assert ports.environment(1005) == "qa"
    assert ports.reserved() == [1001, 1002, 1003, 1004, 1005]


def test_a_port_that_another_program_has_is_not_assigned(ports: SitePorts) -> None:
    assert ports.find("pr-1", [1001, 1002, 1003, 1009]) == 1009


def test_a_released_port_is_assigned_again(ports: SitePorts) -> None:
    ports.find("pr-1", ports.all)
    assert ports.release("pr-1")
    assert not ports.release("pr-1")
    assert ports.environment(1004) is None
    assert ports.find("pr-2", ports.all) == 1004


def test_when_all_ports_are_taken_their_environments_are_named(ports: SitePorts) -> None:
    for number in range(1, 14):
        ports.find(f"pr-{number}", ports.all)
    with pytest.raises(EmulatorError, match="no site port is left for pr-14: pr-1, pr-2,"):
        ports.find("pr-14", ports.all)


@pytest.mark.parametrize("name", ["", "pr-1 ", "two words", "-x", "a/b"])
def test_a_name_is_one_word(ports: SitePorts, name: str) -> None:
    with pytest.raises(EmulatorError, match="is not the name of an environment"):
        ports.find(name, ports.all)


def test_more_environments_than_ports_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="16 site ports for 17 environments"):
        make(tmp_path, environments=tuple(f"e{number}" for number in range(17)))


def test_requests_at_once_get_different_ports(ports: SitePorts) -> None:
    names = [f"pr-{number}" for number in range(1, 14)]
    with ThreadPoolExecutor(13) as pool:
        found = list(pool.map(lambda name: ports.find(name, ports.all), names))
    assert sorted(found) == list(range(1004, 1017))


def test_assigned_ports_move_with_the_main_port(ports: SitePorts, tmp_path: Path) -> None:
    ports.find("pr-1", [1007])
    assert make(tmp_path, 5000).reserved() == [5001, 5002, 5003, 5007]
    assert make(tmp_path, 5000).find("pr-1", ()) == 5007


def test_a_new_fixed_port_goes_before_an_assigned_one(ports: SitePorts, tmp_path: Path) -> None:
    ports.find("pr-1", ports.all)
    more = make(tmp_path, environments=(*NAMES, "qa"))
    assert more.environment(1004) == "qa"
    assert more.find("pr-1", more.all) == 1005
