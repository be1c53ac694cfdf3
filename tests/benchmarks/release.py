"""How long a deploy and a rollback take, until users get them and as a whole.

Run it with `python -m tests.benchmarks.release [RUNS]` in a checkout that is set up for tests. It
makes the environments on an emulator of its own and prints medians, and their ratio to a baseline
that is measured in the same run: a client that uploads the same zip, publishes it and moves the
alias, without checks, pages, history or lock.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from ship import config
from tests.e2e.sandbox import Sandbox, clone, free_ports, probing

_BASELINE = """
import sys, time
from pathlib import Path
import boto3, httpx
endpoint, region, name, zip_path, url, before = sys.argv[1:]
client = boto3.client("lambda", endpoint_url=endpoint, region_name=region)
version = client.update_function_code(
    FunctionName=name, ZipFile=Path(zip_path).read_bytes(), Publish=True)["Version"]
while client.get_function_configuration(
        FunctionName=name, Qualifier=version)["State"] == "Pending":
    time.sleep(0.05)
client.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
while httpx.get(f"{url}/-/version").json()["function_version"] == before:
    pass
"""


@dataclass(frozen=True)
class Times:
    """Seconds from the start of the command."""

    live: float
    whole: float


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Sandbox(clone(Path(folder) / "checkout"), free_ports())
        try:
            started = time.monotonic()
            sandbox.ship("up")
            up = time.monotonic() - started
            started = time.monotonic()
            sandbox.ship("up")
            again = time.monotonic() - started
            _report(up, again, *_measure(sandbox, runs))
        finally:
            sandbox.call("down")


def _measure(sandbox: Sandbox, runs: int) -> tuple[list[Times], list[Times], list[float]]:
    deploys, rollbacks, baselines = [], [], []
    first = config.project(sandbox.root).environments[0]
    for number in track(range(runs), "measuring", console=Console(stderr=True)):
        sandbox.edit(f"run {number}")
        deploys.append(_timed(sandbox, "deploy", first))
        rollbacks.append(_timed(sandbox, "rollback", first, "--reason", "measured"))
        baselines.append(_baseline(sandbox, number))
        # The baseline has moved the alias without the history; a deploy puts that right.
        sandbox.edit(f"after run {number}")
        sandbox.ship("deploy", first)
    return deploys, rollbacks, baselines


def _timed(sandbox: Sandbox, *arguments: str) -> Times:
    """One command, from its start to the new release's first response at both endpoints."""
    status = sandbox.status(arguments[1])
    with probing(status) as probe:
        started = time.monotonic()
        release = sandbox.json(*arguments)["release"]
        whole = time.monotonic() - started
        time.sleep(0.2)
    first = max(probe.first(endpoint, release) for endpoint in ("api", "site"))
    return Times(first - started, whole)


def _baseline(sandbox: Sandbox, number: int) -> float:
    sandbox.edit(f"baseline {number}")
    sandbox.ship("build")
    project = config.project(sandbox.root)
    environment = project.environments[0]
    status: dict[str, Any] = sandbox.status(environment)
    arguments = (
        f"http://127.0.0.1:{sandbox.port}",
        project.region,
        f"{project.name}-{environment}",
        str(sandbox.root / "dist/backend.zip"),
        status["api_url"],
        status["function_version"],
    )
    role = sandbox.credentials(environment).variables()
    started = time.monotonic()
    command = [sys.executable, "-c", _BASELINE, *arguments]
    subprocess.run(command, check=True, env=sandbox.environment | role)
    return time.monotonic() - started


def _report(
    up: float, again: float, deploys: list[Times], rollbacks: list[Times], baselines: list[float]
) -> None:
    baseline = statistics.median(baselines)
    table = Table("what", "median s", "worst s", "ratio to baseline")
    rows = {
        "baseline: client without checks": baselines,
        "deploy: live at both endpoints": [times.live for times in deploys],
        "deploy: whole command": [times.whole for times in deploys],
        "rollback: live at both endpoints": [times.live for times in rollbacks],
        "rollback: whole command": [times.whole for times in rollbacks],
    }
    for name, values in rows.items():
        median = statistics.median(values)
        table.add_row(name, f"{median:.2f}", f"{max(values):.2f}", f"{median / baseline:.2f}")
    console = Console()
    console.print(table)
    console.print(f"up {up:.1f} s, up again {again:.1f} s; no request failed meanwhile")


if __name__ == "__main__":
    main()
