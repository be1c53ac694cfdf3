"""The emulator starts, is found, stops, and keeps its state; what can go wrong has a hint."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from emulator import Emulator, EmulatorError, Hints
from emulator import emulator as module
from emulator.patches import PINNED
from emulator.state_directory import LockOwner
from tests.ports import is_free

from .account import REGION, Account, browser
from .conftest import ENVIRONMENTS
from .serving import PACKAGES, free_port


@pytest.fixture
def made(python: Path, tmp_path: Path) -> Iterator[Emulator]:
    """An emulator that is not started, and stopped if a test leaves it running."""
    emulator = Emulator(tmp_path / "folder", python, free_port(), environments=ENVIRONMENTS)
    yield emulator
    emulator.stop()


@pytest.fixture(scope="module")
def own(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator that tests kill, stop and start again; each begins by starting it."""
    folder = tmp_path_factory.mktemp("own") / "folder"
    emulator = Emulator(folder, python, free_port(), environments=ENVIRONMENTS)
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
        """Do this on start, with `folder`, `report` and `argv` at hand."""
        lines = [
            f"#!{sys.executable}",
            "import fcntl, json, os, pathlib, sys, time",
            "argv = sys.argv",
            "folder = pathlib.Path(argv[argv.index('--folder') + 1])",
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
            with suppress(ProcessLookupError):
                os.kill(int(self._pid.read_text()), signal.SIGKILL)


def test_one_that_runs_is_returned_and_not_started_again(emulator: Emulator) -> None:
    first = emulator.start()
    assert emulator.start() == first == emulator.running()
    assert first.version == PINNED
    assert browser.get(f"{first.endpoint}/_ministack/health").json()["auth"] == "enabled"


def test_modules_and_settings_of_the_caller_do_not_reach_it_nor_root_its_functions(
    own: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.stop()
    (tmp_path / "argparse.py").write_text("raise SystemExit('from the caller')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("CANARY", "alive")
    monkeypatch.chdir(tmp_path)
    steps: list[str] = []
    account = Account(own.start(steps.append).endpoint, own.root())
    assert steps == [f"starting the AWS emulator, ministack {PINNED}, on port {own._port}"]
    seen = browser.get(f"{account.api(account.function())}/api/x").json()["environment"]
    assert not {"CANARY", "LOG_LEVEL", "PYTHONPATH"} & set(seen)
    assert own.root().secret_access_key not in seen.values()
    assert seen["TMPDIR"] == str(own._directory.temporary.resolve())
    assert seen["AWS_REGION"] == REGION


def test_what_was_made_is_there_after_a_restart_and_in_a_copy_at_other_ports(
    own: Emulator, python: Path, tmp_path: Path
) -> None:
    running = own.start()
    account = Account(running.endpoint, own.root())
    name = account.function(versions=2)
    api, alarm = account.api(name), account.alarm(name)
    for environment in ("dev", "pr-7"):
        account.site(environment, api, page=environment.encode())
    queue = account.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
    account.client("ssm").put_parameter(Name="/shop/title", Value="Hello", Type="String")
    site = own.site_url("pr-7")
    assert own.stop()
    assert own.running() is None
    assert own.site_url("pr-7") == site
    shutil.copytree(own._directory.path, tmp_path / "copy")

    again = own.start()
    assert again.pid != running.pid
    _check_sites(own, account.endpoint)
    assert browser.get(f"{api}/api/x").json()["version"] == "1"
    title = account.client("ssm").get_parameter(Name="/shop/title")["Parameter"]
    assert title["Value"] == "Hello"
    functions = account.client("lambda")
    assert functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "1"
    versions = functions.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1", "2"]
    assert account.alarm_state(alarm) == "OK"

    copy = Emulator(tmp_path / "copy", python, free_port(), environments=ENVIRONMENTS)
    try:
        copied = Account(copy.start().endpoint, copy.root())
        _check_sites(copy, copied.endpoint)
        moved = copy._port - own._port
        assert _port(copy.site_url("pr-7")) == _port(site) + moved
        api_id = api.rpartition("/")[2]
        described = copied.client("apigatewayv2").get_api(ApiId=api_id)["ApiEndpoint"]
        assert _port(described) == copy._port
        found = copied.client("sqs").get_queue_url(QueueName="orders")["QueueUrl"]
        assert found == queue.replace(str(own._port), str(copy._port))
        copied.client("lambda").delete_function(FunctionName=name)
        _check_sites(own, account.endpoint)
        assert browser.get(f"{copy.site_url('dev')}/api/x").status_code >= 400
    finally:
        copy.stop()


def _check_sites(emulator: Emulator, endpoint: str) -> None:
    for environment in ("dev", "pr-7"):
        site = emulator.site_url(environment)
        assert browser.get(site).text == environment
        variables = browser.get(f"{site}/api/x").json()["environment"]
        assert variables["AWS_ENDPOINT_URL"] == endpoint
        assert variables["TMPDIR"] == str(emulator._directory.temporary.resolve())


def test_functions_see_a_clean_environment_of_one_served_by_hand(unpatched: Account) -> None:
    seen = browser.get(f"{unpatched.echo}/api/x").json()["environment"]
    assert "PYTEST_VERSION" in os.environ
    assert "PYTEST_VERSION" not in seen


def test_functions_import_nothing_that_lies_beside_the_emulator(account: Account) -> None:
    beside = sorted({path.stem for path in PACKAGES.glob("[!_]*")})
    assert len(beside) > 1
    name = account.function(code=FINDER.format(beside))
    found = json.loads(account.invoke(name)["Payload"]["body"])
    assert found == {"importable": []}


FINDER = """
import importlib.util, json

def handler(event, context):
    found = [name for name in {!r} if importlib.util.find_spec(name)]
    return {{"statusCode": 200, "body": json.dumps({{"importable": found}})}}
"""


def test_one_that_was_killed_is_found_out_and_replaced(own: Emulator) -> None:
    first = own.start()
    os.kill(first.pid, signal.SIGKILL)
    own._wait_until_unlocked(5.0)
    assert own.running() is None
    assert own.start().pid != first.pid


def test_one_that_hangs_is_replaced(own: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HEALTH_SECONDS", 0.2)
    monkeypatch.setattr(module, "_STOP_SECONDS", 0.2)
    first = own.start()
    os.kill(first.pid, signal.SIGSTOP)
    with pytest.raises(EmulatorError, match="did not stop within"):
        own.start()
    monkeypatch.undo()
    assert own.start().pid != first.pid


def test_one_of_another_version_is_replaced(own: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    first = own.start()
    monkeypatch.setattr(module, "PINNED", "9.9.9")
    steps: list[str] = []
    second = own.start(steps.append)
    assert steps[0] == f"replacing the emulator {PINNED}"
    assert second.pid != first.pid


def test_two_that_start_it_at_once_beside_a_taken_port(own: Emulator) -> None:
    own.stop()
    own.release_site_port("pr-7")
    with taken(own._port + 4), ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: own.start(), range(2)))
    assert found == [own.running()] * 2
    assert own.site_url("pr-1") == f"http://127.0.0.1:{own._port + 5}"


@pytest.mark.parametrize("offset", [0, 2, 4], ids=["main", "site", "assigned"])
def test_a_port_that_another_program_has_is_named(made: Emulator, offset: int) -> None:
    assert made.site_url("pr-1") == f"http://127.0.0.1:{made._port + 4}"
    with taken(made._port + offset), pytest.raises(EmulatorError) as caught:
        made.start()
    assert f" {made._port + offset} is taken by another program" in str(caught.value)
    assert caught.value.hint == "end that program, or choose another port"
    assert made.running() is None
    assert is_free(made._port)


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Have a port for as long as the block lasts."""
    with closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        yield


def test_one_that_runs_on_another_port_is_an_error(emulator: Emulator) -> None:
    other = Emulator(emulator._directory.path, emulator._python, free_port())
    with pytest.raises(EmulatorError, match=rf"runs at .*, not on port {other._port}"):
        other.start()


def test_a_missing_interpreter_is_an_error(tmp_path: Path) -> None:
    hints = Hints(environment="run the set-up")
    with pytest.raises(EmulatorError, match="Python environment is missing") as caught:
        Emulator(tmp_path / "folder", tmp_path / "none", hints=hints).start()
    assert caught.value.hint == "run the set-up"


def test_an_environment_without_ministack_is_an_error(tmp_path: Path) -> None:
    python, hints = Path(sys.executable), Hints(environment="run the set-up")
    wrong = Emulator(tmp_path / "folder", python, free_port(), hints=hints)
    with pytest.raises(EmulatorError, match="has ministack none; the patches are for") as caught:
        wrong.start()
    assert caught.value.hint == "run the set-up"


def test_one_that_dies_while_it_starts_is_an_error(tmp_path: Path, stub: Stub) -> None:
    python = stub.does("print('first words'); sys.exit(1)")
    failing = Emulator(tmp_path / "folder", python, free_port())
    for _ in range(2):
        with pytest.raises(EmulatorError, match="died while it started") as caught:
            failing.start()
    assert str(failing._directory.log) in caught.value.hint
    assert failing._directory.log.read_text() == "first words\n"
    assert failing._directory.log.with_suffix(".log.1").exists()


def test_one_that_is_never_ready_is_ended(
    tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_START_SECONDS", 1.0)
    monkeypatch.setattr(module, "_HEALTH_SECONDS", 0.2)
    python = stub.does(HALF_STARTED)
    half = Emulator(tmp_path / "folder", python, free_port())
    with pytest.raises(EmulatorError, match="was not ready within 1 s"):
        half.start()
    assert not half._directory.is_locked()


def test_one_that_is_ready_and_then_silent_is_an_error(
    tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_HEALTH_SECONDS", 0.2)
    python = stub.does("os.write(report, b'{\"ready\": []}\\n')")
    silent = Emulator(tmp_path / "folder", python, free_port())
    with pytest.raises(EmulatorError, match="started but does not answer"):
        silent.start()


HALF_STARTED = """
if os.fork():
    sys.exit()
lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
me = {"pid": os.getpid(), "port": 1, "site_ports": [], "version": "0", "ready": False}
(folder / "running.json").write_text(json.dumps(me))
time.sleep(30)
"""


def test_a_process_that_is_not_the_emulator_is_never_killed(
    made: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_HEALTH_SECONDS", 0.2)
    with subprocess.Popen(["sleep", "30"]) as bystander:
        made._directory.create()
        lock = made._directory.acquire()
        made._directory.record_owner(LockOwner(bystander.pid, 1, (), PINNED, ready=True))
        with pytest.raises(EmulatorError, match="is not this folder's emulator"):
            made.stop()
        assert bystander.poll() is None
        os.close(lock)
        bystander.kill()


def test_a_stale_record_stops_no_process(made: Emulator) -> None:
    with subprocess.Popen(["sleep", "30"]) as bystander:
        made._directory.create()
        made._directory.record_owner(LockOwner(bystander.pid, made._port, (), PINNED, ready=True))
        assert made.running() is None
        assert not made.stop()
        assert bystander.poll() is None
        bystander.kill()


def test_wiping_leaves_nothing_and_another_root(own: Emulator) -> None:
    own.start()
    before = own.root()
    with pytest.raises(EmulatorError, match="the emulator is running"):
        own.wipe()
    own.stop()
    own.wipe()
    assert not own._directory.path.exists()
    assert own.root() != before


def test_it_listens_on_loopback_only(emulator: Emulator) -> None:
    running = emulator.running()
    assert running
    address = socket.gethostbyname(socket.gethostname())
    if address.startswith("127."):
        address = "127.0.0.2"
    with pytest.raises(httpx.TransportError):
        browser.get(f"http://{address}:{_port(running.endpoint)}/_emulator/health", timeout=2)


def test_serving_by_hand_explains_itself(python: Path) -> None:
    done = _serve_by_hand(python, "--help")
    assert done.stdout.startswith("usage: python -m emulator.serve")
    assert "Run the pinned emulator, patched, on loopback only" in done.stdout


def test_serving_beside_one_that_serves_is_refused(emulator: Emulator, python: Path) -> None:
    folder = str(emulator._directory.path)
    done = _serve_by_hand(python, "--folder", folder, "--port", str(free_port()))
    assert done.returncode == 1
    assert "another emulator serves from" in done.stderr
    assert Hints().running in done.stderr


def _serve_by_hand(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "emulator.serve", *arguments]
    return subprocess.run(command, cwd=PACKAGES, capture_output=True, text=True, check=False)


def test_importing_it_is_cheap() -> None:
    code = "import sys; import emulator; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"boto3", "botocore", "httpx", "http.client", "ssl", "asyncio", "ship"}


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def test_the_readme_names_every_patch(account: Account) -> None:
    readme = (PACKAGES / "emulator/README.md").read_text(encoding="utf-8")
    applied = browser.get(f"{account.endpoint}/_emulator/health").json()["patches"]
    assert [name for name in applied if f"| {name} |" not in readme] == []
