"""One folder, one emulator: the lock says whether it lives, whatever became of its process."""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import stat
from pathlib import Path

import pytest

from emulator.shared.home import HeldError, Holder, Home, read, write

HOLDER = Holder(pid=1, port=4566, doors=(4567,), version="1", ready=True)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    return made


def test_nobody_holds_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert not Home(tmp_path / "none").held()
    assert Home(tmp_path / "none").holder() is None


def test_a_held_folder_has_no_holder_until_it_signs_in(home: Home) -> None:
    descriptor = home.hold()
    assert home.held()
    assert home.holder() is None
    home.sign_in(HOLDER)
    assert home.holder() == HOLDER
    os.close(descriptor)
    assert not home.held()


def test_a_second_process_cannot_hold_it(home: Home) -> None:
    descriptor = home.hold()
    with pytest.raises(HeldError):
        home.hold(patience=0.02)
    os.close(descriptor)


def test_a_record_beside_a_free_lock_is_stale(home: Home) -> None:
    descriptor = home.hold()
    home.sign_in(HOLDER)
    os.close(descriptor)
    assert home.holder() is None


def test_whoever_holds_it_next_removes_the_stale_record(home: Home) -> None:
    home.sign_in(HOLDER)
    descriptor = home.hold()
    assert home.holder() is None
    os.close(descriptor)


def test_the_lock_goes_with_its_process_however_that_ends(home: Home) -> None:
    context = mp.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_hold_for_ever, args=(home.path, there))
    child.start()
    assert here.recv() == "held"
    assert home.held()
    os.kill(child.pid or 0, signal.SIGKILL)
    child.join()
    child.close()
    here.close()
    there.close()
    assert not home.held()


def _hold_for_ever(path: Path, there: object) -> None:
    Home(path).hold()
    there.send("held")  # type: ignore[attr-defined]
    signal.pause()


def test_what_it_keeps_only_its_owner_can_read(home: Home) -> None:
    write(home.root, {"secret_access_key": "x"})
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700


@pytest.mark.parametrize("text", [None, "", "{"])
def test_an_absent_or_unfinished_file_is_an_empty_one(home: Home, text: str | None) -> None:
    if text is not None:
        home.record.write_text(text)
    assert read(home.record) == {}


def test_writing_leaves_nothing_beside(home: Home) -> None:
    write(home.record, {"a": 1})
    write(home.record, {"a": 2})
    assert read(home.record) == {"a": 2}
    assert [path.name for path in home.path.iterdir()] == ["running.json"]
