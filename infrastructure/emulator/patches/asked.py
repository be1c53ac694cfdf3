"""What a request asks for, and what must be allowed for it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Check:
    """One thing that must be allowed; the request's own action where none is named."""

    resource: str
    action: str = ""
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request, as far as it says what it asks for."""

    service: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, Any]
    region: str
    account: str
    fallback: str

    @cached_property
    def data(self) -> dict[str, Any]:
        """The JSON body; empty when it is none."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def operation(self) -> str:
        """The operation's name in the JSON and Query protocols."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2] or self.one("Action")

    def one(self, name: str) -> str:
        """Return a parameter, of the JSON body or the form."""
        found = self.data.get(name) or self.query.get(name) or ""
        return str(found[0] if isinstance(found, list) and found else found or "")

    def many(self, name: str) -> list[str]:
        """Return a list parameter, of the JSON body or the form (`Name.member.1`)."""
        found = self.data.get(name)
        if isinstance(found, list):
            return [str(value) for value in found]
        values = [self.one(key) for key in self.query if key.startswith(f"{name}.member.")]
        return [value for value in values if value]

    def tags(self) -> bool:
        """Whether the request sets tags."""
        given = self.data.get("Tags") or self.data.get("tags")
        return bool(given) or any(key.startswith("Tags.member.") for key in self.query)

    def arn(self, resource: str, service: str = "", region: str | None = None) -> str:
        """Make an ARN in the request's account."""
        place = self.region if region is None else region
        return f"arn:aws:{service or self.service}:{place}:{self.account}:{resource}"
