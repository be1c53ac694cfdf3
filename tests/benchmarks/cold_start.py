# ruff: noqa: T201 - it prints its table.
"""Compares adapters around a small Flask API, under Lambda's own runtime client.

Run it with `python -m tests.benchmarks.cold_start [ROUNDS]` in a checkout that is set up for tests;
it fetches the packages of the others. Every round starts each function once, in a new process under
awslambdaric with a Runtime API of our own: INIT is the time from the start of the process to its
first question for an event, memory is what it holds then. Warm is the median of CALLS answers to
what API Gateway makes of a browser's request, timed around the handler inside that process, with
standard output a pipe as on Lambda. All figures are medians over the rounds; processor time is less
disturbed than wall time by what else the machine does.

The constant handler is the floor. The others serve the same application: `serverless-wsgi` and
`apig-wsgi` from the very zip that ships, with bytecode, and Zappa as `zappa package` makes it. Two
read a setting from a Parameter Store on loopback when they start, which none of the others do.

`python -m tests.benchmarks.cold_start ROUNDS FOLDER FACTORY PATH` measures the application of a
folder instead, as `ship init` takes it over and with the wheels of this machine: FACTORY is that of
`[tool.ship.application]`, and PATH is asked for and answered with 200.
"""

import compileall
import platform
import py_compile
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks import baselines
from tests.e2e.sandbox import Sandbox, clone, free_ports
from tests.fixtures.events import load
from tests.lambda_adapter.built import build
from tests.lambda_adapter.http_server import Answer, serve
from tests.lambda_adapter.runtime_api import Started, function, link_packages

CALLS = 300
OURS, PLAIN, ZAPPA = "this one", "serverless-wsgi", "Zappa"
SETTING = "with a setting"
SHOP, SHOP_SETTING, PLAIN_SHOP = "templates", "  and a setting", "  serverless-wsgi"
PARAMETERS = b'{"Parameters": [{"Name": "/corner-shop/dev/SECRET_KEY", "Value": "secret"}]}'
CONSTANT = """
def handler(event, context):
    return {"statusCode": 200, "headers": {}, "body": '{"status":"ok"}', "isBase64Encoded": False}
"""
SERVERLESS_WSGI = """
import serverless_wsgi
from wsgi import app


def handler(event, context):
    return serverless_wsgi.handle_request(app, event, context)
"""
APIG_WSGI = """
from apig_wsgi import make_lambda_handler
from wsgi import app

handler = make_lambda_handler(app)
"""
SERVERLESS_WSGI_ANY = """
import importlib

import serverless_wsgi

module, _, name = "{factory}".partition(":")
app = getattr(importlib.import_module(module), name)
app = app if hasattr(app, "wsgi_app") else app()


def handler(event, context):
    return serverless_wsgi.handle_request(app, event, context)
"""
SERVERLESS_WSGI_SHOP = SERVERLESS_WSGI.replace(
    "from wsgi import app", "from shop import create_app\n\napp = create_app()"
)
# Times another handler from inside; tells the times when it is asked for them.
TIMED = """
import importlib, os, time

module, _, name = os.environ["TIMED_HANDLER"].rpartition(".")
inner = getattr(importlib.import_module(module), name)
times = []


def handler(event, context):
    if event == "times":
        return times
    began, cpu = time.perf_counter_ns(), time.thread_time_ns()
    answer = inner(event, context)
    times.append((time.perf_counter_ns() - began, time.thread_time_ns() - cpu))
    return answer
"""


class Candidate(NamedTuple):
    """A function, unzipped, and what Lambda would call in it."""

    task: Path
    handler: str
    path: str = "/api/hello"
    variables: Mapping[str, str] = {}


class Figures(NamedTuple):
    """What one start of a function showed: milliseconds, megabytes, for `warm` microseconds."""

    init: float
    cpu: float
    memory: float
    first: float
    warm: float
    warm_cpu: float


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if foreign := sys.argv[2:]:
            candidates = _adopted(folder, *foreign)
        else:
            parameter_store = stack.enter_context(serve(lambda _: Answer(body=PARAMETERS)))
            candidates = _candidates(folder, parameter_store)
        client = link_packages(folder / "client")
        (client / "timed.py").write_text(TIMED, "utf-8")
        _compile(client / "timed.py")
        found: dict[str, list[Figures]] = {name: [] for name in candidates}
        for turn in range(rounds + 1):
            for name, candidate in candidates.items():
                figures = _measure(candidate, client)
                if turn:  # The first round fills the machine's caches.
                    found[name].append(figures)
    medians = {
        name: Figures(*map(statistics.median, zip(*rows, strict=True)))
        for name, rows in found.items()
    }
    _print(medians, rounds)
    if foreign:
        ours, plain = medians[OURS], medians[PLAIN]
        print(f"INIT, of serverless-wsgi's: {ours.init / plain.init:.2f}")
        print(f"its processor time, of serverless-wsgi's: {ours.cpu / plain.cpu:.2f}")
    else:
        _print_limits(medians)


def _adopted(folder: Path, source: str, factory: str, path: str) -> dict[str, Candidate]:
    root = clone(folder / "checkout")
    for name in ("backend", "web"):
        shutil.rmtree(root / name)
    sandbox = Sandbox(root, free_ports())
    sandbox.ship("init", "--from", str(Path(source).resolve()), "--factory", factory)
    project = root / "pyproject.toml"
    machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    build = f'\n[tool.ship.build]\narchitecture = "{machine}"\n'
    project.write_text(project.read_text() + build)
    sandbox.commit("Put an application in")
    sandbox.ship("build")
    ours, plain = folder / "ours", folder / "plain"
    with zipfile.ZipFile(root / "dist/backend.zip") as archive:
        archive.extractall(ours)
    print(f"{source}: the zip has {(root / 'dist/backend.zip').stat().st_size / 1e6:.2f} MB")
    shutil.copytree(ours, plain)
    (plain / "entry.py").write_text(SERVERLESS_WSGI_ANY.format(factory=factory), "utf-8")
    baselines.install(plain, "--no-deps", *baselines.SERVERLESS_WSGI)
    _compile(plain)
    return {
        OURS: Candidate(ours, "lambda_adapter.handler.handler", path),
        PLAIN: Candidate(plain, "entry.handler", path),
    }


def _candidates(folder: Path, parameter_store: str) -> dict[str, Candidate]:
    ours, shop = (
        build(Path(tempfile.mkdtemp(dir=folder)), name) for name in ("minimal", "templates")
    )
    constant, plain, apig = folder / "constant", folder / "plain", folder / "apig"
    plain_shop = folder / "plain-shop"
    constant.mkdir()
    (constant / "entry.py").write_text(CONSTANT, "utf-8")
    for task, source, entry, packages in (
        (plain, ours, SERVERLESS_WSGI, baselines.SERVERLESS_WSGI),
        (apig, ours, APIG_WSGI, baselines.WSGI),
        (plain_shop, shop, SERVERLESS_WSGI_SHOP, baselines.SERVERLESS_WSGI),
    ):
        shutil.copytree(source, task)
        (task / "entry.py").write_text(entry, "utf-8")
        baselines.install(task, "--no-deps", *packages)
    _compile(constant, plain, apig, plain_shop)
    handler = "lambda_adapter.handler.handler"
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    setting = keys | {"AWS_ENDPOINT_URL": parameter_store, "SETTINGS_PATH": "/corner-shop/dev"}
    return {
        "a constant": Candidate(constant, "entry.handler"),
        OURS: Candidate(ours, handler),
        SETTING: Candidate(ours, handler, variables=setting),
        PLAIN: Candidate(plain, "entry.handler"),
        "apig-wsgi": Candidate(apig, "entry.handler"),
        ZAPPA: Candidate(baselines.package_zappa(folder / "zappa"), "handler.lambda_handler"),
        SHOP: Candidate(shop, handler, "/"),
        SHOP_SETTING: Candidate(shop, handler, "/", setting),
        PLAIN_SHOP: Candidate(plain_shop, "entry.handler", "/"),
    }


def _compile(*paths: Path) -> None:
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for path in paths:
        if path.is_dir():
            compileall.compile_dir(path, quiet=1, invalidation_mode=mode)
        else:
            py_compile.compile(str(path), invalidation_mode=mode)


def _measure(candidate: Candidate, client: Path) -> Figures:
    with (
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as collector,
        function(
            candidate.task,
            client,
            "timed.handler",
            collector.stdin,
            TIMED_HANDLER=candidate.handler,
            METRICS_NAMESPACE="bench",
            ENVIRONMENT="dev",
            STRIP_STAGE_PATH="yes",  # Else serverless-wsgi alone would take the stage for a path.
            **candidate.variables,
        ) as started,
    ):
        cpu, memory = _cpu_milliseconds(started), _megabytes(started)
        event = load("browser") | {"rawPath": candidate.path}
        for _ in range(CALLS):
            assert started.invoke(event)["statusCode"] == 200
        (first, _), *warm = started.invoke("times")
    wall_and_cpu = (statistics.median(times) / 1e3 for times in zip(*warm, strict=True))
    return Figures(started.init_seconds * 1e3, cpu, memory, first / 1e6, *wall_and_cpu)


def _cpu_milliseconds(started: Started) -> float:
    """https://docs.kernel.org/scheduler/sched-stats.html, of a process with one thread."""
    running = Path(f"/proc/{started.process.pid}/schedstat").read_text("utf-8").split()[0]
    return int(running) / 1e6


def _megabytes(started: Started) -> float:
    status = Path(f"/proc/{started.process.pid}/status").read_text("utf-8").splitlines()
    resident = next(line for line in status if line.startswith("VmRSS"))
    return int(resident.split()[1]) / 1024


def _print(found: dict[str, Figures], rounds: int) -> None:
    print(f"medians of {rounds} starts, {CALLS} calls each")
    floor = next(iter(found.values())).init
    print(f"{'':16}  INIT ms  of the first  CPU ms    MB  first ms  warm µs  CPU µs")
    for name, row in found.items():
        print(
            f"{name:16} {row.init:8.1f} {row.init / floor:13.1f} {row.cpu:7.0f} {row.memory:5.1f} "
            f"{row.first:9.2f} {row.warm:8.0f} {row.warm_cpu:7.0f}"
        )


def _print_limits(found: dict[str, Figures]) -> None:
    milliseconds = found[SETTING].init - found[OURS].init
    print(f"a read of settings takes {milliseconds:.1f} ms of INIT, at most 5.0")
    ours, plain, zappa = found[OURS], found[PLAIN], found[ZAPPA]
    for what, ratio, most in (
        ("INIT, of serverless-wsgi's", ours.init / plain.init, 0.65),
        ("INIT with a setting, of serverless-wsgi's", found[SETTING].init / plain.init, 0.65),
        ("with templates", found[SHOP].init / found[PLAIN_SHOP].init, 0.9),
        ("with templates and a setting", found[SHOP_SETTING].init / found[PLAIN_SHOP].init, 0.9),
        ("INIT's processor time, of serverless-wsgi's", ours.cpu / plain.cpu, 0.9),
        ("INIT, of Zappa's", ours.init / zappa.init, 0.25),
        ("INIT's processor time, of Zappa's", ours.cpu / zappa.cpu, 0.25),
        ("a warm answer, of serverless-wsgi's", ours.warm / plain.warm, 1.0),
        ("its processor time, of serverless-wsgi's", ours.warm_cpu / plain.warm_cpu, 1.0),
        ("memory after INIT, of serverless-wsgi's", ours.memory / plain.memory, 1.0),
    ):
        print(f"{what:44} {ratio:.2f}, at most {most}: {'yes' if ratio <= most else 'NO'}")


if __name__ == "__main__":
    main()
