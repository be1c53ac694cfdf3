"""Reports of a workflow's run in Markdown: a build, an environment, a plan, the tests' coverage."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import zipfile
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ship.build import builder as builds
from ship.build import dependencies, tree
from ship.build.manifest import ZIP
from ship.cli.inspect import read_history, read_status
from ship.cli.local import build_tree
from ship.environments.terraform import changed_attributes, kind_of
from ship.errors import ShipError
from ship.output import Report

if TYPE_CHECKING:
    from ship.build.builder import Build
    from ship.environments.context import Context

# Against the same measurement of another commit on the same machine: absolute times vary too much.
IMPORT_BUDGET = 1.25
# A few tell that it is fast; only many tell that it is slow.
_FEW_ROUNDS, _ROUNDS = 3, 15
_IMPORT = """
import sys, time
sys.path[:0] = sys.argv[1:]
started = time.process_time()
import lambda_adapter.handler
print(time.process_time() - started)
"""
# These hold data, or an address that people know: a new one is empty, or is somewhere else.
_STATEFUL = (
    *("aws_apigatewayv2_api", "aws_cloudfront_distribution", "aws_cloudwatch_log_group"),
    *("aws_dynamodb_table", "aws_kms_key", "aws_s3_bucket", "aws_ssm_parameter"),
)
_SIGNS = {"create": "+", "update": "~", "delete": "-", "replace": "±"}


def report_build(context: Context, against: str) -> Report:
    """What `dist/` holds: release, digest, the zip's size and import time, beside another commit's.

    Raises:
        ShipError: there is no build, or the import takes longer than its budget.
    """
    root, budget = context.project.root, context.project.zip_budget
    build = builds.load(root / "dist").verified()
    digest = hashlib.sha256((build.folder / "manifest.json").read_bytes()).hexdigest()
    with TemporaryDirectory() as folder:
        work = Path(folder)
        compared = [(build, root)]
        if against:
            compared.append((_build_commit(context, against, work), work / "checkout"))
        sizes = [one.manifest.files[ZIP].size for one, _ in compared]
        paths = [
            _unpack(context, one, sources, work / f"unpacked-{number}")
            for number, (one, sources) in enumerate(compared)
        ]
        rounds: list[list[float]] = []
        times: list[float] = []
        try:
            while len(rounds) < _FEW_ROUNDS or (
                len(rounds) < _ROUNDS and times[0] > times[-1] * IMPORT_BUDGET
            ):
                # In turns: whatever else the machine does slows all of them.
                rounds.append([_measure_import(context, path) for path in paths])
                times = [min(one) for one in zip(*rounds, strict=True)]
            shown = [f"{time * 1e3:.0f} ms" for time in times]
        except ShipError as error:
            # An application may need variables that only its function has.
            shown = [str(error)]
    lines = [
        f"### Build `{build.manifest.release}`",
        "",
        "| | this | before | budget |",
        "|---|---|---|---|",
        _row("zip", [f"{size / 1e6:.2f} MB" for size in sizes], f"{budget / 1e6:.2f} MB"),
        _row("import", shown, f"{IMPORT_BUDGET:.0%} of before"),
    ]
    if sizes[0] > budget:
        lines += [
            "",
            "**The zip is larger than its budget:** see what `backend/requirements.txt` adds.",
        ]
    if times[1:] and times[0] > times[1] * IMPORT_BUDGET:
        raise ShipError(
            f"the handler's import takes {times[0] * 1e3:.0f} ms, before it took "
            f"{times[1] * 1e3:.0f} ms; the budget is {IMPORT_BUDGET:.0%} of that",
            "find the costly import with `python -X importtime -c 'import lambda_adapter.handler'`",
        )
    attest = str(context.project.attest).lower()
    outputs = {"release": build.manifest.release, "digest": digest, "attest": attest}
    outputs["zip"] = build.manifest.files[ZIP].sha256
    return Report("\n".join(lines), outputs)


def _row(name: str, values: list[str], budget: str) -> str:
    return f"| {name} | {values[0]} | {values[1] if values[1:] else ''} | {budget} |"


def _build_commit(context: Context, commit: str, work: Path) -> Build:
    checkout = work / "checkout"
    tree.check_out(context.project.root, checkout, context.project.site.sources)
    command = ["git", "-C", str(checkout), "checkout", "--quiet", "--detach", commit, "--"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise ShipError(f"there is no commit {commit}", "fetch the whole history (fetch-depth: 0)")
    return build_tree(context, checkout, work / "dist")


def _unpack(context: Context, build: Build, sources: Path, folder: Path) -> list[str]:
    """Unpack a build's zip; the folders to import from."""
    with zipfile.ZipFile(build.folder / ZIP) as archive:
        archive.extractall(folder / "zip")
    # What is compiled for Lambda's machines this one gets for its own.
    dependencies.install_for_this_machine(
        sources, context.tools, context.project.runtime, build.folder / ZIP, folder / "packages"
    )
    return [*map(str, folder.glob("packages/*")), str(folder / "zip")]


def _measure_import(context: Context, path: list[str]) -> float:
    """Seconds of processor time that importing the handler takes in a fresh interpreter."""
    # -I and -S: nothing but the standard library and the zip can be imported, as on Lambda.
    # https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
    done = subprocess.run(
        [str(context.tools.python), "-I", "-S", "-c", _IMPORT, *path],
        env={"PATH": os.defpath, "ENVIRONMENT": context.project.environments[0]},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ShipError(
            f"not measured: {message}", "import lambda_adapter.handler in a Python shell"
        )
    return float(done.stdout)


def report_environment(context: Context, name: str) -> Report:
    """What is live in an environment, where it is, and where a rollback may go."""
    found = read_status(context, name)
    lines = [
        f"### {name}: `{found['release'] or 'nothing is live'}`",
        "",
        f"[Site]({found['site_url']}) · [Version]({found['site_url']}/-/version)",
    ]
    for last in read_history(context, name, 1):
        took = f" after {last['seconds']:.1f} s" if last["seconds"] else ""
        lines += ["", f"Last: {last['event']} `{last['release']}`{took}. {last['reason']}".rstrip()]
        if last["configuration"]:
            lines += ["", f"Live with it: {last['configuration']}"]
    if found["pending_configuration"]:
        lines += ["", f"**Live with the next deploy:** {found['pending_configuration']}"]
    if found["frozen"]:
        lines += ["", f"**Frozen** by {found['frozen']['by']}: {found['frozen']['reason']}"]
    if found["rollback_candidates"]:
        lines += ["", "A rollback may go to:", ""]
        lines += [f"- `{release}`" for release in found["rollback_candidates"]]
    return Report("\n".join(lines), {"url": found["site_url"], "release": found["release"] or ""})


def report_packages(root: Path) -> Report:
    """The locked versions that differ from the last commit's; empty when none does."""
    rows = []
    for name in tree.run_git(root, "ls-files", "*requirements.txt").decode().split():
        before = tree.run_git(root, "show", f"HEAD:{name}").decode()
        old, new = _versions(before), _versions((root / name).read_text(encoding="utf-8"))
        rows += [
            f"| {name} | {package} | {old.get(package, '')} | {new.get(package, '')} |"
            for package in sorted(old.keys() | new.keys())
            if old.get(package) != new.get(package)
        ]
    if not rows:
        return Report("")
    take = "`make lock UPGRADE=1` takes these versions; commit what it writes, in a pull request."
    head = ["| file | package | locked | would be |", "|---|---|---|---|"]
    return Report("\n".join([take, "", *head, *rows]))


def _versions(lock: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", lock))


def report_coverage(path: Path) -> Report:
    """How much of the sources the tests reach, from coverage's JSON report."""
    try:
        share = json.loads(path.read_bytes())["totals"]["percent_covered"]
        return Report(f"### Coverage {share:.1f} %\n\nOf lines and branches.")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ShipError(
            f"{path} is not coverage's JSON report ({error!r})", "write one with `make coverage`"
        ) from error


def render_plan(name: str, plan: dict[str, Any]) -> str:
    """What a plan, as `terraform show -json` prints it, would change: the dangerous first."""
    changes = [change for change in plan.get("resource_changes", []) if kind_of(change)]
    counts = Counter(map(kind_of, changes))
    title = ", ".join(f"{sign}{counts[kind]}" for kind, sign in _SIGNS.items() if counts[kind])
    lines = [f"### {name}: {title or 'no change'}"]
    for change in changes:
        kind, address = kind_of(change), change["address"]
        if change["type"] in _STATEFUL and kind in ("replace", "delete"):
            lines += ["", f"**Data or address is lost:** `{address}` ({kind})"]
    for change in changes:
        if change["type"] == "aws_lambda_function" and kind_of(change) == "update":
            lines += ["", f"**Live with the next deploy:** {_describe_values(change)}"]
    for change in changes:
        for text in _new_rights(change["change"]):
            lines += ["", f"**Rights are widened:** `{change['address']}` {text}"]
    if changes:
        lines += ["", "```diff"]
        lines += [f"{_SIGNS[kind_of(change)]} {change['address']}" for change in changes]
        lines += ["```"]
    return "\n".join(lines)


def _describe_values(change: dict[str, Any]) -> str:
    """What changes, numbers with their values: what else there is may be a secret."""
    before, after = change["change"]["before"], change["change"]["after"]
    # What only the apply can tell follows from the rest: version, time, ARN.
    names = sorted(changed_attributes(change) & after.keys())
    values = [(name, before.get(name), after[name]) for name in names]
    return ", ".join(
        f"`{name}` {old} → {new}" if isinstance(new, int | float) else f"`{name}`"
        for name, old, new in values
    )


def _new_rights(change: dict[str, Any]) -> list[str]:
    """What a changed policy newly allows, or no longer denies."""
    found = []
    for name in ("policy", "assume_role_policy"):
        if name in (change.get("after_unknown") or {}):
            found.append(f"(its {name} is known only after the apply)")
        before, after = (_rights(change.get(when), name) for when in ("before", "after"))
        found += [f"allows {what}" for effect, what in sorted(after - before) if effect == "Allow"]
        lost = sorted(before - after)
        found += [f"no longer denies {what}" for effect, what in lost if effect == "Deny"]
    return found


def _rights(values: dict[str, Any] | None, name: str) -> set[tuple[str, str]]:
    """The statements of a policy taken apart: an effect, and one action on one resource."""
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    try:
        document = json.loads((values or {}).get(name) or "{}")
    except ValueError:
        return set()
    found = set()
    for statement in _as_list(document.get("Statement")):
        limits = {
            key: statement[key]
            for key in ("Condition", "NotAction", "NotResource", "Principal")
            if key in statement
        }
        suffix = f" ({json.dumps(limits, sort_keys=True)})" if limits else ""
        # A role's trust policy has no resource.
        resources = _as_list(statement.get("Resource") or statement.get("NotResource") or "-")
        for action in _as_list(statement.get("Action") or statement.get("NotAction")):
            for resource in resources:
                found.add((statement["Effect"], f"{action} on {resource}{suffix}"))
    return found


def _as_list(value: Any) -> list[Any]:
    """IAM allows a single value wherever it allows a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
