"""A fake GitHub: it mints tokens, and takes what a job's permissions allow."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from ship.config import Project


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


class _ForbiddenError(Exception):
    """The job's permissions do not allow what it asks for."""


@dataclass(frozen=True)
class _Caller:
    """The job that calls: its file, its GitHub Environment and its permissions."""

    file: str
    environment: str
    permissions: dict[str, str]

    @classmethod
    def parse(cls, text: str, run: Run) -> _Caller:
        """Read the `FAKE_JOB` of the job's copy; a fork's token can only read."""
        found = json.loads(text or '{"file": "", "environment": "", "permissions": {}}')
        granted = found["permissions"]
        if run.fork:
            granted = {key: "read" for key in granted if key != "id-token"}
        return cls(found["file"], found["environment"], granted)

    def require(self, what: str, how: str) -> None:
        if self.permissions.get(what) not in (how, "write"):
            raise _ForbiddenError(f"Resource not accessible: needs {what}: {how}")


@dataclass
class GitHub:
    """What GitHub knows of a repository, and what it was told."""

    repository: str
    subject_prefix: str
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
    issue_comments: list[tuple[int, str]] = field(default_factory=list)

    def respond(self, method: str, path: str, job: str, body: Any = None) -> tuple[int, Any]:
        """Answer one request: status and body."""
        assert self.run
        url = urlsplit(path)
        parts = url.path.removeprefix(f"/repos/{self.repository}").split("/")[1:]
        try:
            found = self._route(
                method, parts, parse_qs(url.query), _Caller.parse(job, self.run), body
            )
        except _ForbiddenError as error:
            self.refused.append(f"{method} {path} of {job}")
            return 403, {"message": str(error)}
        return (404, {"message": "Not Found"}) if found is None else (200, found)

    def _route(
        self, method: str, parts: list[str], query: dict[str, list[str]], job: _Caller, body: Any
    ) -> Any:
        match method, parts:
            case "GET", []:
                return {"full_name": self.repository}
            case "GET", ["token"]:
                job.require("id-token", "write")
                self.tokens.append(self.claims(job.environment, query["audience"][0], job.file))
                return {"value": mint(self.tokens[-1])}
            case "POST", ["attestations"]:
                job.require("attestations", "write")
                job.require("id-token", "write")
                self.attestations[body["digest"]] = self._provenance()
                return {}
            case "GET", ["attestations", digest]:
                job.require("attestations", "read")
                return self.attestations.get(digest)
            case "GET", ["pulls", number]:
                job.require("pull-requests", "read")
                return self.pulls.get(int(number))
            case "POST", ["findings"]:
                job.require("security-events", "write")
                self.findings.append(body)
                return {}
            # Asked by `ship` with the run's token, which does not say which job asks.
            case "GET", ["actions", "runs", number]:
                return self._run(int(number))
            case _, ["issues", *rest]:
                return self._issues(method, rest, query, job, body)
        return None

    def _issues(
        self, method: str, parts: list[str], query: dict[str, list[str]], job: _Caller, body: Any
    ) -> Any:
        match method, parts:
            case "GET", []:
                job.require("issues", "read")
                label = query["labels"][0]
                return [one for one in reversed(self.issues) if label in one["labels"]]
            case "POST", []:
                job.require("issues", "write")
                self.issues.append(body | {"number": len(self.issues) + 1, "state": "open"})
                return self.issues[-1]
            case "PATCH", ["comments", number]:
                job.require("pull-requests", "write")
                self.comments[int(number) - 1].update(body)
                return {}
            case "PATCH", [number]:
                job.require("issues", "write")
                self.issues[int(number) - 1].update(body)
                return self.issues[int(number) - 1]
            case "GET", [number, "comments"]:
                job.require("pull-requests", "read")
                first = (int(query["page"][0]) - 1) * 100
                found = [one for one in self.comments if one["number"] == int(number)]
                return found[first : first + 100]
            # On an issue and on a pull request: each takes a permission of its own.
            case "POST", [number, "comments"] if int(number) in self.pulls:
                job.require("pull-requests", "write")
                about = {"id": len(self.comments) + 1, "number": int(number)}
                self.comments.append(about | {"user": {"login": "github-actions[bot]"}} | body)
                return {}
            case "POST", [number, "comments"]:
                job.require("issues", "write")
                self.issue_comments.append((int(number), body["body"]))
                return {}
        return None

    def comments_on(self, number: int, name: str = "") -> list[str]:
        """The texts of the comments of a name on a pull request."""
        found = [str(one["body"]) for one in self.comments if one["number"] == number]
        return [text for text in found if text.startswith(f"<!-- ship: {name}")]

    def claims(self, environment: str, audience: str, file: str = "") -> dict[str, Any]:
        """The claims that GitHub puts into the token of a job of the run, which a file holds.

        https://docs.github.com/en/actions/reference/security/oidc
        """
        assert self.run
        context = f"ref:{self.run.ref}"
        if self.run.event == "pull_request":
            context = "pull_request"
        if environment:
            context = f"environment:{environment}"
        folder = f"{self.repository}/.github/workflows"
        owner_id, repository_id = re.findall(r"@(\d+)", self.subject_prefix)
        return {
            "iss": "https://token.actions.githubusercontent.com",
            "aud": audience,
            "sub": f"{self.subject_prefix}:{context}",
            "repository": self.repository,
            "repository_id": repository_id,
            "repository_owner": self.repository.partition("/")[0],
            "repository_owner_id": owner_id,
            "actor": "octocat",
            "ref": self.run.ref,
            "ref_type": "branch",
            "sha": self.run.commit,
            "event_name": self.run.event,
            "workflow_ref": f"{folder}/{self.run.workflow}@{self.run.ref}",
            "job_workflow_ref": f"{folder}/{file or self.run.workflow}@{self.run.ref}",
            "run_id": str(self.run.number),
            "run_attempt": str(self.run.attempt),
            "runner_environment": "github-hosted",
        } | ({"environment": environment} if environment else {})

    def _provenance(self) -> dict[str, str]:
        assert self.run
        return {
            "repository": self.repository,
            "workflow": f"{self.repository}/.github/workflows/{self.run.workflow}",
            "ref": self.run.ref,
            "commit": self.run.commit,
        }

    def _run(self, number: int) -> Any:
        if number in self.finished:
            return {"status": "completed", "run_attempt": self.finished[number]}
        if self.run and number == self.run.number:
            return {"status": "in_progress", "run_attempt": self.run.attempt}
        return None


def mint(claims: dict[str, Any]) -> str:
    """A token with GitHub's claims; GitHub's key is not here, so the signature is of no key."""
    now = int(time.time())
    times = {"iat": now, "nbf": now, "exp": now + 300, "jti": secrets.token_hex(8)}
    header = _segment(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "fake"}).encode())
    signed = f"{header}.{_segment(json.dumps(times | claims).encode())}"
    signature = hmac.digest(secrets.token_bytes(32), signed.encode(), hashlib.sha256)
    return f"{signed}.{_segment(signature)}"


def _segment(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@contextmanager
def serving(project: Project) -> Iterator[GitHub]:
    """Serve a fake GitHub for a project's repository on a free port."""

    def respond(request: Request) -> Response:
        body = request.get_json() if request.data else None
        status, found = github.respond(
            request.method, request.full_path.rstrip("?"), request.headers.get("X-Job", ""), body
        )
        return Response(json.dumps(found), status)

    with HTTPServer(threaded=True) as server:
        url = server.url_for("").rstrip("/")
        github = GitHub(project.repository, project.subject_prefix, url)
        server.expect_request(re.compile("/.*")).respond_with_handler(respond)
        yield github
