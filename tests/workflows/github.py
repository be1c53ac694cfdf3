"""A double of GitHub's edge: it mints tokens, and takes what a job's permissions allow."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REPOSITORY = "your-org/serverless-flask"
# How a repository made after 2026-07-15 presents itself.
SUBJECT_PREFIX = "repo:your-org@4711/serverless-flask@815"
ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Run:
    """One attempt of one run of a workflow."""

    number: int
    workflow: str
    event: str
    ref: str
    commit: str
    attempt: int = 1
    fork: bool = False


@dataclass(frozen=True)
class JobWord:
    """What a job's file grants it, and the environment it names."""

    environment: str
    grants: dict[str, str]

    @classmethod
    def parse(cls, text: str, run: Run) -> JobWord:
        """Read it as a copy of the file carries it; a fork's token can only read."""
        pairs = dict(pair.split("=", 1) for pair in text.split(";") if pair)
        environment = pairs.pop("environment", "")
        if run.fork:
            pairs = {k: "read" for k, v in pairs.items() if k != "id-token" and v != "none"}
        return cls(environment, pairs)

    def may(self, what: str, how: str) -> bool:
        granted = self.grants.get(what, "none")
        return granted == "write" or granted == how


@dataclass
class GitHub:
    """What the double knows, and what it was told."""

    url: str = ""
    run: Run | None = None
    finished: dict[int, int] = field(default_factory=dict)
    attestations: dict[str, dict[str, str]] = field(default_factory=dict)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Any] = field(default_factory=list)
    tokens: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    replies: list[tuple[int, str]] = field(default_factory=list)

    def answer(self, method: str, path: str, job: str, body: Any) -> tuple[int, Any]:
        """Answer one request: status and body."""
        for verb, pattern, what, how, action in _ROUTES:
            match = re.fullmatch(pattern, path)
            if verb != method or not match:
                continue
            assert self.run
            if what and not JobWord.parse(job, self.run).may(what, how):
                self.refused.append(f"{method} {path} of {job}")
                return 403, {"message": f"Resource not accessible: needs {what}: {how}"}
            found: tuple[int, Any] = action(self, match, job, body)
            return found
        return 404, {"message": "Not Found"}

    def token(self, match: re.Match[str], job: str, body: object) -> tuple[int, Any]:
        """Mint a token with the claims that GitHub would put into it.

        https://docs.github.com/en/actions/reference/security/oidc
        """
        assert self.run
        environment = JobWord.parse(job, self.run).environment
        claims = self.claims(environment, match[1])
        self.tokens.append(claims)
        return 200, {"value": mint(claims)}

    def claims(self, environment: str, audience: str) -> dict[str, Any]:
        """The claims of a job of the run."""
        assert self.run
        context = f"environment:{environment}" if environment else f"ref:{self.run.ref}"
        if self.run.event == "pull_request" and not environment:
            context = "pull_request"
        workflow = f"{REPOSITORY}/.github/workflows/{self.run.workflow}@{self.run.ref}"
        return {
            "iss": ISSUER,
            "aud": audience,
            "sub": f"{SUBJECT_PREFIX}:{context}",
            "repository": REPOSITORY,
            "repository_id": "815",
            "repository_owner": REPOSITORY.partition("/")[0],
            "repository_owner_id": "4711",
            "actor": "octocat",
            "ref": self.run.ref,
            "ref_type": "branch",
            "sha": self.run.commit,
            "event_name": self.run.event,
            "workflow_ref": workflow,
            "job_workflow_ref": workflow,
            "run_id": str(self.run.number),
            "run_attempt": str(self.run.attempt),
            "runner_environment": "github-hosted",
        } | ({"environment": environment} if environment else {})

    def attest(self, match: re.Match[str], job: str, body: Any) -> tuple[int, Any]:
        """Keep an attestation, which also takes a token to be signed."""
        assert self.run
        if not JobWord.parse(job, self.run).may("id-token", "write"):
            return 403, {"message": "no token to sign with"}
        self.attestations[body["digest"]] = {
            "repository": REPOSITORY,
            "workflow": f"{REPOSITORY}/.github/workflows/{self.run.workflow}",
            "ref": self.run.ref,
            "commit": self.run.commit,
        }
        return 201, {}

    def attested(self, match: re.Match[str], job: str, body: object) -> tuple[int, Any]:
        """Tell who attested a digest."""
        found = self.attestations.get(match[1])
        return (200, found) if found else (404, {"message": "no attestation"})

    def said(self, number: int, name: str = "") -> list[str]:
        """What the comments of a name on a pull request say."""
        found = [one["body"] for one in self.comments if one["number"] == number]
        return [text for text in found if text.startswith(f"<!-- ship: {name}")]

    def tell_repository(self, match: re.Match[str], job: str, body: object) -> tuple[int, Any]:
        """Tell that there is a repository, which every token may read about."""
        return 200, {"full_name": REPOSITORY}

    def tell_pull(self, match: re.Match[str], job: str, body: object) -> tuple[int, Any]:
        """Tell what a pull request is now."""
        found = self.pulls.get(int(match[1]))
        return (200, found) if found else (404, {"message": "Not Found"})

    def tell_comments(self, match: re.Match[str], job: str, body: object) -> tuple[int, Any]:
        """List a page of a pull request's comments, the oldest first."""
        page = int(match[2])
        found = [one for one in self.comments if one["number"] == int(match[1])]
        return 200, found[(page - 1) * 100 : page * 100]

    def change_comment(self, match: re.Match[str], job: str, body: Any) -> tuple[int, Any]:
        """Let a comment say something else."""
        self.comments[int(match[1]) - 1].update(body)
        return 200, {}

    def find(self, match: re.Match[str], job: str, body: object) -> tuple[int, Any]:
        """Take a scanner's findings."""
        self.findings.append(body)
        return 202, {}

    def tell_issues(self, match: re.Match[str], job: str, body: object) -> tuple[int, Any]:
        """List the issues with a label, the newest first."""
        return 200, [one for one in reversed(self.issues) if match[1] in one["labels"]]

    def open_issue(self, match: re.Match[str], job: str, body: Any) -> tuple[int, Any]:
        """Open an issue."""
        self.issues.append(body | {"number": len(self.issues) + 1, "state": "open"})
        return 201, self.issues[-1]

    def change_issue(self, match: re.Match[str], job: str, body: Any) -> tuple[int, Any]:
        """Change an issue's text or state."""
        self.issues[int(match[1]) - 1].update(body)
        return 200, self.issues[int(match[1]) - 1]

    def reply(self, match: re.Match[str], job: str, body: Any) -> tuple[int, Any]:
        """Comment on an issue, or on a pull request: each takes a grant of its own."""
        assert self.run
        number = int(match[1])
        what = "pull-requests" if number in self.pulls else "issues"
        if not JobWord.parse(job, self.run).may(what, "write"):
            self.refused.append(f"a comment on {number} of {job}")
            return 403, {"message": f"Resource not accessible: needs {what}: write"}
        if number in self.pulls:
            user = {"login": "github-actions[bot]"}
            self.comments.append({"id": len(self.comments) + 1, "number": number, "user": user})
            self.comments[-1].update(body)
        else:
            self.replies.append((number, body["body"]))
        return 201, {}

    def tell_run(self, match: re.Match[str], job: str, body: object) -> tuple[int, Any]:
        """Tell whether a run has ended."""
        number = int(match[1])
        if number in self.finished:
            return 200, {"status": "completed", "run_attempt": self.finished[number]}
        if self.run and number == self.run.number:
            return 200, {"status": "in_progress", "run_attempt": self.run.attempt}
        return 404, {"message": "Not Found"}


_ISSUES = rf"/repos/{REPOSITORY}/issues"
_ROUTES: tuple[tuple[str, str, str, str, Any], ...] = (
    ("GET", r"/token\?audience=(.+)", "id-token", "write", GitHub.token),
    ("POST", r"/attestations", "attestations", "write", GitHub.attest),
    ("GET", r"/attestations/([0-9a-f]{64})", "attestations", "read", GitHub.attested),
    ("GET", rf"/repos/{REPOSITORY}", "", "", GitHub.tell_repository),
    ("GET", rf"/repos/{REPOSITORY}/pulls/([0-9]+)", "pull-requests", "read", GitHub.tell_pull),
    (
        "GET",
        rf"{_ISSUES}/([0-9]+)/comments\?per_page=100&page=([0-9]+)",
        "pull-requests",
        "read",
        GitHub.tell_comments,
    ),
    ("PATCH", rf"{_ISSUES}/comments/([0-9]+)", "pull-requests", "write", GitHub.change_comment),
    (
        "GET",
        rf"{_ISSUES}\?labels=(\w+)&state=all&per_page=100",
        "issues",
        "read",
        GitHub.tell_issues,
    ),
    ("POST", _ISSUES, "issues", "write", GitHub.open_issue),
    ("PATCH", rf"{_ISSUES}/([0-9]+)", "issues", "write", GitHub.change_issue),
    ("POST", rf"{_ISSUES}/([0-9]+)/comments", "", "", GitHub.reply),
    ("POST", r"/findings", "security-events", "write", GitHub.find),
    # Asked by `ship` with the run's token, which says nothing of its job here.
    ("GET", rf"/repos/{REPOSITORY}/actions/runs/([0-9]+)", "", "", GitHub.tell_run),
)


def mint(claims: dict[str, Any]) -> str:
    """A token; GitHub's key is not here, so nothing but its claims is GitHub's."""
    now = int(time.time())
    times = {"iat": now, "nbf": now, "exp": now + 300, "jti": secrets.token_hex(8)}
    head = _segment({"alg": "HS256", "typ": "JWT", "kid": "double"})
    body = _segment(times | claims)
    signature = hmac.digest(secrets.token_bytes(32), f"{head}.{body}".encode(), hashlib.sha256)
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@contextmanager
def serving() -> Iterator[GitHub]:
    """Serve a double on a free port."""
    github = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            job = self.headers.get("X-Job", "")
            status, found = github.answer(self.command, self.path, job, body)
            data = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815 - the names that the base class asks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        github.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield github
        finally:
            server.shutdown()
            thread.join()
