"""The real workflow files, executed by `act` on this machine, against a fake GitHub.

`act` gets copies that differ from the files in four ways only: each job carries its environment and
permissions (`FAKE_JOB`), for the fakes to read; `queue:` and `$/`, which this version of `act` does
not know, are left out and written the older way; and of a run that is run again, jobs that
succeeded only hand on their outputs.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.e2e.sandbox import ACCOUNT, ROOT, Sandbox, git, running
from tests.workflows import fake_actions
from tests.workflows.fake_github import GitHub, Run, serving
from tests.workflows.files import Workflows, copies

ACT = Path(sys.executable).with_name("act")
_FOREIGN = re.compile(r"^(AWS_|GITHUB_|ACTIONS_|RUNNER_|SHIP_|CI$)")
_IDENTITY = ("-c", "user.name=GitHub", "-c", "user.email=noreply@example.org")
_PAUSE_SECONDS = 600.0
# What GitHub sends to the steps of a cancelled run, and how long it waits after each (seconds).
CANCELLATION = ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5))
# Checks and tests of a pull request have a run of their own: this one. What stands later wins.
_QUICK = """
check:
\t.venv/bin/python -m compileall -q backend

sarif:
\tmkdir -p test-results
\techo '{"version": "2.1.0", "runs": []}' > test-results/results_sarif.sarif

sbom:
\tmkdir -p sbom
\techo '{"bomFormat": "CycloneDX"}' > sbom/sbom.json

owners-tests:
\t.venv/bin/python -m pytest -q -p no:cacheprovider --confcutdir tests/contract tests/contract

test:
\tmkdir -p test-results
\ttouch test-results/coverage-$(PART)

coverage:
\tls test-results/coverage-units
\techo '{"totals": {"percent_covered": 93.7}}' > test-results/coverage.json
"""


@dataclass
class Result:
    """How a run ended: its jobs, their steps, summaries, annotations (as `level: text`) and log."""

    number: int
    status: int = 0
    jobs: dict[str, str] = field(default_factory=dict)
    steps: dict[tuple[str, str], str] = field(default_factory=dict)
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)
    summaries: dict[str, str] = field(default_factory=dict)
    annotations: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.log)

    def summary(self, job: str) -> str:
        """A job's summary, found by the end of its name."""
        return "".join(text for name, text in self.summaries.items() if name.endswith(job))

    def conclusion(self, job: str, step: str = "") -> str:
        """How a job (found by the end of its name) or its step ended; empty when it never ran."""
        if not step:
            return next((end for name, end in self.jobs.items() if name.endswith(job)), "")
        found = (
            end for (name, title), end in self.steps.items() if name.endswith(job) and title == step
        )
        return next(found, "")

    def add(self, line: dict[str, Any]) -> None:
        """Take in one line of act's log."""
        job, step = str(line.get("job", "")).strip(), str(line.get("step", ""))
        if line.get("raw_output"):
            self.log.append(str(line["msg"]))
        if "jobResult" in line:
            self.jobs[job] = line["jobResult"]
        if "stepResult" in line and line.get("stage") == "Main":
            self.steps[job, step] = line["stepResult"]
            self.seconds[job, step] = line.get("executionTime", 0) / 1e9
        if line.get("command") in ("notice", "warning", "error"):
            self.annotations.append(f"{line['command']}: {line['arg']}")
        if line.get("command") == "summary":
            self.summaries[job] = self.summaries.get(job, "") + line["content"]
        if line.get("level") in ("error", "fatal"):
            self.log.append(f"{job}: {line['msg']}\n")


@dataclass
class Pause:
    """Where a run stops, as on a machine that hangs, until it may go on: a job, and its words."""

    job: str
    words: str
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def hang(self, act: int) -> None:
        """Stop the steps of an `act` that runs until they may go on."""
        steps = _children(act)
        _send(steps, signal.SIGSTOP)
        self.reached.set()
        self.go_on.wait(_PAUSE_SECONDS)
        _send(steps, signal.SIGCONT)


class Actions:
    """GitHub Actions for one repository, on this machine; `first` is the number before its runs."""

    def __init__(self, sandbox: Sandbox, home: Path, github: GitHub, first: int = 1000) -> None:
        self.sandbox = sandbox
        self.github = github
        self._home = home
        self._number = first
        self.tools = home / "bin"
        self._actions = fake_actions.install(home, Workflows.read().actions)
        git(sandbox.root, "config", "uploadpack.allowAnySHA1InWant", "true")

    def push(self, commit: str, **options: Any) -> Result:
        """What a push of a commit to main starts."""
        payload = {"ref": "refs/heads/main", "after": commit}
        return self.run("deploy.yml", "push", commit, payload, **options)

    def schedule(self, workflow: str, **options: Any) -> Result:
        """What the clock starts."""
        return self.run(
            workflow, "schedule", git(self.sandbox.root, "rev-parse", "main"), {}, **options
        )

    def dispatch(self, workflow: str, ref: str = "main", **inputs: str) -> Result:
        """What a person starts by hand."""
        commit, ref = git(self.sandbox.root, "rev-parse", ref), f"refs/heads/{ref}"
        payload = {"ref": ref, "inputs": inputs}
        return self.run(workflow, "workflow_dispatch", commit, payload, ref=ref)

    def pull_request(
        self,
        number: int,
        branch: str,
        *,
        workflow: str = "pull-request.yml",
        action: str = "opened",
        labels: tuple[str, ...] = (),
        fork: bool = False,
        matrix: tuple[str, ...] = (),
    ) -> Result:
        """What a pull request starts: GitHub checks out its merge with main.

        Args:
            number: its number.
            branch: its branch.
            workflow: which one of those that it starts.
            action: what happened to it; the label of `labeled` and `unlabeled` is `preview`.
            labels: the labels that it has then.
            fork: whether it comes from a fork.
            matrix: the only values of a matrix that run.
        """
        root, repository = self.sandbox.root, self.sandbox.project.repository
        base, head = git(root, "rev-parse", "main"), git(root, "rev-parse", branch)
        tree = git(root, "merge-tree", "--write-tree", base, head)
        parents = ("-p", base, "-p", head)
        commit = git(root, *_IDENTITY, "commit-tree", *parents, "-m", f"Merge {number}", tree)
        owner, _, name = repository.partition("/")
        owner = "somebody-else" if fork else owner
        pull: dict[str, Any] = {
            "number": number,
            "state": "closed" if action == "closed" else "open",
            "labels": [{"name": label} for label in labels],
            "title": "$(touch pwned) `touch pwned` ${{ github.token }}",
            "base": {"ref": "main", "sha": base},
            "head": {
                "ref": branch,
                "sha": head,
                "repo": {"full_name": f"{owner}/{name}", "fork": fork},
            },
            "user": {"login": owner},
        }
        payload = {"action": action, "number": number, "pull_request": pull}
        if action in ("labeled", "unlabeled"):
            payload["label"] = {"name": "preview"}
        self.github.pulls[number] = pull
        ref = f"refs/pull/{number}/merge"
        return self.run(
            workflow, "pull_request", commit, payload, ref=ref, fork=fork, matrix=matrix
        )

    def run(
        self,
        workflow: str,
        event: str,
        commit: str,
        payload: dict[str, Any],
        *,
        ref: str = "refs/heads/main",
        fork: bool = False,
        again: Result | None = None,
        cancel_at: tuple[str, str] | None = None,
        pause: Pause | None = None,
        matrix: tuple[str, ...] = (),
    ) -> Result:
        """Run a workflow to its end.

        Args:
            workflow: the name of its file.
            event: what starts it.
            commit: what it runs on.
            payload: what GitHub says about the event.
            ref: the branch, or the merge of a pull request.
            fork: whether its token is a fork's.
            again: the run of Deploy whose failed jobs are run again.
            cancel_at: the run is cancelled as soon as this job (the end of its name) says this.
            pause: where the run stands still for a while.
            matrix: the only values of a matrix that run, for example `environment:dev`.
        """
        self._number += 1
        number, attempt = (again.number, 2) if again else (self._number, 1)
        self.github.run = Run(number, workflow, event, ref, commit, attempt, fork)
        project, folder = self.sandbox.project, self._home / "run"
        shutil.rmtree(folder, ignore_errors=True)
        clone = ("clone", "--quiet", "--shared", "--no-checkout")
        git(self._home, *clone, str(self.sandbox.root), "run")
        git(folder, "checkout", "--quiet", "-B", "main", commit)
        git(folder, "remote", "set-url", "origin", f"https://github.com/{project.repository}")
        finished = self._finished_jobs(again) if again else {}
        for name, text in copies(Workflows.read(folder / ".github/workflows"), finished).items():
            (folder / ".github/workflows" / name).write_text(text)
        event_file = self._home / "event.json"
        repository = {"full_name": project.repository, "private": self.github.settings.private}
        event_file.write_text(json.dumps(payload | {"repository": repository}))
        environment = {
            "GITHUB_RUN_ID": str(number),
            "GITHUB_RUN_ATTEMPT": str(attempt),
            "GITHUB_WORKFLOW_REF": f"{project.repository}/.github/workflows/{workflow}@{ref}",
            "GITHUB_API_URL": self.github.url,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.sandbox.port}",
            "SHIP_PORT": str(self.sandbox.port),
            "FAKE_GITHUB": self.github.url,
            "FAKE_HOME": str(self._home),
            "FAKE_TOOLS": str(ROOT),
            "FAKE_COMMIT": commit,
            "FAKE_ORIGIN": str(self.sandbox.root),
        }
        command = [
            *(str(ACT), event, "--workflows", f".github/workflows/{workflow}"),
            *("--platform", "ubuntu-24.04=-self-hosted", "--no-skip-checkout", "--json"),
            *("--action-cache-path", str(self._home / "act"), "--no-cache-server"),
            *(
                "--eventpath",
                str(event_file),
                "--actor",
                "octocat",
                "--secret",
                "GITHUB_TOKEN=fake",
            ),
            *(part for value in matrix for part in ("--matrix", value)),
            *_options("--local-repository", self._actions),
            *_options("--var", self.github.settings.variables),
            *_options("--env", environment),
        ]
        result = Result(number)
        self._execute(command, folder, result, cancel_at, pause)
        self.github.finished[number] = attempt
        self.github.run = None
        return result

    def _execute(
        self,
        command: list[str],
        folder: Path,
        result: Result,
        cancel_at: tuple[str, str] | None,
        pause: Pause | None,
    ) -> None:
        inherited = {k: v for k, v in os.environ.items() if not _FOREIGN.match(k)}
        path = f"{self.tools}{os.pathsep}{inherited['PATH']}"
        with subprocess.Popen(
            command,
            cwd=folder,
            env=inherited | {"PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for text in process.stdout or ():
                line = json.loads(text) if text.startswith("{") else {"msg": text, "raw_output": 1}
                result.add(line)
                if cancel_at and _says(line, *cancel_at):
                    threading.Thread(target=_cancel, args=(process,)).start()
                    cancel_at = None
                if pause and _says(line, pause.job, pause.words):
                    pause.hang(process.pid)
                    pause = None
            result.status = process.wait()

    def root_client(self, service: str) -> Any:
        """A client that sees all of the account."""
        found = self.sandbox.context.emulator.root()
        return boto3.client(
            service,
            region_name=self.sandbox.project.region,
            endpoint_url=f"http://127.0.0.1:{self.sandbox.port}",
            aws_access_key_id=found.access_key_id,
            aws_secret_access_key=found.secret_access_key,
            config=Config(s3={"addressing_style": "path"}),
        )

    def _finished_jobs(self, again: Result) -> dict[str, dict[str, str]]:
        """The jobs of a run of Deploy that need not run again, and their outputs."""
        manifest = self._home / "artifacts" / str(again.number) / "build/manifest.json"
        live = [
            name
            for name in self.sandbox.project.environments
            if again.conclusion(f"live in {name}") == "success"
        ]
        digest = sha256(manifest.read_bytes()).hexdigest()
        built = {"digest": digest, "release": json.loads(manifest.read_bytes())["release"]}
        return {"build": built} | {name: {} for name in ("attest", *live)}


@contextmanager
def running_actions(factory: pytest.TempPathFactory, name: str) -> Iterator[Actions]:
    """GitHub Actions for a sandbox of its own, whose checks and tests are quick."""
    with running(factory, name) as sandbox, serving(sandbox.project) as github:
        quicken(sandbox)
        github.settings.variables |= {
            "AWS_ACCOUNT_ID": ACCOUNT,
            "AWS_REGION": sandbox.project.region,
            "PROJECT": sandbox.project.name,
        }
        yield Actions(sandbox, factory.mktemp(f"{name}-actions"), github)


def quicken(sandbox: Sandbox) -> None:
    """Replace what `make` does for a pull request by next to nothing, and commit that."""
    with (sandbox.root / "Makefile").open("a") as file:
        file.write(_QUICK)
    sandbox.commit("Check and test quickly")


def _cancel(act: subprocess.Popen[str]) -> None:
    """Cancel a run: end the steps as GitHub does, then have act run what always runs."""
    for pid in _children(act.pid):
        cancel_step(pid)
    act.send_signal(signal.SIGINT)


def cancel_step(pid: int) -> None:
    """End a step as GitHub does: interrupt it, end it later, then kill all that it has started.

    https://github.com/actions/runner/blob/v2.330.0/src/Runner.Sdk/ProcessInvoker.cs
    """
    for number, seconds in CANCELLATION:
        _send({pid}, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not _is_running(pid):
                return
            time.sleep(0.05)
    kill_tree(pid)


def kill_tree(pid: int) -> None:
    """Kill a process and all that it has started, as on a machine that dies."""
    _send({pid}, signal.SIGSTOP)
    for child in _children(pid):
        kill_tree(child)
    _send({pid}, signal.SIGKILL)


def _is_running(pid: int) -> bool:
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(state) and not state.startswith("Z")


def _children(pid: int) -> set[int]:
    """The processes that a process has started and that have not ended."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = (line.split() for line in listed.stdout.splitlines())
    return {int(child) for child, parent in pairs if int(parent) == pid}


def _send(processes: set[int], number: signal.Signals) -> None:
    for pid in processes:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _options(option: str, values: dict[str, str]) -> list[str]:
    return [part for key, value in values.items() for part in (option, f"{key}={value}")]


def _says(line: dict[str, Any], job: str, words: str) -> bool:
    return str(line.get("job", "")).strip().endswith(job) and words in str(line["msg"])
