"""`ship serve` in a stranger's checkout, with the packages that its lock names."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.sandbox import SHIP, clone, poll, replace_owner
from tests.ship.cli.conftest import Ship
from tests.ship.test_development_server import ADDRESS, restore_ctrl_c

MODULE = """
import os
from flask import Flask

app = Flask(__name__)
app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]

shipped = []

def ship(message):
    if message["body"] == "fail":
        raise RuntimeError("no stock")
    shipped.append([message["id"], message["body"], app.name])

@app.post("/api/orders/<order>")
def take(order):
    from flask import request
    from lambda_adapter.queues import enqueue
    return {"id": enqueue("orders", request.get_json(), id=order)}

@app.get("/api/orders")
def orders():
    return shipped

@app.get("/api/place")
def place():
    import sys
    return {"place": os.environ["PLACE"], "url": os.environ["SITE_URL"], "python": sys.prefix}
"""
VARIABLES = """
[tool.ship.application.events]
orders = {handler = "wsgi:ship"}
[tool.ship.environments.dev.variables]
PLACE = "Dover"
[tool.ship.environments.staging.variables]
PLACE = "Stirling"
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = clone(tmp_path_factory.mktemp("serve") / "checkout", foreign=False)
    replace_owner(root)
    (root / "backend/wsgi.py").write_text(MODULE)
    settings = root / "pyproject.toml"
    text = settings.read_text().replace("[tool.ship]\n", '[tool.ship]\nuses = ["sqs"]\n')
    settings.write_text(text + VARIABLES)
    return root


@contextmanager
def serving(root: Path, *arguments: str, **variables: str) -> Iterator[str]:
    """The address of a server that runs meanwhile, and ends as after Ctrl-C."""
    with subprocess.Popen(
        [SHIP, "serve", *arguments],
        cwd=root / "backend",
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        preexec_fn=restore_ctrl_c,
    ) as process:
        assert process.stderr
        try:
            yield next(filter(None, map(ADDRESS.search, process.stderr))).group()
        finally:
            os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 0


def test_messages_reach_their_handler_without_a_queue(checkout: Path) -> None:
    with serving(checkout) as address, httpx.Client(base_url=address, trust_env=False) as client:
        for order, body in (("bad", "fail"), ("good", {"amount": 2})):
            assert client.post(f"/api/orders/{order}", json=body).json() == {"id": order}

        poll(lambda: client.get("/api/orders").json() == [["good", {"amount": 2}, "wsgi"]])


def test_application_and_site_are_at_the_paths_that_they_will_have(checkout: Path) -> None:
    with serving(checkout) as address, httpx.Client(base_url=address, trust_env=False) as client:
        found = client.get("/api/place").json()
        assert found == {
            "place": "Dover",
            "url": address,
            "python": str(checkout / ".ship/venvs/app"),
        }
        assert client.get("/").status_code == 200
        assert client.get("/no-such").status_code == 404
        assert client.get("/-/version").json()["environment"] == "dev"


def test_another_environments_variables_are_found_and_a_persons_own(checkout: Path) -> None:
    place = "/api/place"
    with serving(checkout, "--environment", "staging") as address:
        assert httpx.get(address + place, trust_env=False).json()["place"] == "Stirling"
    with serving(checkout, PLACE="York") as address:
        assert httpx.get(address + place, trust_env=False).json()["place"] == "York"


def test_without_an_application_there_is_nothing_to_serve(ship: Ship) -> None:
    assert ship("serve") == 1
    assert "ship init --from FOLDER" in ship.err
