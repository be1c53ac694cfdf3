"""The emulator starts, is found, stops, and keeps what it had; what can be wrong is a fault."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from emulator import Emulator, EmulatorError, Running
from emulator import emulator as module
from emulator.patches import PINNED
from emulator.shared.home import Holder, Home

from .account import REGION, Account
from .serving import SERVE, free_port, is_free

if TYPE_CHECKING:
    from collections.abc import Iterator

GONE = 2**22 + 7  # A process number that no system gives.


@pytest.fixture
def made(python: Path, tmp_path: Path) -> Iterator[Emulator]:
    """An emulator that is not started, and stopped if a test leaves it running."""
    emulator = Emulator(tmp_path / "home", python, free_port())
    yield emulator
    emulator.stop()


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    """An interpreter that does what a test says in place of the emulator."""
    found = Stub(tmp_path)
    yield found
    found.end()


class Stub:
    """A program in the place of the emulator's interpreter; it writes down its number."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "python"
        self._pid = folder / "pid"

    def does(self, code: str) -> Path:
        """Do this on start, with `home`, `report` and `argv` at hand."""
        lines = [
            f"#!{sys.executable}",
            "import fcntl, json, os, pathlib, sys, time",
            "argv = sys.argv",
            "home = pathlib.Path(argv[argv.index('--home') + 1])",
            "report = int(argv[argv.index('--report') + 1])",
            f"pathlib.Path({str(self._pid)!r}).write_text(str(os.getpid()))",
            code,
        ]
        self.path.write_text("\n".join(lines))
        self.path.chmod(0o700)
        return self.path

    def end(self) -> None:
        """End the process, if it still runs."""
        if self._pid.exists():
            with ProcessGone():
                os.kill(int(self._pid.read_text()), signal.SIGKILL)


class ProcessGone:
    """A block in which a process may turn out to be gone."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is ProcessLookupError


def test_one_that_runs_is_returned_and_not_started_again(emulator: Emulator) -> None:
    first = emulator.start()
    assert emulator.start() == first == emulator.running()
    assert first.version == PINNED
    assert httpx.get(f"{first.endpoint}/_ministack/health").json()["auth"] == "enabled"


def test_what_was_made_is_there_and_serves_after_a_restart(
    made: Emulator, python: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    running = made.start(told.append)
    assert told == [f"starting the AWS emulator, ministack {PINNED}, on port {_port(running)}"]
    account = Account(running.endpoint, made.root())
    name = account.function(versions=2)
    api = account.api(name)
    account.site("pr-7", api)
    alarm = account.alarm(name)
    account.client("ssm").put_parameter(Name="/shop/title", Value="Hello", Type="String")
    door = made.site_url("pr-7")
    before = httpx.get(f"{door}/api/x").json()["version"]

    assert made.stop()
    assert made.running() is None
    assert made.site_url("pr-7") == door
    again = made.start()

    assert again.pid != running.pid
    assert httpx.get(f"{door}/api/x").json()["version"] == before == "1"
    assert httpx.get(f"{api}/api/x").status_code == 200
    assert httpx.get(door).text == "<h1>Hello</h1>"
    account = Account(again.endpoint, made.root())
    assert account.client("ssm").get_parameter(Name="/shop/title")["Parameter"]["Value"] == "Hello"
    assert account.client("lambda").get_alias(FunctionName=name, Name="live")
    assert len(account.client("lambda").list_versions_by_function(FunctionName=name)) > 1
    assert account.alarm_state(alarm) == "OK"


def test_functions_see_a_clean_environment_and_no_root(
    made: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "alive")
    running = made.start()
    account = Account(running.endpoint, made.root())
    seen = httpx.get(f"{account.api(account.function())}/api/x").json()["environment"]
    assert "CANARY" not in seen
    assert "LOG_LEVEL" not in seen
    assert made.root().secret_access_key not in seen.values()
    assert seen["TMPDIR"] == str(made._home.temporary.resolve())
    assert seen["AWS_REGION"] == REGION


def test_functions_see_a_clean_environment_of_one_served_by_hand(unmended: Account) -> None:
    seen = httpx.get(f"{unmended.api(unmended.function())}/api/x").json()["environment"]
    assert "PYTEST_VERSION" in os.environ
    assert "PYTEST_VERSION" not in seen


def test_the_callers_python_settings_do_not_reach_it(
    made: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "argparse.py").write_text("raise SystemExit('from the caller')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert made.start()


def test_stopping_what_does_not_run_is_nothing(made: Emulator) -> None:
    assert made.running() is None
    assert not made.stop()


def test_looking_for_what_does_not_run_takes_no_time(made: Emulator) -> None:
    made.running()
    started = time.perf_counter()
    for _ in range(100):
        made.running()
    assert (time.perf_counter() - started) / 100 < 0.005


def test_a_killed_emulator_is_found_out_and_replaced(made: Emulator) -> None:
    first = made.start()
    os.kill(first.pid, signal.SIGKILL)
    made._freed(5.0)
    assert made.running() is None
    assert made.start().pid != first.pid


def test_an_emulator_that_hangs_is_replaced(
    made: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_HEALTH_SECONDS", 0.2)
    monkeypatch.setattr(module, "_STOP_SECONDS", 0.5)
    first = made.start()
    os.kill(first.pid, signal.SIGSTOP)
    with pytest.raises(EmulatorError, match="did not stop within"):
        made.start()
    monkeypatch.undo()
    assert made.start().pid != first.pid


def test_an_emulator_of_another_version_is_replaced(
    made: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made.start()
    monkeypatch.setattr(module, "PINNED", "9.9.9")
    told: list[str] = []
    second = made.start(told.append)
    assert told[0] == f"replacing the emulator {PINNED}"
    assert second.pid != first.pid


def test_two_who_start_it_at_once_get_the_same_one(made: Emulator) -> None:
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: made.start(), range(2)))
    assert found == [made.running()] * 2


@pytest.mark.parametrize("offset", [0, 2], ids=["main port", "door"])
def test_a_port_that_another_program_has_is_named(made: Emulator, offset: int) -> None:
    with taken(made._port + offset), pytest.raises(EmulatorError) as caught:
        made.start()
    assert f" {made._port + offset} is taken by another program" in str(caught.value)
    assert "SHIP_PORT" in caught.value.hint
    assert made.running() is None
    assert is_free(made._port)


def test_a_spare_door_that_another_program_has_is_left_out(made: Emulator) -> None:
    with taken(made._port + 4):
        made.start()
        assert made.site_url("pr-1") == f"http://127.0.0.1:{made._port + 5}"


def test_the_door_of_a_preview_must_be_free(made: Emulator) -> None:
    assert made.site_url("pr-1") == f"http://127.0.0.1:{made._port + 4}"
    with taken(made._port + 4), pytest.raises(EmulatorError, match=r"door .* is taken"):
        made.start()
    assert made.release_door("pr-1")


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Have a port for as long as the block lasts."""
    with closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        yield


def test_one_that_runs_on_another_port_is_a_fault(emulator: Emulator) -> None:
    other = Emulator(emulator._home.path, emulator._python, free_port())
    with pytest.raises(EmulatorError, match=rf"runs at .*, not on port {other._port}"):
        other.start()


def test_each_environment_has_a_plain_address(made: Emulator) -> None:
    assert made.site_url("dev") == f"http://127.0.0.1:{made._port + 1}"
    assert made.site_url("production") == f"http://127.0.0.1:{made._port + 3}"
    with pytest.raises(EmulatorError, match="there is no environment 'prod'") as caught:
        made.site_url("prod")
    assert "dev, staging, production" in caught.value.hint


def test_a_missing_interpreter_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="Python environment is missing") as caught:
        Emulator(tmp_path / "home", tmp_path / "none").start()
    assert caught.value.hint == "run `make setup`"


def test_an_environment_without_ministack_is_a_fault(tmp_path: Path) -> None:
    wrong = Emulator(tmp_path / "home", Path(sys.executable), free_port())
    with pytest.raises(EmulatorError, match="has ministack none; the mends are for") as caught:
        wrong.start()
    assert "make setup" in caught.value.hint


def test_one_that_dies_while_it_starts_is_a_fault(tmp_path: Path, stub: Stub) -> None:
    python = stub.does("print('first words'); sys.exit(1)")
    failing = Emulator(tmp_path / "home", python, free_port())
    for _ in range(2):
        with pytest.raises(EmulatorError, match="died while it started") as caught:
            failing.start()
    assert str(failing._home.log) in caught.value.hint
    assert failing._home.log.read_text() == "first words\n"
    assert failing._home.log.with_suffix(".log.1").exists()


def test_one_that_is_never_ready_is_ended(
    tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_START_SECONDS", 1.0)
    monkeypatch.setattr(module, "_HEALTH_SECONDS", 0.2)
    python = stub.does(HALF_STARTED)
    half = Emulator(tmp_path / "home", python, free_port())
    with pytest.raises(EmulatorError, match="was not ready within 1 s"):
        half.start()
    assert not half._home.held()


def test_one_that_is_ready_and_then_silent_is_a_fault(
    tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_HEALTH_SECONDS", 0.2)
    python = stub.does("os.write(report, b'{\"ready\": []}\\n')")
    silent = Emulator(tmp_path / "home", python, free_port())
    with pytest.raises(EmulatorError, match="started but does not answer"):
        silent.start()


HALF_STARTED = """
if os.fork():
    sys.exit()
lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
me = {"pid": os.getpid(), "port": 1, "doors": [], "version": "0", "ready": False}
(home / "running.json").write_text(json.dumps(me))
time.sleep(30)
"""


def test_a_process_that_is_not_the_emulator_is_never_killed(
    made: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_HEALTH_SECONDS", 0.2)
    with subprocess.Popen(["sleep", "30"]) as bystander:
        made._home.make()
        lock = made._home.hold()
        made._home.sign_in(Holder(bystander.pid, 1, (), PINNED, ready=True))
        with pytest.raises(EmulatorError, match="is not this checkout's emulator"):
            made.stop()
        assert bystander.poll() is None
        os.close(lock)
        bystander.kill()


def test_a_stale_record_stops_nobody(made: Emulator) -> None:
    with subprocess.Popen(["sleep", "30"]) as bystander:
        made._home.make()
        made._home.sign_in(Holder(bystander.pid, made._port, (), PINNED, ready=True))
        assert made.running() is None
        assert not made.stop()
        assert bystander.poll() is None
        bystander.kill()


def test_a_signal_to_a_process_that_is_gone_is_no_fault() -> None:
    module._signal(GONE, signal.SIGTERM)


def test_wiping_leaves_nothing_and_another_root(made: Emulator) -> None:
    made.start()
    before = made.root()
    with pytest.raises(EmulatorError, match="the emulator is running"):
        made.wipe()
    made.stop()
    made.wipe()
    assert not made._home.path.exists()
    assert made.root() != before


def test_it_listens_on_loopback_only(emulator: Emulator) -> None:
    running = emulator.running()
    assert running
    address = socket.gethostbyname(socket.gethostname())
    if address.startswith("127."):
        address = "127.0.0.2"
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{address}:{_port(running)}/_ship/health", timeout=2)


def test_serving_by_hand_explains_itself(python: Path) -> None:
    done = subprocess.run([python, SERVE, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: serve.py")
    assert "Run the pinned emulator, mended, on loopback only" in done.stdout


def test_serving_beside_one_that_serves_is_refused(emulator: Emulator, python: Path) -> None:
    home = str(emulator._home.path)
    done = subprocess.run(
        [python, SERVE, "--home", home, "--port", str(free_port())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "another emulator serves from" in done.stderr


def test_importing_it_is_cheap() -> None:
    code = "import sys; import ship.emulator; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"boto3", "botocore", "httpx", "http.client", "ssl", "asyncio"}


def _port(running: Running) -> int:
    return int(running.endpoint.rpartition(":")[2])


def test_the_home_is_the_owners_alone(made: Emulator) -> None:
    made.root()
    assert Home(made._home.path).path.stat().st_mode & 0o077 == 0
