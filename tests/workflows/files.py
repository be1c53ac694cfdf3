"""The workflow files as GitHub reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import yaml

from ship.github.workflows import render

FOLDER = Path(__file__).parents[2] / ".github/workflows"
# Keys that say nothing about what a job may do, and its steps, which have lines of their own.
_PLAIN = {"name", "runs-on", "steps", "timeout-minutes"}
# The environments that a project may have.
_NAMES = ("first", "last")


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]
    """YAML 1.2 as GitHub reads it: the key `on` is a word, and not the Boolean of YAML 1.1."""

    yaml_implicit_resolvers: ClassVar = {
        letter: [(tag, pattern) for tag, pattern in found if not tag.endswith(":bool")]
        for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


@dataclass(frozen=True)
class Job:
    """One job of one file."""

    file: str
    name: str
    body: dict[str, Any]
    workflow: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"

    @property
    def permissions(self) -> dict[str, str]:
        found: dict[str, str] = self.body.get("permissions", {})
        return found

    @property
    def privileged(self) -> bool:
        """Whether it may get a token for a role, or write something on GitHub."""
        return "write" in self.permissions.values()

    @property
    def steps(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body.get("steps", [])
        return found

    @property
    def environment(self) -> str:
        """The GitHub Environment that it names; empty when it names none."""
        found = self.body.get("environment", "")
        return str(found["name"] if isinstance(found, dict) else found)

    @property
    def condition(self) -> str:
        return " ".join(str(self.body.get("if", "")).split())

    @property
    def concurrency(self) -> dict[str, Any]:
        """Its own group, else its workflow's."""
        found: dict[str, Any] = self.body.get("concurrency", self.workflow.get("concurrency", {}))
        return found

    @property
    def needs(self) -> list[str]:
        found = self.body.get("needs", [])
        return [found] if isinstance(found, str) else found

    def summary(self) -> Iterator[str]:
        """All that decides what it may do and does, a line each; actions without their commits."""
        yield f"{self}"
        for key in sorted(self.body.keys() - _PLAIN):
            yield f"  {key}: {_text(self.body[key])}"
        for step in self.steps:
            does = step.get("run") or str(step["uses"]).partition("@")[0]
            extra = {key: step[key] for key in sorted(step.keys() - {"name", "run", "uses"})}
            yield f"  - {step.get('name')}: {does.strip().replace(chr(10), ' ⏎ ')}"
            yield from (f"      {key}: {_text(value)}" for key, value in extra.items())


@dataclass(frozen=True)
class Workflows:
    """The files of a folder: as text, because comments count, and as GitHub reads them."""

    texts: dict[str, str]

    @classmethod
    def read(cls, folder: Path = FOLDER) -> Workflows:
        return cls({path.name: path.read_text() for path in sorted(folder.glob("*.y*ml"))})

    @cached_property
    def documents(self) -> dict[str, dict[str, Any]]:
        return {name: yaml.load(text, _Loader) for name, text in self.texts.items()}  # noqa: S506

    @cached_property
    def jobs(self) -> list[Job]:
        return [
            Job(file, name, body, document)
            for file, document in self.documents.items()
            for name, body in document["jobs"].items()
        ]

    @property
    def actions(self) -> set[str]:
        """What the steps use, with the commit."""
        return {step["uses"] for job in self.jobs for step in job.steps if "uses" in step}

    @cached_property
    def environments(self) -> list[str]:
        """What a person may choose in Operate; the other files follow the same list."""
        inputs = self.documents["operate.yml"]["on"]["workflow_dispatch"]["inputs"]
        found: list[str] = inputs["environment"]["options"]
        return found

    def reviewed_jobs(self) -> str:
        """Every job, file by file, with all that decides what it may do and does.

        Files that follow the project's list of environments are shown as for another one, so that
        this is one text for any project.
        """
        names = tuple(self.environments)
        follow = all(render(text, names, name) == text for name, text in self.texts.items())
        shown = Workflows({name: render(text, _NAMES, name) for name, text in self.texts.items()})
        files, lines = shown if follow else self, []
        for file, document in files.documents.items():
            lines += [f"{file}: on {_text(document['on'])}"]
            lines += [f"  queue: {_text(document.get('concurrency'))}"]
            jobs = [job for job in files.jobs if job.file == file]
            lines += ["\n".join(job.summary()) + "\n" for job in jobs]
        return "\n".join(lines)


def copies(files: Workflows, finished: dict[str, dict[str, str]]) -> dict[str, str]:
    """The files as `act` gets them: JSON is YAML, too."""
    documents = deepcopy(files.documents)
    for job in files.jobs:
        document = documents[job.file]
        body = document["jobs"][job.name]
        for group in (document.get("concurrency", {}), body.get("concurrency", {})):
            group.pop("queue", None)
        if "uses" in body:
            body["uses"] = str(body["uses"]).replace("$/", "./")
        else:
            about = {
                "file": job.file,
                "environment": job.environment,
                "permissions": job.permissions,
            }
            body["env"] = body.get("env", {}) | {"FAKE_JOB": json.dumps(about)}
        if job.file == "deploy.yml" and job.name in finished:
            document["jobs"][job.name] = {
                "runs-on": "ubuntu-24.04",
                "outputs": finished[job.name],
                "steps": [{"run": "true"}],
            }
    return {name: json.dumps(document) for name, document in documents.items()}


def _text(value: object) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    return json.dumps(value, sort_keys=True)


if __name__ == "__main__":
    print(Workflows.read().reviewed_jobs(), end="")  # noqa: T201
