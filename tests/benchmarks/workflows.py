"""How long the workflows take: merge → production, rollback, and a pull request's longest chain.

Run it with `python -m tests.benchmarks.workflows` in a checkout that is set up for tests. The files
are executed by act on this machine, against an emulator of their own, with the bake times of
tests/fixtures/project.toml. `make check` and `make test` do nothing there: add what they take.
"""

import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.e2e.sandbox import Sandbox, clone, free_ports, git
from tests.workflows.fake_github import serving
from tests.workflows.files import Job, Workflows
from tests.workflows.runner import Actions, Result, quicken


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        sandbox = Sandbox(clone(home / "checkout"), free_ports())
        quicken(sandbox)
        try:
            sandbox.json("up")
            with serving(sandbox.project) as github:
                _report(*_measure(Actions(sandbox, home, github)))
        finally:
            sandbox.call("down")


def _measure(actions: Actions) -> tuple[Result, Result, Result]:
    root = actions.sandbox.root
    actions.sandbox.edit("measured")
    actions.sandbox.commit("Measured")
    merged = actions.push(git(root, "rev-parse", "main"))
    chosen = {"action": "rollback", "environment": "production", "release": ""}
    back = actions.dispatch("operate.yml", **chosen, reason="measured")
    git(root, "checkout", "--quiet", "-b", "change")
    actions.sandbox.edit("changed")
    actions.sandbox.commit("Changed")
    git(root, "checkout", "--quiet", "main")
    asked = actions.pull_request(1, "change")
    for result in (merged, back, asked):
        assert result.status == 0, result.text
    return merged, back, asked


def _report(merged: Result, back: Result, asked: Result) -> None:
    console, files = Console(), Workflows.read()
    for title, result in (("deploy", merged), ("rollback", back), ("pull request", asked)):
        table = Table(title, "seconds")
        for job in sorted({job for job, _ in result.seconds}):
            table.add_row(job, f"{_seconds(result, job):.1f}")
        console.print(table)
    # One environment waits for the other: the sum is the chain.
    console.print(f"merge → production {_sum(merged):.1f} s, rollback {_sum(back):.1f} s")
    jobs = {job.name: job for job in files.jobs if job.file == "pull-request.yml"}
    chain = _longest(jobs, asked, "verdict")
    text = " → ".join(f"{name} {seconds:.1f}" for name, seconds in chain)
    console.print(f"pull request {sum(s for _, s in chain):.1f} s: {text}")


def _seconds(result: Result, job: str) -> float:
    return sum(seconds for (name, _), seconds in result.seconds.items() if name == job)


def _sum(result: Result) -> float:
    return sum(result.seconds.values())


def _longest(jobs: dict[str, Job], result: Result, name: str) -> list[tuple[str, float]]:
    """The chain of jobs that a job waits for, whose seconds sum up to the most; it comes last."""
    title = str(jobs[name].body.get("name", name)).partition("${{")[0]
    runs = {run for run, _ in result.seconds if run.rpartition("/")[2].startswith(title)}
    own = max((_seconds(result, run) for run in runs), default=0.0)
    needed = [_longest(jobs, result, one) for one in jobs[name].needs]
    longest = max(needed, key=lambda chain: sum(s for _, s in chain), default=[])
    return [*longest, (name, own)]


if __name__ == "__main__":
    main()
