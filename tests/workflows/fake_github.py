"""A fake GitHub: it mints tokens, and takes what a job's permissions allow.

Every request and every answer is held to GitHub's published description of its API.
"""

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
from ship.errors import ShipError
from tests.workflows import github_api
from tests.workflows.fake_repository import NOT_FOUND, Answer, Repository
from tests.workflows.github_api import Operation, find, merge

# It is no part of the API: a job finds its address in ACTIONS_ID_TOKEN_REQUEST_URL.
_TOKEN = "/token"
_MAX_TEXT = 65536
_WORKFLOWS = "github-actions[bot]"


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
    is_person: bool = False

    @classmethod
    def parse(cls, text: str, run: Run | None) -> _Caller:
        """Read the `FAKE_JOB` of the job's copy; a fork's token can only read.

        It is `person` where no job calls, but somebody who is signed in.
        """
        if text == "person":
            return cls("", "", {}, is_person=True)
        assert run
        found = json.loads(text or '{"file": "", "environment": "", "permissions": {}}')
        granted = found["permissions"]
        if run.fork:
            granted = {key: "read" for key in granted if key != "id-token"}
        return cls(found["file"], found["environment"], granted)

    def require(self, what: str, how: str) -> None:
        if not self.is_person and self.permissions.get(what) not in (how, "write"):
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
    calls: list[str] = field(default_factory=list)
    releases: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings = Repository(self.repository, self.subject_prefix)

    def respond(self, method: str, path: str, job: str, body: Any = None) -> Answer:
        """Answer a job's request, or a person's: status and body."""
        return self._respond(method, path, _Caller.parse(job, self.run), body)

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Answer the person who is signed in, as `ship.github.api.gh` does."""
        self.calls.append(f"{method} {path}")
        status, found = self._respond(method, f"/{path}", _Caller("", "", {}, is_person=True), body)
        if status == 404 and method == "GET":
            return None
        if status >= 300:
            raise ShipError(f"GitHub refuses {method} {path}: {found} (HTTP {status})", "look")
        return found

    def _respond(self, method: str, path: str, caller: _Caller, body: Any) -> Answer:
        url = urlsplit(path)
        query = parse_qs(url.query)
        parts = url.path.strip("/").split("/")
        try:
            if parts[0] == "repos":
                known = "/".join(parts[1:3]).lower() == self.repository.lower()
                status, found = (
                    self._route(method, parts[3:], query, caller, body) if known else NOT_FOUND
                )
            elif url.path == _TOKEN:
                status, found = 200, self._token(caller, query["audience"][0])
            else:
                status, found = self.settings.respond_person(method, parts)
        except _ForbiddenError as error:
            self.refused.append(f"{method} {path} of {caller}")
            status, found = 403, {"message": str(error)}
        if url.path != _TOKEN:
            github_api.check(method, path, body, status, found)
        return status, found

    def _token(self, job: _Caller, audience: str) -> Any:
        job.require("id-token", "write")
        self.tokens.append(self.claims(job.environment, audience, job.file))
        return {"value": mint(self.tokens[-1])}

    def _route(
        self, method: str, parts: list[str], query: dict[str, list[str]], job: _Caller, body: Any
    ) -> Answer:
        path = f"/repos/{self.repository}/{'/'.join(parts)}"
        match method, parts:
            case "GET", []:
                return 200, self.settings.describe()
            case _, ["attestations", *rest]:
                return self._attestations(method, path, rest, job, body)
            case "GET", ["pulls", number]:
                job.require("pull-requests", "read")
                pull = self.pulls.get(int(number))
                return NOT_FOUND if pull is None else (200, self._describe_pull(path, pull))
            case _, ["releases", *rest]:
                return self._releases(method, path, rest, job, body)
            case "GET", ["dependency-graph", "compare", _]:
                job.require("contents", "read")
                return 200, []
            case "POST", ["code-scanning", "sarifs"]:
                job.require("security-events", "write")
                self.findings.append(body)
                return 202, find(method, path).example(202)
            # Asked by `ship` with the run's token, which does not say which job asks.
            case "GET", ["actions", "runs", number]:
                run = self._run(int(number))
                return (200, merge(find(method, path).example(), run)) if run else NOT_FOUND
            case _, ["issues", *rest]:
                return self._issues(method, path, rest, query, job, body)
        job.require("administration", "write")
        return self.settings.respond(method, parts, query, body) or NOT_FOUND

    def _attestations(
        self, method: str, path: str, parts: list[str], job: _Caller, body: Any
    ) -> Answer:
        if method == "POST":
            job.require("attestations", "write")
            job.require("id-token", "write")
            statement = json.loads(base64.b64decode(body["bundle"]["dsseEnvelope"]["payload"]))
            kind = {"predicate": statement["predicateType"]}
            for subject in statement["subject"]:
                self.attestations[subject["digest"]["sha256"]] = self._provenance() | kind
            return 201, find(method, path).example(201)
        job.require("attestations", "read")
        found = self.attestations.get(parts[0].removeprefix("sha256:"))
        bundle = {"mediaType": "", "verificationMaterial": found, "dsseEnvelope": {}}
        return (200, {"attestations": [{"bundle": bundle}]}) if found else NOT_FOUND

    def _releases(
        self, method: str, path: str, parts: list[str], job: _Caller, body: Any
    ) -> Answer:
        match method, parts:
            case "GET", ["tags", tag]:
                job.require("contents", "read")
                if tag not in self.releases:
                    return NOT_FOUND
                url = f"https://github.com/{self.repository}/releases/tag/{tag}"
                return 200, merge(find(method, path).example(), {"tag_name": tag, "html_url": url})
            case "POST", []:
                job.require("contents", "write")
                tag = body["tag_name"]
                if tag in self.releases:
                    return 422, {"message": "Validation Failed: already_exists"}
                self.releases[tag] = body["target_commitish"]
                return 201, merge(find(method, path).example(201), {"tag_name": tag})
        return NOT_FOUND

    def _issues(
        self,
        method: str,
        path: str,
        parts: list[str],
        query: dict[str, list[str]],
        job: _Caller,
        body: Any,
    ) -> Answer:
        first = find(method, path)
        if method in ("POST", "PATCH") and len((body or {}).get("body") or "") > _MAX_TEXT:
            return 422, {"message": "Validation Failed: body is too long"}
        match method, parts:
            case "GET", []:
                job.require("issues", "read")
                (example,) = first.example()
                found = [merge(example, one) for one in self._list_issues(query)]
                return 200, _page(found, query)
            case "POST", []:
                job.require("issues", "write")
                if not self.settings.has_issues:
                    return 410, {"message": "Issues has been disabled in this repository."}
                self.add_issue(**body)
                return 201, merge(first.example(201), self.issues[-1])
            case "PATCH", ["comments", number]:
                job.require("pull-requests", "write")
                self.comments[int(number) - 1].update(body)
                return 200, merge(first.example(), self._describe_comment(int(number) - 1))
            case "PATCH", [number]:
                job.require("issues", "write")
                self.issues[int(number) - 1].update(body)
                return 200, merge(first.example(), self.issues[int(number) - 1])
            case _, [number, "comments"]:
                return self._comments(method, first, int(number), query, job, body)
        return NOT_FOUND

    def _comments(
        self,
        method: str,
        operation: Operation,
        number: int,
        query: dict[str, list[str]],
        job: _Caller,
        body: Any,
    ) -> Answer:
        # On an issue and on a pull request: each takes a permission of its own.
        on_pull = method == "GET" or number in self.pulls
        job.require(
            "pull-requests" if on_pull else "issues", "read" if method == "GET" else "write"
        )
        if method == "GET":
            (example,) = operation.example()
            indices = [i for i, one in enumerate(self.comments) if one["number"] == number]
            found = [merge(example, self._describe_comment(index)) for index in indices]
            return 200, _page(found, query)
        if on_pull:
            self.add_comment(number, body["body"])
            return 201, merge(operation.example(201), self._describe_comment(-1))
        if not 0 < number <= len(self.issues):
            return NOT_FOUND
        self.issue_comments.append((number, body["body"]))
        return 201, merge(operation.example(201), body)

    def _list_issues(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        labels, creator = query.get("labels", []), query.get("creator")
        state = query.get("state", ["open"])[0]
        return [
            one
            for one in reversed(self.issues)
            if {*labels} <= {*one["labels"]}
            and state in (one["state"], "all")
            and creator in (None, [one["user"]["login"]])
        ]

    def add_issue(self, **values: Any) -> None:
        """Open an issue."""
        about = {"number": len(self.issues) + 1, "user": {"login": _WORKFLOWS}}
        self.issues.append(about | {"state": "open", "labels": []} | values)

    def add_comment(self, number: int, text: str, login: str = _WORKFLOWS) -> None:
        """Comment on a pull request."""
        about = {"id": len(self.comments) + 1, "number": number, "user": {"login": login}}
        self.comments.append(about | {"body": text})

    def _describe_comment(self, index: int) -> Any:
        return {key: value for key, value in self.comments[index].items() if key != "number"}

    def _describe_pull(self, path: str, pull: dict[str, Any]) -> Any:
        example = find("GET", path).example()
        label, example["requested_teams"] = example["labels"][0], []
        labels = [merge(label, one) for one in pull.get("labels", [])]
        return merge(example, {**pull, "labels": labels})

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


def _page(found: list[Any], query: dict[str, list[str]]) -> list[Any]:
    """The part of a list that is asked for: 30 of its first page, unless told otherwise."""
    size, page = (int(query.get(key, [one])[0]) for key, one in (("per_page", "30"), ("page", "1")))
    return found[(page - 1) * size : page * size]


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
        return Response(b"" if found is None else json.dumps(found), status)

    with HTTPServer(threaded=True) as server:
        url = server.url_for("").rstrip("/")
        github = GitHub(project.repository, project.subject.prefix, url)
        server.expect_request(re.compile("/.*")).respond_with_handler(respond)
        yield github
        # What differed from GitHub's description.
        server.check()
