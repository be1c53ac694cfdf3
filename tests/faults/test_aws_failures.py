"""Any call to AWS may fail, or succeed with its answer lost: the release comes through anyway."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.world import World

pytestmark = pytest.mark.journey

CALLS: dict[str, Callable[[str, str], bool]] = {
    "new code": lambda method, path: method == "PUT" and path.endswith("/code"),
    "alias": lambda method, path: method == "PUT" and path.endswith("/aliases/live"),
    "head": lambda method, path: method == "PUT" and path.endswith("/head.json"),
    "ledger": lambda method, path: method == "PUT" and "/ledger/" in path,
    "manifest": lambda method, path: method == "PUT" and path.endswith("/manifest.json"),
    "page": lambda method, path: method == "PUT" and path.endswith("-site-000000000000/index.html"),
}


@dataclass
class Faults:
    """What goes wrong on the way to AWS: which calls, how often, and whether they get there."""

    matches: Callable[[str, str], bool] = lambda method, path: False
    times: int = 0
    after: int = 0
    forward: bool = False
    hit: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self, method: str, path: str) -> bool:
        with self.guard:
            if self.times <= 0 or not self.matches(method, path.partition("?")[0]):
                return False
            if self.after > 0:
                self.after -= 1
                return False
            self.times -= 1
            self.hit += 1
            return True


@dataclass
class Wire:
    """A way to the emulator on which answers get lost."""

    endpoint: str
    faults: Faults


@pytest.fixture(scope="module")
def wire(world: World) -> Iterator[Wire]:
    faults = Faults()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            strikes = faults.strikes(self.command, self.path)
            if strikes and not faults.forward:
                self.reply(503, [], b"")
                return
            back = http.client.HTTPConnection("127.0.0.1", world.port, timeout=60)
            back.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "expect":
                    back.putheader(name, value)
            back.endheaders(body)
            answer = back.getresponse()
            data = answer.read()
            back.close()
            if strikes:
                self.close_connection = True
                return
            self.reply(answer.status, answer.getheaders(), data)

        def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Wire(f"http://127.0.0.1:{server.server_port}", faults)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def clean(world: World) -> Iterator[None]:
    world.clean()
    yield
    world.clean()


def strike(wire: Wire, call: str, times: int, *, forward: bool, after: int = 0) -> None:
    wire.faults.matches, wire.faults.after = CALLS[call], after
    wire.faults.times, wire.faults.forward, wire.faults.hit = times, forward, 0


@pytest.mark.parametrize("forward", [False, True], ids=["fails", "answer lost"])
@pytest.mark.parametrize("call", CALLS)
def test_a_deploy_comes_through_a_call_that_goes_wrong_once(
    world: World, wire: Wire, call: str, forward: bool
) -> None:
    world.edit(f"{call} {forward}")
    strike(wire, call, 1, forward=forward)

    outcome = world.json("deploy", "dev", AWS_ENDPOINT_URL=wire.endpoint)

    assert wire.faults.hit == 1
    assert world.seen("dev") == (outcome["release"],) * 3


@pytest.mark.parametrize("call", ["alias", "page"])
def test_a_call_that_keeps_failing_leaves_the_old_release_live(
    world: World, wire: Wire, call: str
) -> None:
    """Five tries each: the shift or the pages fail for good, putting back finds AWS well again."""
    world.edit(f"{call} keeps failing")
    before = world.status("dev")["release"]
    strike(wire, call, 5, forward=False)

    said = world.refused("deploy", "dev", status=3, variables={"AWS_ENDPOINT_URL": wire.endpoint})

    assert before in said
    assert world.seen("dev") == (before,) * 3


def test_a_release_that_cannot_be_recorded_is_put_back(world: World, wire: Wire) -> None:
    """It went live and passed its tests, but nobody would know: the first write takes the lock."""
    world.edit("cannot be recorded")
    before = world.status("dev")["release"]
    strike(wire, "head", 5, forward=False, after=1)

    world.refused("deploy", "dev", status=3, variables={"AWS_ENDPOINT_URL": wire.endpoint})

    assert world.status("dev")["release"] == before
    assert world.seen("dev") == (before,) * 3


def test_when_putting_back_fails_too_a_repair_is_due_and_works(world: World, wire: Wire) -> None:
    world.edit("page keeps failing for long")
    before = world.status("dev")["release"]
    strike(wire, "page", 10_000, forward=False)

    said = world.refused("deploy", "dev", status=4, variables={"AWS_ENDPOINT_URL": wire.endpoint})
    assert "ship repair dev" in said

    strike(wire, "page", 0, forward=False)
    world.ship("repair", "dev")
    assert world.seen("dev") == (before,) * 3


def test_a_call_that_keeps_failing_before_users_could_see_it_changes_nothing(
    world: World, wire: Wire
) -> None:
    world.edit("code keeps failing")
    before = world.status("dev")
    strike(wire, "new code", 5, forward=False)

    world.refused("deploy", "dev", status=1, variables={"AWS_ENDPOINT_URL": wire.endpoint})

    after = world.status("dev")
    assert (after["release"], after["operation"]) == (before["release"], None)
    assert world.history("dev")[0]["event"] == "deploy failed"
