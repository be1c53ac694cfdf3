"""One folder, one emulator: the lock says whether it runs; the state follows the port."""

import os
import stat
from pathlib import Path

import pytest

from emulator.state_directory import (
    LockedError,
    LockOwner,
    StateDirectory,
    read_json,
    write_json,
)

OWNER = LockOwner(pid=1, port=4566, site_ports=(4567,), version="1", ready=True)


@pytest.fixture
def directory(tmp_path: Path) -> StateDirectory:
    made = StateDirectory(tmp_path / "folder")
    made.create()
    return made


def test_a_lock_is_for_one_process_which_records_itself(directory: StateDirectory) -> None:
    descriptor = directory.acquire()
    assert directory.is_locked()
    assert directory.owner() is None
    directory.record_owner(OWNER)
    assert directory.owner() == OWNER
    with pytest.raises(LockedError):
        directory.acquire(seconds=0.02)
    os.close(descriptor)
    assert not directory.is_locked()


def test_a_record_beside_a_free_lock_is_stale(directory: StateDirectory) -> None:
    directory.record_owner(OWNER)
    assert directory.owner() is None
    descriptor = directory.acquire()
    assert directory.owner() is None
    os.close(descriptor)


def test_files_are_written_whole_and_for_one_user(directory: StateDirectory) -> None:
    for number in (1, 2):
        write_json(directory.root, {"secret_access_key": number})
    assert read_json(directory.root) == {"secret_access_key": 2}
    assert [path.name for path in directory.path.iterdir()] == ["root.json"]
    assert stat.S_IMODE(directory.root.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.path.stat().st_mode) == 0o700


@pytest.mark.parametrize("text", [None, "", "{"])
def test_an_absent_or_unfinished_file_is_an_empty_one(
    directory: StateDirectory, text: str | None
) -> None:
    if text is not None:
        directory.record.write_text(text)
    assert read_json(directory.record) == {}


def test_the_state_follows_the_port(directory: StateDirectory) -> None:
    directory.state.mkdir()
    file = directory.state / "service.json"
    text = "localhost:{0}/q 127.0.0.1:{1} <a:HTTPPort>{0}< 127.0.0.1:80 other:{0} :{0}"
    file.write_text(text.format(4566, 4582))
    directory.follow_port(4566)
    assert file.read_text() == text.format(4566, 4582)
    directory.follow_port(5000)
    moved = "localhost:5000/q 127.0.0.1:5016 <a:HTTPPort>5000< 127.0.0.1:80 other:4566 :4566"
    assert file.read_text() == moved
