"""The tags that a request sets, and those that a resource has, as condition keys."""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .asked import Asked

_TAG = re.compile(r"<Tag>\s*<Key>([^<]*)</Key>\s*(?:<Value>([^<]*)</Value>)?\s*</Tag>")


def request_keys(asked: Asked) -> dict[str, Any]:
    """Return the condition keys of the tags that a request sets or removes."""
    found = _set_tags(asked)
    removed = [str(key) for key in asked.data.get("TagKeys") or []]
    if b"<TagKeys>" in asked.body:
        removed += re.findall(r"<Key>([^<]*)</Key>", asked.body.decode())
    if not found and not removed:
        return {}
    keys: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in found.items()}
    return {**keys, "aws:TagKeys": [*found, *removed]}


def _set_tags(asked: Asked) -> dict[str, str]:
    tags = asked.data.get("Tags") or asked.data.get("tags") or []
    if isinstance(tags, dict):
        return {key: str(value) for key, value in tags.items()}
    if isinstance(tags, list) and tags:
        return {str(tag.get("Key")): str(tag.get("Value", "")) for tag in tags}
    if b"<Tag>" in asked.body:
        text = asked.body.decode()
        return {unescape(key): unescape(value or "") for key, value in _TAG.findall(text)}
    members = [key for key in asked.query if re.fullmatch(r"Tags\.member\.\d+\.Key", key)]
    return {asked.one(key): asked.one(key.removesuffix("Key") + "Value") for key in members}


def resource_keys(arn: str) -> dict[str, str]:
    """Return the condition keys of a resource's tags, for services whose tags ministack forgets."""
    return {f"aws:ResourceTag/{key}": value for key, value in _stored_tags(arn).items()}


def _stored_tags(arn: str) -> dict[str, str]:
    service = arn.split(":")[2] if arn.count(":") > 4 else ""
    if service == "apigateway":
        from ministack.services import apigateway

        return dict(apigateway._api_tags.get(arn) or {})
    if service == "cloudfront":
        from ministack.services import cloudfront

        return {tag["Key"]: tag["Value"] for tag in cloudfront._tags.get(arn) or []}
    if service == "events":
        from ministack.services import eventbridge

        return dict(eventbridge._tags.get(arn) or {})
    if service == "cloudwatch":
        from ministack.services import cloudwatch

        return dict(cloudwatch._resource_tags.get(arn) or {})
    return {}
