# ruff: noqa: T201 - it prints its table.
"""Compares the cold start of the entry point with that of plain serverless-wsgi.

Run it from the root of the repository: `python -m tests.benchmarks.backend_cold_start`. Both
import with valid bytecode, in turns, in new processes: what Lambda's INIT does in Python. The
least of each is the fairest figure on a machine that does other things too.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROUNDS = 21
PLAIN = """
from flask import Flask, jsonify
import serverless_wsgi

app = Flask(__name__)


@app.get("/api/health")
def health():
    return jsonify(status="ok")


def handler(event, context):
    return serverless_wsgi.handle_request(app, event, context)
"""
MEASURE = """
import sys, time
wall, cpu = time.perf_counter(), time.process_time()
import {module}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
memory = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
print(wall * 1e3, cpu * 1e3, int(memory.split()[1]) / 1024, len(sys.modules))
"""


def measure(module: str, folder: Path) -> list[float]:
    """Import a module in a new process: milliseconds, of processor too, megabytes, modules."""
    environ = {"PYTHONPATH": str(folder), "PATH": os.environ["PATH"], "PYTHONNOUSERSITE": "1"}
    command = [sys.executable, "-c", MEASURE.format(module=module)]
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    return [float(figure) for figure in done.stdout.split()]


def main() -> None:
    """Print the table."""
    figures: dict[str, list[list[float]]] = {"plain": [], "backend.handler": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plain.py").write_text(PLAIN, "utf-8")
        shutil.copytree(
            ROOT / "backend", folder / "backend", ignore=shutil.ignore_patterns("__pycache__")
        )
        compileall.compile_dir(
            folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
        for _ in range(ROUNDS):
            for module, found in figures.items():
                found.append(measure(module, folder))
    least = {
        module: [min(column) for column in zip(*f, strict=True)] for module, f in figures.items()
    }
    print("import of".ljust(18), "least ms", "median ms", "least CPU ms", "MB", "modules", sep="  ")
    for module, found in figures.items():
        median = statistics.median(row[0] for row in found)
        wall, cpu, memory, modules = least[module]
        print(f"{module:18}  {wall:8.1f}  {median:9.1f}  {cpu:12.1f}  {memory:.1f}  {modules:.0f}")
    ratio = least["backend.handler"][0] / least["plain"][0]
    print(f"backend.handler takes {ratio:.2f} of plain")


if __name__ == "__main__":
    main()
