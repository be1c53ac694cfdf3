"""What GitHub's actions and its command line do for a job, done on this machine.

    github-edge checkout|upload-artifact|download-artifact|…   (by the stand-ins in actions/)
    gh attestation verify … | gh api …

A job's own word on itself (`DOUBLE_JOB`) goes to the double, which decides what it may do.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

_STS = "{https://sts.amazonaws.com/doc/2011-06-15/}"


def main() -> None:
    if Path(sys.argv[0]).name == "gh" or sys.argv[1] == "gh":
        _gh(sys.argv[2:] if sys.argv[1] == "gh" else sys.argv[1:])
        return
    _ACTIONS[sys.argv[1]]()


def _input(name: str) -> str:
    return os.environ[f"INPUT_{name}"]


def _double(method: str, path: str, body: Any = None) -> Any:
    """Call the double of GitHub; what it refuses ends the step."""
    request = urllib.request.Request(
        os.environ["DOUBLE_URL"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"X-Job": os.environ["DOUBLE_JOB"]},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        sys.exit(f"GitHub refuses {method} {path}: {error.read().decode()} (HTTP {error.code})")


# --- actions/checkout ---


def _checkout() -> None:
    """Fetch the run's commit, or another, as deep as asked; lay the machine's tools beside it."""
    commit = _input("REF") or os.environ["DOUBLE_COMMIT"]
    origin = os.environ["DOUBLE_REPOSITORY"]
    depth = int(_input("FETCH_DEPTH"))
    _git("init", "--quiet", "--initial-branch=main", ".")
    shallow = [f"--depth={depth}"] if depth else []
    _git("fetch", "--quiet", *shallow, f"file://{origin}", commit)
    _git("checkout", "--quiet", "--detach", commit)
    _lay_out_tools()


def _lay_out_tools() -> None:
    """What an image with warm tools would spare the set-up, which checks it all the same."""
    prepared = Path(os.environ["DOUBLE_TOOLS"])
    Path(".ship").mkdir()
    tools = json.loads((prepared / ".ship/tools.json").read_text())
    tools["root"] = str(Path.cwd().resolve())
    Path(".ship/tools.json").write_text(json.dumps(tools))
    Path(".venv").symlink_to(prepared / ".venv")
    Path(".ship/venvs").symlink_to(prepared / ".ship/venvs")
    # An emulator's doors are given out in the folder of its own checkout.
    Path(".ship/emulator").symlink_to(Path(os.environ["DOUBLE_REPOSITORY"]) / ".ship/emulator")
    Path(".git/info/exclude").write_text(".venv\n")


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True)


# --- artifacts: they live as long as the run, through all its attempts ---


def _artifacts() -> Path:
    return Path(os.environ["DOUBLE_HOME"]) / "artifacts" / os.environ["GITHUB_RUN_ID"]


def _upload() -> None:
    source, target = Path(_input("PATH")), _artifacts() / _input("NAME")
    if not source.exists():
        sys.exit(f"no files were found at {source}")
    if target.exists():
        if _input("OVERWRITE") != "true":
            sys.exit(f"an artifact {target.name} exists already")
        shutil.rmtree(target)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        target.mkdir(parents=True)
        shutil.copy2(source, target)


def _download() -> None:
    name, pattern = _input("NAME"), _input("PATTERN")
    folders = [_artifacts() / name] if name else sorted(_artifacts().glob(pattern))
    if not folders or not folders[0].is_dir():
        sys.exit(f"there is no artifact {name or pattern}")
    merged = bool(name) or _input("MERGE_MULTIPLE") == "true"
    for folder in folders:
        target = Path(_input("PATH")) / ("" if merged else folder.name)
        shutil.copytree(folder, target, dirs_exist_ok=True)


# --- attestations ---


def _attest() -> None:
    for line in _input("SUBJECT_PATH").split():
        _double("POST", "/attestations", {"digest": _digest(Path(line))})


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- credentials: the token is GitHub's double's, the exchange is real ---


def _credentials() -> None:
    token = _double("GET", "/token?audience=sts.amazonaws.com")["value"]
    role, account = _input("ROLE_TO_ASSUME"), _input("ALLOWED_ACCOUNT_IDS")
    if account and f":{account}:" not in role:
        sys.exit(f"{role} is not in account {account}")
    found = _assume(role, token)
    names = {
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
        "AWS_REGION": _input("AWS_REGION"),
        "AWS_DEFAULT_REGION": _input("AWS_REGION"),
    }
    with Path(os.environ["GITHUB_ENV"]).open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in names.items())


def _assume(role: str, token: str) -> dict[str, str]:
    query = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": "GitHubActions",
        "WebIdentityToken": token,
        "DurationSeconds": "3600",
    }
    request = urllib.request.Request(
        os.environ["AWS_ENDPOINT_URL"],
        data=urllib.parse.urlencode(query).encode(),
        headers={"Host": "sts.amazonaws.com"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            document = ElementTree.fromstring(response.read())  # noqa: S314 - the emulator's own
    except urllib.error.HTTPError as error:
        said = re.search(r"<Message>(.*?)</Message>", error.read().decode(), re.DOTALL)
        sys.exit(f"could not assume {role}: {said.group(1) if said else error}")
    credentials = document.find(f".//{_STS}Credentials")
    assert credentials is not None
    return {item.tag.removeprefix(_STS): item.text or "" for item in credentials}


# --- github/codeql-action ---


def _findings() -> None:
    _double("POST", "/findings", json.loads(Path(_input("SARIF_FILE")).read_bytes()))


# --- gh ---


def _gh(arguments: list[str]) -> None:
    if arguments[:2] == ["attestation", "verify"]:
        _verify(arguments[2:])
    elif arguments[:1] == ["api"]:
        _api(arguments[1:])
    else:
        sys.exit(f"this gh does not know {arguments}")


def _verify(arguments: list[str]) -> None:
    parser = ArgumentParser()
    parser.add_argument("path", type=Path)
    for name in ("repo", "signer-workflow", "source-ref", "source-digest"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--deny-self-hosted-runners", action="store_true")
    asked = parser.parse_args(arguments)
    found = _double("GET", f"/attestations/{_digest(asked.path)}")
    wanted = {
        "repository": asked.repo,
        "workflow": asked.signer_workflow,
        "ref": asked.source_ref,
        "commit": asked.source_digest,
    }
    if found != wanted:
        sys.exit(f"attested is {found}, not {wanted}")


def _api(arguments: list[str]) -> None:
    """Call the double as `gh api` calls GitHub: its answer on standard output, its refusal not."""
    parser = ArgumentParser()
    parser.add_argument("--method", required=True)
    parser.add_argument("path")
    parser.add_argument("--input", choices=["-"])
    asked = parser.parse_args(arguments)
    if not os.environ.get("GH_TOKEN"):
        sys.exit("gh: To use GitHub CLI in a GitHub Actions workflow, set GH_TOKEN")
    body = json.load(sys.stdin) if asked.input else None
    json.dump(_double(asked.method, f"/{asked.path}", body), sys.stdout)


_ACTIONS = {
    "checkout": _checkout,
    "upload-artifact": _upload,
    "download-artifact": _download,
    "attest-build-provenance": _attest,
    "configure-aws-credentials": _credentials,
    "upload-sarif": _findings,
}

if __name__ == "__main__":
    main()
