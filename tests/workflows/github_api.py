"""GitHub's published description of its API: which requests there are, and what is answered.

https://github.com/github/rest-api-description
"""

import copy
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema_rs

import toolchain

ROOT = Path(__file__).resolve().parents[2]
_REFUSALS = (401, 403, 404, 409, 422)
# Every operation that was asked for, by method and path.
ASKED: set[str] = set()


class NotDescribedError(AssertionError):
    """A request or an answer that GitHub's description does not know."""


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    name: str
    found: dict[str, Any]

    def check_request(self, query: dict[str, list[str]], body: Any) -> None:
        """Refuse a parameter or a body that the operation does not take."""
        known = {one["name"]: one["schema"] for one in self._parameters() if one["in"] == "query"}
        for name, values in query.items():
            if name not in known:
                raise NotDescribedError(f"{self.name} has no parameter {name}")
            _check(f"{name} of {self.name}", known[name], _parse(known[name], values[0]))
        described = _resolve(self.found.get("requestBody", {}))
        if body is None:
            if described.get("required") and _required(described):
                raise NotDescribedError(f"{self.name} needs a body")
            return
        if not described:
            raise NotDescribedError(f"{self.name} takes no body")
        schema = described["content"]["application/json"]["schema"]
        _check(f"the body of {self.name}", schema, body)
        unknown = body.keys() - _properties(schema)
        if unknown:
            raise NotDescribedError(f"the body of {self.name} has no {', '.join(sorted(unknown))}")

    def check_answer(self, status: int, body: Any) -> None:
        """Refuse an answer that the operation does not give."""
        described = _resolve(self.found["responses"].get(str(status), {})).get("content")
        if described is None:
            # Not every refusal is described: the 409 of `selected-actions` is not.
            if str(status) not in self.found["responses"] and status not in _REFUSALS:
                raise NotDescribedError(f"{self.name} does not answer {status}")
            if body is not None and status < 400:
                raise NotDescribedError(f"{self.name} answers {status} without a body")
            return
        schema = described["application/json"]["schema"]
        _check(f"the answer {status} of {self.name}", schema, body)

    def example(self, status: int = 200) -> Any:
        """What the description gives as an example of an answer."""
        content = _resolve(self.found["responses"][str(status)])["content"]["application/json"]
        first = next(iter(content["examples"].values()))
        return copy.deepcopy(_resolve(first)["value"])

    def _parameters(self) -> list[dict[str, Any]]:
        return [_resolve(one) for one in self.found.get("parameters", [])]


def merge(example: Any, values: Any) -> Any:
    """An example with other values, object by object."""
    if not (isinstance(example, dict) and isinstance(values, dict)):
        return values
    merged = {key: merge(example[key], values[key]) for key in example.keys() & values.keys()}
    return example | values | merged


def find(method: str, path: str) -> Operation:
    """The operation of a method and a path, which has no query.

    Raises:
        NotDescribedError: there is none.
    """
    parts = path.strip("/").split("/")
    matching = [
        template
        for template in _description()["paths"]
        if _matches(template.strip("/").split("/"), parts)
        and method.lower() in _description()["paths"][template]
    ]
    if not matching:
        raise NotDescribedError(f"GitHub has no {method} {path}")
    # A literal part counts more than a parameter.
    best = min(matching, key=lambda template: template.count("{"))
    return Operation(f"{method} {best}", _description()["paths"][best][method.lower()])


def check(method: str, path: str, body: Any, status: int, answer: Any) -> None:
    """Hold a request and its answer to the description.

    Raises:
        NotDescribedError: it differs from the description.
    """
    url = urlsplit(path)
    operation = find(method, url.path)
    ASKED.add(operation.name)
    operation.check_request(parse_qs(url.query, keep_blank_values=True), body)
    operation.check_answer(status, answer)


@cache
def _description() -> Any:
    return json.loads(toolchain.find(ROOT).github_api.read_bytes())


def _matches(template: list[str], parts: list[str]) -> bool:
    return len(template) == len(parts) and all(
        name == part or (name.startswith("{") and part)
        for name, part in zip(template, parts, strict=True)
    )


def _resolve(node: Any) -> Any:
    while "$ref" in node:
        found = _description()
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        node = found
    return node


def _required(described: dict[str, Any]) -> bool:
    return bool(_resolve(described["content"]["application/json"]["schema"]).get("required"))


def _properties(schema: dict[str, Any]) -> set[str]:
    found = _resolve(schema)
    names = set(found.get("properties", {}))
    for kind in ("allOf", "anyOf", "oneOf"):
        for part in found.get(kind, []):
            names |= _properties(part)
    return names


def _parse(schema: dict[str, Any], text: str) -> Any:
    kind = _resolve(schema).get("type")
    return json.loads(text) if kind in ("integer", "boolean") else text


_VALIDATORS: dict[str, Any] = {}
# Where the description is wrong: the head of a pull request from a deleted fork has no repository.
_NULLABLE = {("the answer 200 of GET /repos/{owner}/{repo}/pulls/{pull_number}", "head/repo")}


def _check(name: str, schema: dict[str, Any], value: Any) -> None:
    if name not in _VALIDATORS:
        _VALIDATORS[name] = jsonschema_rs.Draft4Validator(_plain(schema))
    errors = []
    for error in _VALIDATORS[name].iter_errors(value):
        place = "/".join(map(str, error.instance_path))
        if error.instance is not None or (name, place) not in _NULLABLE:
            errors.append(f"{place}: {error.message[:300]}")
    if errors:
        raise NotDescribedError(f"{name} is not as described: {'; '.join(errors)}")


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of its own, with what it refers to, and `nullable` of OpenAPI 3.0 spelled out."""
    names: dict[str, Any] = {}

    def convert(node: Any) -> Any:
        if isinstance(node, list):
            return [convert(one) for one in node]
        if not isinstance(node, dict):
            return node
        if isinstance(node.get("$ref"), str):
            name = re.sub(r"\W", "_", node["$ref"])
            if name not in names:
                names[name] = {}
                names[name] = convert(_resolve({"$ref": node["$ref"]}))
            return {"$ref": f"#/definitions/{name}"}
        left_out = ("example", "examples")
        made = {key: convert(value) for key, value in node.items() if key not in left_out}
        return {"anyOf": [{"type": "null"}, made]} if node.get("nullable") is True else made

    made = convert(schema)
    return {"allOf": [made], "definitions": names}
