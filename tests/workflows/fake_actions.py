"""What GitHub's actions and its command line do for a job, done on this machine.

    fake-action actions/checkout   (by the actions that `install` makes; their inputs in `INPUTS`)
    gh attestation verify … | gh api …

What the job may do (`FAKE_JOB`) goes to the fake GitHub, which decides.
"""

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any


def _github(method: str, path: str, body: Any = None) -> Any:
    """Call the fake GitHub; what it refuses ends the step."""
    request = urllib.request.Request(
        os.environ["FAKE_GITHUB"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"X-Job": os.environ["FAKE_JOB"], "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.loads(response.read() or "null")
    except urllib.error.HTTPError as error:
        sys.exit(f"GitHub refuses {method} {path}: {error.read().decode()} (HTTP {error.code})")


def _checkout(inputs: dict[str, str]) -> None:
    """Fetch the run's commit, or another, as deep as asked; lay the machine's tools beside it."""
    origin, tools = Path(os.environ["FAKE_ORIGIN"]), Path(os.environ["FAKE_TOOLS"])
    commit, depth = inputs["ref"] or os.environ["FAKE_COMMIT"], int(inputs["fetch-depth"])
    shallow = [f"--depth={depth}"] if depth else []
    for command in (
        ["init", "--quiet", "--initial-branch=main", "."],
        ["fetch", "--quiet", *shallow, f"file://{origin}", commit],
        ["checkout", "--quiet", "--detach", commit],
    ):
        subprocess.run(["git", *command], check=True)
    Path(".ship").mkdir()
    found = json.loads((tools / ".ship/tools.json").read_text())
    Path(".ship/tools.json").write_text(json.dumps(found | {"root": str(Path.cwd().resolve())}))
    Path(".venv").symlink_to(tools / ".venv")
    Path(".ship/venvs").symlink_to(tools / ".ship/venvs")
    # The emulator notes in its own checkout's folder which ports previews have.
    Path(".ship/emulator").symlink_to(origin / ".ship/emulator")
    Path(".git/info/exclude").write_text(".venv\n")


def _artifacts() -> Path:
    """They live as long as the run, through all its attempts."""
    return Path(os.environ["FAKE_HOME"]) / "artifacts" / os.environ["GITHUB_RUN_ID"]


def _upload(inputs: dict[str, str]) -> None:
    source, target = Path(inputs["path"]), _artifacts() / inputs["name"]
    if not source.exists():
        sys.exit(f"no files were found at {source}")
    if target.exists():
        if inputs["overwrite"] != "true":
            sys.exit(f"an artifact {target.name} exists already")
        shutil.rmtree(target)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        target.mkdir(parents=True)
        shutil.copy2(source, target)


def _download(inputs: dict[str, str]) -> None:
    name = inputs["name"]
    # Of a pattern that nothing matches GitHub's action says nothing, and makes no folder.
    folders = [_artifacts() / name] if name else sorted(_artifacts().glob(inputs["pattern"]))
    if name and not folders[0].is_dir():
        sys.exit(f"there is no artifact {name}")
    merged = name or inputs["merge-multiple"] == "true"
    for folder in folders:
        target = Path(inputs["path"]) / ("" if merged else folder.name)
        shutil.copytree(folder, target, dirs_exist_ok=True)


def _attest(inputs: dict[str, str]) -> None:
    """Sign a digest, of where it came from or of its SBOM; the action wants its name, too."""
    algorithm, _, digest = inputs["subject-digest"].partition(":")
    if algorithm != "sha256" or len(digest) != 64 or not inputs["subject-name"]:
        sys.exit(f"nothing can be attested of {inputs}")
    statement: dict[str, Any] = {
        "subject": [{"name": inputs["subject-name"], "digest": {"sha256": digest}}],
        "predicateType": "https://slsa.dev/provenance/v1",
    }
    if path := inputs["sbom-path"]:
        if json.loads(Path(path).read_text()).get("bomFormat") != "CycloneDX":
            sys.exit(f"{path} is no SBOM")
        statement["predicateType"] = "https://cyclonedx.org/bom"
    envelope = {"payload": _encode(json.dumps(statement).encode())}
    bundle = {"mediaType": "application/json", "dsseEnvelope": envelope}
    _github("POST", f"{_repository()}/attestations", {"bundle": bundle})


def _repository() -> str:
    return f"/repos/{os.environ['GITHUB_REPOSITORY']}"


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _credentials(inputs: dict[str, str]) -> None:
    """The token is the fake GitHub's; the exchange at the emulator's STS is real."""
    from ship.aws import Account, assume
    from ship.errors import ShipError

    token = _github("GET", "/token?audience=sts.amazonaws.com")["value"]
    arn, region = inputs["role-to-assume"], inputs["aws-region"]
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
    if not re.fullmatch(r"[\w+=,.@-]{2,64}", inputs["role-session-name"], re.ASCII):
        sys.exit(f"{inputs['role-session-name']!r} is no name of a session")
    account, _, role = arn.removeprefix("arn:aws:iam::").partition(":role/")
    if account != inputs["allowed-account-ids"]:
        sys.exit(f"{arn} is not in account {inputs['allowed-account-ids']}")
    try:
        found = assume(Account(account, region, os.environ["AWS_ENDPOINT_URL"]), role, token)
    except ShipError as error:
        sys.exit(str(error))
    regions = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    with Path(os.environ["GITHUB_ENV"]).open("a") as file:
        file.writelines(f"{key}={value}\n" for key, value in (found.variables() | regions).items())


def _findings(inputs: dict[str, str]) -> None:
    data = Path(inputs["sarif_file"]).read_bytes()
    json.loads(data)
    commit, ref = os.environ["GITHUB_SHA"], os.environ["GITHUB_REF"]
    body = {"commit_sha": commit, "ref": ref, "sarif": _encode(gzip.compress(data))}
    _github("POST", f"{_repository()}/code-scanning/sarifs", body)


def _review(inputs: dict[str, str]) -> None:
    pull = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_bytes())["pull_request"]
    path = f"{pull['base']['sha']}...{pull['head']['sha']}"
    _github("GET", f"{_repository()}/dependency-graph/compare/{path}")


# Each action's inputs that matter here, with the defaults of its `action.yml`.
ACTIONS: dict[str, tuple[Callable[[dict[str, str]], None], dict[str, str]]] = {
    "actions/checkout": (_checkout, {"fetch-depth": "1", "ref": ""}),
    "actions/upload-artifact": (_upload, {"name": "", "path": "", "overwrite": "false"}),
    "actions/download-artifact": (
        _download,
        {"name": "", "pattern": "", "path": ".", "merge-multiple": "false"},
    ),
    "actions/attest": (_attest, {"subject-name": "", "subject-digest": "", "sbom-path": ""}),
    "actions/dependency-review-action": (_review, {"fail-on-severity": "low"}),
    "aws-actions/configure-aws-credentials": (
        _credentials,
        {
            "role-to-assume": "",
            "role-session-name": "GitHubActions",
            "aws-region": "",
            "allowed-account-ids": "",
        },
    ),
    "github/codeql-action/upload-sarif": (_findings, {"sarif_file": ""}),
}


def install(home: Path, used: set[str]) -> dict[str, str]:
    """Make the commands in `bin`, and a repository for each action; where each pin lies."""
    for name, first in (("gh", "gh "), ("fake-action", "")):
        path = home / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" {first}"$@"\n')
        path.chmod(0o755)
    made = {}
    for action, _, commit in (one.partition("@") for one in used):
        owner, name, *path_in_it = action.split("/")
        repository = home / "actions" / owner / name
        step = {
            "shell": "bash",
            "env": {"INPUTS": "${{ toJSON(inputs) }}"},
            "run": f"fake-action {action}",
        }
        document = {
            "name": action,
            "description": "A fake",
            "inputs": {key: {"default": value} for key, value in ACTIONS[action][1].items()},
            "runs": {"using": "composite", "steps": [step]},
        }
        folder = repository.joinpath(*path_in_it)
        folder.mkdir(parents=True)
        (folder / "action.yml").write_text(json.dumps(document))
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        for command in (["init"], ["add", "--all"], [*identity, "commit", "--message", "Fake"]):
            subprocess.run(["git", *command], cwd=repository, check=True, capture_output=True)
        made[f"{owner}/{name}@{commit}"] = str(repository)
    return made


def _gh(arguments: list[str]) -> None:
    if not os.environ.get("GH_TOKEN"):
        sys.exit("gh: To use GitHub CLI in a GitHub Actions workflow, set GH_TOKEN")
    parser = ArgumentParser()
    if arguments[:2] == ["attestation", "verify"]:
        parser.add_argument("path")
        for name in ("repo", "signer-workflow", "source-ref", "source-digest"):
            parser.add_argument(f"--{name}", required=True)
        parser.add_argument("--deny-self-hosted-runners", action="store_true")
        given = parser.parse_args(arguments[2:])
        path = f"/repos/{given.repo}/attestations/sha256:{_digest(given.path)}"
        found = _github("GET", path)["attestations"][0]["bundle"]["verificationMaterial"]
        wanted = {
            "repository": given.repo,
            "workflow": given.signer_workflow,
            "ref": given.source_ref,
            "commit": given.source_digest,
            # What gh asks for unless it is told otherwise.
            "predicate": "https://slsa.dev/provenance/v1",
        }
        if found != wanted:
            sys.exit(f"attested is {found}, not {wanted}")
    elif arguments[:1] == ["api"]:
        parser.add_argument("--method", required=True)
        parser.add_argument("path")
        parser.add_argument("--input", choices=["-"])
        given = parser.parse_args(arguments[1:])
        body = json.load(sys.stdin) if given.input else None
        if (found := _github(given.method, f"/{given.path}", body)) is not None:
            json.dump(found, sys.stdout)
    else:
        sys.exit(f"this gh does not know {arguments}")


if __name__ == "__main__":
    if sys.argv[1] == "gh":
        _gh(sys.argv[2:])
    else:
        ACTIONS[sys.argv[1]][0](json.loads(os.environ["INPUTS"]))
