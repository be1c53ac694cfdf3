"""What users get while releases come and go: lost requests, latency, and when a canary ends.

Run it with `python -m tests.benchmarks.canary [RATE [ERRORS]]` in a checkout that is set up for
tests. It sends RATE requests a second (50) through the two public endpoints of an environment on an
emulator of its own, in an open loop: one that waits for answers sends less when they are slow. The
share ERRORS (0.05) of the answers are errors before anything happens. A request is lost when it
gets no answer, or another one than the application's.
"""

import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from tests.e2e.sandbox import Sandbox, clone, free_ports

_WORK = """

import os, random, time
from flask import request

@app.get("/api/work")
def work():
    time.sleep({seconds})
    status = 500 if random.random() < {errors} else 200
    return {{}}, status, {{"x-work": os.environ["AWS_LAMBDA_FUNCTION_VERSION"]}}

@app.before_request
def fail():
    # What `ship` invokes directly works; what comes through the endpoints does not.
    fails = {fails_smoke} and request.path == "/api/hello" and request.user_agent.string != "ship"
    return ("broken", 500) if fails else None
"""
_CANARY = "shift = [10, 50]\nbake_seconds = 30\nalarm_seconds = 180"
_AT_ONCE = "shift = []\nbake_seconds = 0"


@dataclass
class Load:
    """Answers (when a request was due, seconds until its answer, endpoint, version), and losses."""

    answers: list[tuple[float, float, str, str]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def p99(self) -> float:
        """Milliseconds, from the moment that a request was due."""
        return (
            sorted(seconds for _, seconds, *_ in self.answers)[len(self.answers) * 99 // 100] * 1e3
        )

    def span(self, url: str, version: str, started: float) -> str:
        """When a version answered at an endpoint first and last, in seconds after a moment."""
        times = [due - started for due, _, *found in self.answers if found == [url, version]]
        return f"{min(times):.1f} to {max(times):.1f}" if times else "never"


@contextmanager
def loading(urls: list[str], rate: float) -> Iterator[Load]:
    """Send requests to each endpoint in turn while something else goes on."""
    load, stop = Load(), threading.Event()

    def ask(client: httpx.Client, url: str, due: float) -> None:
        try:
            answer = client.get(f"{url}/api/work")
        except httpx.HTTPError as error:
            load.lost.append(f"{url}: {error!r}")
            return
        if version := answer.headers.get("x-work"):
            load.answers.append((due, time.monotonic() - due, url, version))
        else:
            load.lost.append(f"{url}: {answer.status_code} {answer.text[:200]}")

    def send() -> None:
        with (
            httpx.Client(trust_env=False, timeout=30, limits=httpx.Limits()) as client,
            ThreadPoolExecutor(64) as pool,
        ):
            started, number = time.monotonic(), 0
            while not stop.is_set():
                due = started + number / rate
                time.sleep(max(due - time.monotonic(), 0))
                pool.submit(ask, client, urls[number % 2], due)
                number += 1

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield load
    finally:
        stop.set()
        thread.join()


def main() -> None:
    """Measure and print; seconds are those after the command was started."""
    rate, errors = [float(given) for given in sys.argv[1:]] + [50.0, 0.05][len(sys.argv) - 1 :]
    columns = ("while", "exit", "s", "newest version at API, site", "requests", "lost", "p99 ms")
    table, console = Table(*columns, "load average"), Console()
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Sandbox(clone(Path(folder) / "checkout"), free_ports())
        try:
            _write(sandbox, errors)
            sandbox.commit("Work")
            sandbox.ship("up")
            status = sandbox.status("dev")
            urls = [status["api_url"], status["site_url"]]
            # Each execution environment is a process that has to start.
            for share in (0.1, 0.3, 1):
                with loading(urls, rate * share):
                    time.sleep(10)
            for name, act in _acts(sandbox, errors).items():
                with loading(urls, rate) as load:
                    time.sleep(2)
                    started = time.monotonic()
                    code, said = act()
                    seconds = time.monotonic() - started
                    time.sleep(2)
                newest = max((version for *_, version in load.answers), key=int)
                table.add_row(
                    name,
                    str(code),
                    f"{seconds:.0f}",
                    ", ".join(load.span(url, newest, started) for url in urls),
                    str(len(load.answers)),
                    str(len(load.lost)),
                    f"{load.p99():.0f}",
                    f"{os.getloadavg()[0]:.1f}",
                )
                console.print(name, said, *load.lost[:3], sep="\n", highlight=False)
        finally:
            console.print(table)
            sandbox.call("down")


def _acts(sandbox: Sandbox, errors: float) -> dict[str, Callable[[], tuple[int, str]]]:
    def quiet() -> tuple[int, str]:
        time.sleep(20)
        return 0, ""

    def run(*arguments: str) -> tuple[int, str]:
        done = sandbox.call(*arguments)
        return done.returncode, done.stderr

    def deploy(note: str, **how: Any) -> tuple[int, str]:
        _write(sandbox, **{"errors": errors} | how)
        sandbox.edit(note)
        return run("deploy", "dev")

    return {
        "nothing": quiet,
        "a good release": lambda: deploy("good"),
        "twice the errors": lambda: deploy("failing", errors=2 * errors),
        "slow": lambda: deploy("slow", seconds=0.3),
        "a smoke path fails": lambda: deploy("smoke", shift=_AT_ONCE, fails_smoke=True),
        "a rollback": lambda: run("rollback", "dev", "--reason", "measured"),
    }


def _write(
    sandbox: Sandbox,
    errors: float,
    shift: str = _CANARY,
    seconds: float = 0.005,
    fails_smoke: bool = False,
) -> None:
    path = sandbox.root / "pyproject.toml"
    dev = re.compile(r"(?<=environments\.dev\]\n)(.+\n)+")
    path.write_text(dev.sub(f"{shift}\n", path.read_text()))
    path = sandbox.root / "backend/wsgi.py"
    text = path.read_text().partition("\n\nimport os, random, time")[0]
    path.write_text(text + _WORK.format(errors=errors, seconds=seconds, fails_smoke=fails_smoke))


if __name__ == "__main__":
    main()
