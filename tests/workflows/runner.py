"""The real workflow files, executed by `act` on this machine, with GitHub's edge doubled.

`act` gets copies that differ from the files in three ways only: each job carries what its own
file says of it (`DOUBLE_JOB`), for the doubles to read; `queue:` and `$/` are written in the
older syntax that this version of `act` knows.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.sandbox import ENVIRONMENTS, ROOT, Sandbox, git
from tests.workflows.github import GitHub, Run
from tests.workflows.model import PINS, Workflows

HERE = Path(__file__).parent
ACT = Path(sys.executable).with_name("act")
_FOREIGN = re.compile(r"^(AWS_|GITHUB_|ACTIONS_|RUNNER_|SHIP_|CI$)")
_LONGEST = 600.0
_VARIABLES = {
    "AWS_ACCOUNT_ID": "000000000000",
    "AWS_REGION": "eu-central-1",
    "PROJECT": "serverless-flask",
}


@dataclass
class Result:
    """What a run came to: each job's end, each step's, their log and summaries."""

    number: int
    status: int
    jobs: dict[str, str] = field(default_factory=dict)
    steps: dict[tuple[str, str], str] = field(default_factory=dict)
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)
    summaries: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.log)

    def told(self, job: str) -> str:
        """A job's summary, found by the last part of its name."""
        return "".join(text for name, text in self.summaries.items() if name.endswith(job))

    def is_finished(self, job: str) -> str:
        """How a job ended; empty when it never ran."""
        return next((end for name, end in self.jobs.items() if name.endswith(job)), "")

    def step(self, job: str, step: str) -> str:
        """How a step of a job ended; empty when it never ran."""
        found = (
            end for (name, title), end in self.steps.items() if (job in name, title) == (True, step)
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
        if line.get("command") == "summary":
            self.summaries[job] = self.summaries.get(job, "") + line["content"]
        if line.get("level") in ("error", "fatal"):
            self.log.append(f"{job}: {line['msg']}\n")


@dataclass
class Hold:
    """Where a run stops, as on a machine that hangs, until it may go on."""

    at: tuple[str, str]
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def hang(self, act: int) -> None:
        """Let the steps of an `act` that runs stand still until they may go on."""
        steps = _children(act)
        _send(steps, signal.SIGSTOP)
        self.reached.set()
        self.go_on.wait(_LONGEST)
        _send(steps, signal.SIGCONT)


class Actions:
    """GitHub Actions for one repository, on this machine; `first` is the number before its runs."""

    def __init__(self, sandbox: Sandbox, home: Path, github: GitHub, first: int = 1000) -> None:
        self.sandbox = sandbox
        self.github = github
        self._home = home
        self._number = first
        self._actions = _stand_ins(home / "actions")
        _commands(home / "bin")
        git(sandbox.root, "config", "uploadpack.allowAnySHA1InWant", "true")

    def push(self, commit: str, **options: Any) -> Result:
        """What a push of a commit to main starts."""
        payload = {"ref": "refs/heads/main", "after": commit}
        return self.run("deploy.yml", "push", commit, payload, **options)

    def dispatch(self, workflow: str, ref: str = "main", **inputs: str) -> Result:
        """What a person starts by hand."""
        commit = git(self.sandbox.root, "rev-parse", ref)
        payload = {"ref": f"refs/heads/{ref}", "inputs": inputs}
        return self.run(workflow, "workflow_dispatch", commit, payload, ref=f"refs/heads/{ref}")

    def pull_request(
        self,
        number: int,
        branch: str,
        *,
        workflow: str = "pull-request.yml",
        action: str = "opened",
        labels: tuple[str, ...] = (),
        fork: bool = False,
        matrix: str = "",
    ) -> Result:
        """What a pull request starts: GitHub checks out its merge with main.

        Args:
            number: its number.
            branch: its branch.
            workflow: which one of those that it starts.
            action: what happened to it; what is labelled or unlabelled is so with `preview`.
            labels: the labels that it has then.
            fork: whether it comes from a fork.
            matrix: the only combination of a matrix that runs.
        """
        root = self.sandbox.root
        base, head = git(root, "rev-parse", "main"), git(root, "rev-parse", branch)
        tree = git(root, "merge-tree", "--write-tree", base, head)
        identity = ("-c", "user.name=GitHub", "-c", "user.email=noreply@example.org")
        parents = ("-p", base, "-p", head)
        commit = git(root, *identity, "commit-tree", *parents, "-m", f"Merge {number}", tree)
        owner = "somebody-else" if fork else "your-org"
        payload: dict[str, Any] = {
            "action": action,
            "number": number,
            "label": {"name": "preview"} if action in ("labeled", "unlabeled") else None,
            "pull_request": {
                "number": number,
                "state": "closed" if action == "closed" else "open",
                "labels": [{"name": label} for label in labels],
                "title": "$(touch pwned) `touch pwned` ${{ github.token }}",
                "base": {"ref": "main", "sha": base},
                "head": {
                    "ref": branch,
                    "sha": head,
                    "repo": {"full_name": f"{owner}/serverless-flask", "fork": fork},
                },
                "user": {"login": owner},
            },
        }
        ref = f"refs/pull/{number}/merge"
        self.github.pulls[number] = payload["pull_request"]
        return self.run(
            *(workflow, "pull_request", commit, payload),
            ref=ref,
            fork=fork,
            matrix=matrix,
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
        until: tuple[str, str] | None = None,
        hold: Hold | None = None,
        matrix: str = "",
    ) -> Result:
        """Run a workflow to its end.

        Args:
            again: the run whose failed jobs are run again; what succeeded is kept, as on GitHub.
            until: the run is cancelled as soon as this job (the last part of its name) says this.
            hold: the run stands still as soon as its job says so, until it may go on.
            matrix: the only combination of a matrix that runs, for example `environment:dev`.
        """
        self._number += 1
        number = again.number if again else self._number
        attempt = 2 if again else 1
        self.github.run = Run(number, workflow, event, ref, commit, attempt, fork)
        folder = self._checked_out(commit, again)
        event_file = self._home / "event.json"
        repository = {"full_name": "your-org/serverless-flask", "private": False}
        event_file.write_text(json.dumps(payload | {"repository": repository}))
        command = [
            *(ACT, event, "--workflows", f".github/workflows/{workflow}"),
            *("--platform", "ubuntu-24.04=-self-hosted", "--no-skip-checkout", "--json"),
            *("--action-cache-path", self._home / "act", "--no-cache-server"),
            *("--eventpath", event_file, "--actor", "octocat", "--secret", "GITHUB_TOKEN=double"),
            *(("--matrix", matrix) if matrix else ()),
            *_pairs("--local-repository", self._actions),
            *_pairs("--var", _VARIABLES),
            *_pairs("--env", self._environment(commit, ref)),
        ]
        result = Result(number, 0)
        self._execute([str(part) for part in command], folder, result, until, hold)
        self.github.finished[number] = attempt
        self.github.run = None
        return result

    def _execute(
        self,
        command: list[str],
        folder: Path,
        result: Result,
        until: tuple[str, str] | None,
        hold: Hold | None,
    ) -> None:
        inherited = {k: v for k, v in os.environ.items() if not _FOREIGN.match(k)}
        path = f"{self._home / 'bin'}{os.pathsep}{inherited['PATH']}"
        with subprocess.Popen(
            command,
            cwd=folder,
            env=inherited | {"PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                told = json.loads(line) if line.startswith("{") else {"msg": line, "raw_output": 1}
                result.add(told)
                if until and _says(told, *until):
                    threading.Thread(target=_cancel, args=(process,)).start()
                    until = None
                if hold and _says(told, *hold.at):
                    hold.hang(process.pid)
                    hold = None
            result.status = process.wait()

    def _environment(self, commit: str, ref: str) -> dict[str, str]:
        assert self.github.run
        return {
            "GITHUB_RUN_ID": str(self.github.run.number),
            "GITHUB_RUN_ATTEMPT": str(self.github.run.attempt),
            "GITHUB_API_URL": self.github.url,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.sandbox.port}",
            "SHIP_PORT": str(self.sandbox.port),
            "DOUBLE_URL": self.github.url,
            "DOUBLE_HOME": str(self._home),
            "DOUBLE_TOOLS": str(ROOT),
            "DOUBLE_COMMIT": commit,
            "DOUBLE_REPOSITORY": str(self.sandbox.root),
        }

    def _checked_out(self, commit: str, again: Result | None) -> Path:
        """A checkout whose workflow files carry what the doubles have to know."""
        folder = self._home / "run"
        shutil.rmtree(folder, ignore_errors=True)
        git(
            self._home,
            "clone",
            "--quiet",
            "--shared",
            "--no-checkout",
            str(self.sandbox.root),
            "run",
        )
        git(folder, "checkout", "--quiet", "-B", "main", commit)
        git(folder, "remote", "set-url", "origin", "https://github.com/your-org/serverless-flask")
        workflows = folder / ".github/workflows"
        for name, text in copies(Workflows.read(workflows)).items():
            (workflows / name).write_text(text)
        if again:
            path = workflows / "deploy.yml"
            path.write_text(_kept(path.read_text(), self._succeeded(again)))
        return folder

    def _succeeded(self, again: Result) -> dict[str, dict[str, str]]:
        """The jobs of a run that need not run again, and their outputs."""
        manifest = self._home / "artifacts" / str(again.number) / "build/manifest.json"
        from hashlib import sha256

        outputs = {"build": {"digest": sha256(manifest.read_bytes()).hexdigest()}}
        promoted = [e for e in ENVIRONMENTS if again.ended(f"live in {e}") == "success"]
        return {name: outputs.get(name, {}) for name in ("build", "attest", *promoted)}


def _cancel(act: subprocess.Popen[str]) -> None:
    """Cancel a run as GitHub does: interrupt the steps, end them later, run what always runs.

    `act` itself would kill the steps at once. GitHub waits 7.5 s, then 2.5 s; a machine that tests
    other things meanwhile gets more.
    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation
    """
    steps = _children(act.pid)
    for number in (signal.SIGINT, signal.SIGTERM):
        _send(steps, number)
        deadline = time.monotonic() + 30
        while steps & _children(act.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
    act.send_signal(signal.SIGINT)


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


def copies(files: Workflows) -> dict[str, str]:
    """The files as `act` gets them."""
    made = {}
    for file, text in files.texts.items():
        older = re.sub(r"^ +queue: max\n", "", text, flags=re.MULTILINE)
        older = older.replace("uses: $/", "uses: ./")
        for job in files.jobs:
            if job.file == file and job.steps:
                grants = [f"{what}={how}" for what, how in (job.grants or {}).items()]
                word = ";".join([f"environment={job.environment or ''}", *grants])
                quoted = word.replace("'", "''")
                older = _with_variable(older, job.name, f"DOUBLE_JOB: '{quoted}'")
        made[file] = older
    return made


def _with_variable(text: str, job: str, line: str) -> str:
    """Add one line to the `env:` of a job, which may have none yet."""
    start = text.index(f"\n  {job}:\n")
    head, body = text[: start + 1], text[start + 1 :]
    steps = body.index("\n    steps:\n")
    env = body.find("\n    env:\n", 0, steps)
    if env >= 0:
        at = env + len("\n    env:\n")
        return f"{head}{body[:at]}      {line}\n{body[at:]}"
    return f"{head}{body[:steps]}\n    env:\n      {line}{body[steps:]}"


def _kept(text: str, jobs: dict[str, dict[str, str]]) -> str:
    """A file in which some jobs have succeeded already, with the outputs they had."""
    for name, outputs in jobs.items():
        start = text.index(f"\n  {name}:\n") + 1
        following = re.search(r"^  [a-z]+:\n", text[start + 1 :], re.MULTILINE)
        end = start + 1 + following.start() if following else len(text)
        told = "".join(f"      {key}: {value}\n" for key, value in outputs.items())
        body = f"  {name}:\n    runs-on: ubuntu-24.04\n"
        body += f"    outputs:\n{told}" if told else ""
        body += '    steps:\n      - run: "true"\n\n'
        text = text[:start] + body + text[end:]
    return text


def _pairs(option: str, values: dict[str, str]) -> list[str]:
    return [part for key, value in values.items() for part in (option, f"{key}={value}")]


def _stand_ins(folder: Path) -> dict[str, str]:
    """Make a repository of each stand-in; return them by the action and commit they stand for."""
    made = {}
    for action, (_, commit) in PINS.items():
        owner, name, *_ = action.split("/")
        target = folder / owner / name
        if not target.exists():
            shutil.copytree(HERE / "actions" / owner / name, target)
            git(target, "init", "--quiet")
            git(target, "add", "--all")
            identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
            git(target, *identity, "commit", "--quiet", "--message", "Stand in")
        made[f"{owner}/{name}@{commit}"] = str(target)
    return made


def _commands(folder: Path) -> None:
    """What a runner has on its path: GitHub's command line, and the stand-ins' one."""
    folder.mkdir(parents=True)
    for name, argument in (("gh", "gh "), ("github-edge", "")):
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "edge.py"}" {argument}"$@"\n')
        path.chmod(0o755)


def _says(line: dict[str, Any], job: str, words: str) -> bool:
    return str(line.get("job", "")).strip().endswith(job) and words in str(line["msg"])
