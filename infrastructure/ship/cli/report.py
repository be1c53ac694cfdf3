"""What a run of a workflow tells people: a build, a plan, the tests' coverage, an environment.

Each report is Markdown. On GitHub it goes to the job's summary as well, and what later steps
need of it to the step's outputs.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ship import output
from ship.build import builder as builds
from ship.build import tree
from ship.build.manifest import ZIP
from ship.cli import commands
from ship.environments.terraform import kind_of
from ship.errors import ShipError

if TYPE_CHECKING:
    from ship.build.builder import Build
    from ship.environments.context import Context

ZIP_BUDGET = 2_000_000
# Against the same measurement of main, on the same machine: absolute times move too much.
IMPORT_BUDGET = 1.25
COVERAGE_BUDGET = 90.0
_IMPORTS = 15
_IMPORT = """
import sys, time
sys.path.insert(0, sys.argv[1])
started = time.process_time()
import lambda_adapter.handler
print(time.process_time() - started)
"""
# What holds data, or an address that people know: made anew, it comes back empty or elsewhere.
_STATEFUL = frozenset(
    {
        "aws_apigatewayv2_api",
        "aws_cloudfront_distribution",
        "aws_cloudwatch_log_group",
        "aws_kms_key",
        "aws_s3_bucket",
        "aws_ssm_parameter",
    }
)
_POLICIES = ("policy", "assume_role_policy")
_SIGNS = {"create": "+", "update": "~", "delete": "-", "replace": "±"}


@dataclass(frozen=True)
class Report:
    """Markdown for people, and outputs for the steps after it."""

    text: str
    outputs: dict[str, str] = field(default_factory=dict)


def publish(report: Report, context: Context, out: Path | None) -> None:
    """Print a report, and put it where GitHub shows it and where `out` says."""
    output.result({}, report.text, as_json=False)
    if summary := context.settings.inherited.get("GITHUB_STEP_SUMMARY"):
        _append(Path(summary), f"{report.text}\n\n")
    tell_step(context, report.outputs)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(f"{report.text}\n\n", encoding="utf-8")


def tell_step(context: Context, outputs: dict[str, str]) -> None:
    """Set outputs of the step that this command is; elsewhere than on GitHub it does nothing."""
    if path := context.settings.inherited.get("GITHUB_OUTPUT"):
        lines = [f"{name}={value}\n" for name, value in outputs.items()]
        _append(Path(path), "".join(lines))


def build(context: Context, against: str | None) -> Report:
    """What `dist/` holds: release, digest, the zip's size and import time, beside another commit's.

    Raises:
        ShipError: there is no build, or a budget is exceeded.
    """
    made = builds.load(context.project.root / "dist").verified()
    digest = hashlib.sha256((made.folder / "manifest.json").read_bytes()).hexdigest()
    with TemporaryDirectory() as work:
        compared = [made, _build_of(context, against, Path(work))] if against else [made]
        sizes = [_zip_bytes(one) for one in compared]
        times = _import_seconds(context, compared)
    lines = [
        f"### Build `{made.manifest.release}`",
        "",
        "| | this | before | budget |",
        "|---|---|---|---|",
        _row("zip", [f"{size / 1e6:.2f} MB" for size in sizes], f"{ZIP_BUDGET / 1e6:.2f} MB"),
        _row(
            "import", [f"{time * 1e3:.0f} ms" for time in times], f"{IMPORT_BUDGET:.0%} of before"
        ),
    ]
    _check_budgets(sizes, times)
    return Report("\n".join(lines), {"release": made.manifest.release, "digest": digest})


def environment(context: Context, name: str) -> Report:
    """What is live in an environment, where it is, and what a rollback could go to."""
    found = commands.status(context, name)
    entries = commands.history(context, name, 1)
    last = entries[0] if entries else None
    lines = [
        f"### {name}: `{found['release'] or 'nothing is live'}`",
        "",
        f"[Site]({found['site_url']}) · [API]({found['api_url']}/api/version)",
    ]
    if last:
        took = f" after {last['seconds']:.1f} s" if last["seconds"] else ""
        lines += ["", f"Last: {last['event']} `{last['release']}`{took}. {last['reason']}".rstrip()]
    if found["frozen"]:
        lines += ["", f"**Frozen** by {found['frozen']['by']}: {found['frozen']['reason']}"]
    if found["rollback_candidates"]:
        lines += ["", "A rollback may go to:", ""]
        lines += [f"- `{release}`" for release in found["rollback_candidates"]]
    return Report("\n".join(lines), {"url": found["site_url"], "release": found["release"] or ""})


def coverage(path: Path) -> Report:
    """How much of the sources the tests reach, from coverage's JSON report.

    Raises:
        ShipError: the file is missing, or the share is under its budget.
    """
    try:
        share = float(json.loads(path.read_bytes())["totals"]["percent_covered"])
    except (OSError, ValueError, KeyError) as error:
        raise ShipError(
            f"{path} is not coverage's JSON report ({error!r})",
            "make it with `make test ARGS=--cov-report=json:FILE`",
        ) from error
    if share < COVERAGE_BUDGET:
        raise ShipError(f"the tests reach {share:.1f} %", f"bring it to {COVERAGE_BUDGET:.0f} %")
    return Report(
        f"### Coverage {share:.1f} %\n\nBranches count; the budget is {COVERAGE_BUDGET} %."
    )


def plan(context: Context, name: str, path: Path) -> Report:
    """What a kept plan would change in an environment, the dangerous first."""
    return Report(plan_text(name, context.stack(name).show(path)))


def plan_text(name: str, planned: dict[str, Any]) -> str:
    """The report on a plan, as `terraform show -json` tells it."""
    changes = [change for change in planned.get("resource_changes", []) if kind_of(change)]
    counts = {sign: sum(kind_of(change) == kind for change in changes) for kind, sign in _kinds()}
    title = ", ".join(f"{sign}{count}" for sign, count in counts.items() if count)
    lines = [f"### {name}: {title or 'no change'}"]
    for change in changes:
        kind, address = kind_of(change), change["address"]
        if change["type"] in _STATEFUL and kind in ("replace", "delete"):
            lines += ["", f"**Data or address is lost:** `{address}` ({kind})"]
    for change in changes:
        for widened in _widened(change):
            lines += ["", f"**Rights are widened:** `{change['address']}` {widened}"]
    if changes:
        lines += ["", "```diff"]
        lines += [f"{_SIGNS[kind_of(change)]} {change['address']}" for change in changes]
        lines += ["```"]
    return "\n".join(lines)


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


# --- builds ---


def _row(name: str, values: list[str], budget: str) -> str:
    before = values[1] if len(values) > 1 else ""
    return f"| {name} | {values[0]} | {before} | {budget} |"


def _zip_bytes(made: Build) -> int:
    return made.manifest.files[ZIP].size


def _build_of(context: Context, commit: str, work: Path) -> Build:
    """Build another commit, in a checkout of its own."""
    tree.check_out(context.project.root, work / "checkout")
    command = ["git", "-C", str(work / "checkout"), "checkout", "--quiet", "--detach", commit, "--"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise ShipError(f"there is no commit {commit}", "fetch the whole history (fetch-depth: 0)")
    source = tree.describe(work / "checkout")
    caches = context.project.home / "cache"
    return builds.make(work / "checkout", context.tools, source, work / "dist", caches)


def _import_seconds(context: Context, compared: list[Build]) -> list[float]:
    """How long the handler's import computes in each build, as its zip ships it: the best of some.

    Processor time, and in turns: what else the machine does shall not make a change look slow.
    """
    with TemporaryDirectory() as work:
        folders = [str(Path(work) / str(number)) for number in range(len(compared))]
        for folder, made in zip(folders, compared, strict=True):
            with zipfile.ZipFile(made.folder / ZIP) as archive:
                archive.extractall(folder)
        rounds = [[_import_once(context, one) for one in folders] for _ in range(_IMPORTS)]
    return [min(times) for times in zip(*rounds, strict=True)]


def _import_once(context: Context, folder: str) -> float:
    done = subprocess.run(
        [str(context.tools.python), "-I", "-c", _IMPORT, folder],
        env={"PATH": os.defpath, "ENVIRONMENT": "dev", "PARAMETER_PREFIX": "/none/public"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise ShipError(
            f"the handler cannot be imported from the zip: {said[-1] if said else 'no message'}",
            "import lambda_adapter.handler in a Python shell, and mend what fails",
        )
    return float(done.stdout)


def _check_budgets(sizes: list[int], times: list[float]) -> None:
    if sizes[0] > ZIP_BUDGET:
        raise ShipError(
            f"the zip has {sizes[0] / 1e6:.2f} MB, its budget is {ZIP_BUDGET / 1e6:.2f} MB",
            "look at what was added to the backend's packages",
        )
    if len(times) > 1 and times[0] > times[1] * IMPORT_BUDGET:
        raise ShipError(
            f"the handler's import takes {times[0] * 1e3:.0f} ms, before it took "
            f"{times[1] * 1e3:.0f} ms; the budget is {IMPORT_BUDGET:.0%} of that",
            "find the costly import with `python -X importtime -c 'import lambda_adapter.handler'`",
        )


# --- plans ---


def _kinds() -> list[tuple[str, str]]:
    return list(_SIGNS.items())


def _widened(change: dict[str, Any]) -> list[str]:
    """What a changed policy newly allows, or no longer denies."""
    found = []
    for name in _POLICIES:
        if name in (change["change"].get("after_unknown") or {}):
            found.append(f"(its {name} is known only after the apply)")
        before = _statements(change["change"].get("before"), name)
        after = _statements(change["change"].get("after"), name)
        new, gone = after - before, before - after
        found += [f"allows {what}" for effect, what in sorted(new) if effect == "Allow"]
        found += [f"no longer denies {what}" for effect, what in sorted(gone) if effect == "Deny"]
    return found


def _statements(values: dict[str, Any] | None, name: str) -> set[tuple[str, str]]:
    """Each statement of a policy taken apart: effect, and one action on one resource."""
    try:
        document = json.loads((values or {}).get(name) or "{}")
    except ValueError:
        return set()
    return {
        (statement["Effect"], f"{action} on {resource}{_condition(statement)}")
        for statement in _listed(document.get("Statement"))
        for action in _listed(statement.get("Action") or statement.get("NotAction"))
        for resource in _listed(statement.get("Resource") or statement.get("NotResource") or "-")
    }


def _condition(statement: dict[str, Any]) -> str:
    told = {
        key: statement[key]
        for key in ("Condition", "NotAction", "NotResource", "Principal")
        if key in statement
    }
    return f" ({json.dumps(told, sort_keys=True)})" if told else ""


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
