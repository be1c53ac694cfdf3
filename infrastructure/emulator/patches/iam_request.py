"""A request as IAM sees it: what it asks for, what must be allowed, which tags it sets."""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from typing import Any

_TAG = re.compile(r"<Tag>\s*<Key>([^<]*)</Key>\s*(?:<Value>([^<]*)</Value>)?\s*</Tag>")


@dataclass(frozen=True)
class Check:
    """One thing that must be allowed; the request's own action where none is named."""

    resource: str
    action: str = ""
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AuthorizationRequest:
    """A request to a service, with the ARN that ministack reads from it."""

    service: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, Any]
    region: str
    account: str
    upstream_arn: str

    @cached_property
    def data(self) -> dict[str, Any]:
        """The JSON body; empty when the body is something else."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def operation(self) -> str:
        """The operation's name in the JSON and Query protocols."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2] or self.get("Action")

    def get(self, name: str) -> str:
        """Return a parameter, of the JSON body or the form; empty when there is none."""
        found = self.data.get(name) or self.query.get(name) or ""
        return str(found[0] if isinstance(found, list) and found else found or "")

    def get_list(self, name: str) -> list[str]:
        """Return a list parameter, of the JSON body or the form (`Name.member.1`)."""
        found = self.data.get(name)
        if isinstance(found, list):
            return [str(value) for value in found]
        values = [self.get(key) for key in self.query if key.startswith(f"{name}.member.")]
        return [value for value in values if value]

    def sets_tags(self) -> bool:
        """Whether the request sets tags."""
        given = self.data.get("Tags") or self.data.get("tags")
        return bool(given) or any(key.startswith("Tags.member.") for key in self.query)

    def arn(self, resource: str, service: str = "", region: str | None = None) -> str:
        """Make an ARN in the request's account."""
        place = self.region if region is None else region
        return f"arn:aws:{service or self.service}:{place}:{self.account}:{resource}"


def check_tagging(request: AuthorizationRequest, resource: str, action: str) -> list[Check]:
    """Ask for the permission to tag where tags are set on creation."""
    return [Check(resource, action)] if request.sets_tags() else []


def request_keys(request: AuthorizationRequest) -> dict[str, Any]:
    """Return the condition keys of the tags that a request sets or removes."""
    tags = _read_tags(request)
    listed = request.data.get("TagKeys") or request.query.get("tagKeys") or []
    removed = [str(key) for key in ([listed] if isinstance(listed, str) else listed)]
    if b"<TagKeys" in request.body:
        removed += re.findall(r"<Key>([^<]*)</Key>", request.body.decode())
    if not tags and not removed:
        return {}
    keys: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    return {**keys, "aws:TagKeys": [*tags, *removed]}


def _read_tags(request: AuthorizationRequest) -> dict[str, str]:
    tags = request.data.get("Tags") or request.data.get("tags") or []
    if isinstance(tags, dict):
        return {key: str(value) for key, value in tags.items()}
    if isinstance(tags, list) and tags:
        return {str(tag.get("Key")): str(tag.get("Value", "")) for tag in tags}
    if b"<Tag>" in request.body:
        text = request.body.decode()
        return {unescape(key): unescape(value or "") for key, value in _TAG.findall(text)}
    members = [key for key in request.query if re.fullmatch(r"Tags\.member\.\d+\.Key", key)]
    return {request.get(key): request.get(key.removesuffix("Key") + "Value") for key in members}


def resource_keys(arn: str) -> dict[str, str]:
    """Return the condition keys of a resource's tags, where ministack leaves them out."""
    from ministack.services import apigateway, cloudfront, cloudwatch, eventbridge, ses_v2

    service = arn.split(":")[2] if arn.count(":") > 4 else ""
    stores: dict[str, Any] = {
        "apigateway": apigateway._api_tags,
        "cloudfront": cloudfront._tags,
        "cloudwatch": cloudwatch._resource_tags,
        "events": eventbridge._tags,
        "ses": ses_v2._ses_tags,
    }
    tags = stores.get(service, {}).get(arn) or {}
    if isinstance(tags, list):
        tags = {tag["Key"]: tag["Value"] for tag in tags}
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
