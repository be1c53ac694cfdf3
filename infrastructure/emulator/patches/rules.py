"""What must be allowed for a request, service by service, as on AWS.

The shapes follow the Service Authorization Reference,
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
A service without rules here is as ministack has it: its rules are right, as far as seen.
"""

# ruff: noqa: SLF001 (a mend reaches what ministack keeps private)

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .asked import Asked, Check
from .tags import request_keys

if TYPE_CHECKING:
    from collections.abc import Callable


def lambda_checks(asked: Asked) -> list[Check]:
    """Add the qualifier to a function's ARN; a role is passed, code is read, tags are set."""
    parts = [part for part in asked.path.split("/") if part]
    creates = asked.method == "POST" and parts[1:] == ["functions"]
    resource = _new_function(asked) if creates else _qualified(asked)
    granted = {"lambda:Principal": asked.one("Principal")} if parts[-1:] == ["policy"] else {}
    checks = [Check(resource, context=granted)]
    if creates or (asked.method == "PUT" and parts[-1:] == ["configuration"]):
        checks += _passed(asked.one("Role"), "lambda.amazonaws.com")
    if creates or (asked.method == "PUT" and parts[-1:] == ["code"]):
        checks += _code(asked.data.get("Code") or asked.data)
    return checks + (_tagged(asked, resource, "lambda:TagResource") if creates else [])


def _new_function(asked: Asked) -> str:
    name = asked.one("FunctionName")
    return name if name.startswith("arn:") else asked.arn(f"function:{name}")


def _qualified(asked: Asked) -> str:
    qualifier = asked.query.get("Qualifier") or ""
    first = qualifier[0] if isinstance(qualifier, list) else qualifier
    unqualified = asked.fallback.count(":") == 6  # arn:aws:lambda:REGION:ACCOUNT:function:NAME
    return f"{asked.fallback}:{first}" if first and unqualified else asked.fallback


def _code(source: dict[str, Any]) -> list[Check]:
    """Lambda reads code from S3 with the permissions of whoever names it."""
    if not source.get("S3Bucket"):
        return []
    action = "s3:GetObjectVersion" if source.get("S3ObjectVersion") else "s3:GetObject"
    return [Check(f"arn:aws:s3:::{source['S3Bucket']}/{source.get('S3Key', '')}", action)]


def ssm_checks(asked: Asked) -> list[Check]:
    """Name every parameter, without its version; a path is a resource of its own."""
    if asked.operation == "DescribeParameters":
        return [Check(asked.arn("*"))]
    if asked.operation == "GetParametersByPath":
        path = asked.one("Path")
        return [Check(asked.arn(f"parameter/{path.lstrip('/')}")), *_opened(asked, under=path)]
    names = asked.many("Names") or ([asked.one("Name")] if asked.one("Name") else [])
    checks = [Check(_parameter(asked, name)) for name in names] or [Check(asked.fallback)]
    if asked.operation != "PutParameter":
        return checks + _opened(asked, names=[check.resource for check in checks])
    return (
        checks
        + _sealed(asked, checks[0].resource)
        + _tagged(asked, checks[0].resource, "ssm:AddTagsToResource")
    )


def _parameter(asked: Asked, name: str) -> str:
    if name.startswith("arn:"):
        return name
    return asked.arn(f"parameter/{name.partition(':')[0].lstrip('/')}")


def _opened(asked: Asked, names: list[str] | None = None, under: str = "/") -> list[Check]:
    """Ask for kms:Decrypt on the key of each secret parameter that is read, by way of SSM.

    https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
    """
    from ministack.services import ssm

    if asked.data.get("WithDecryption") is not True:
        return []
    secret = [one for one in ssm._parameters.values() if one.get("Type") == "SecureString"]
    return [
        check
        for one in secret
        for arn in [_parameter(asked, one["Name"])]
        if (arn in names if names is not None else one["Name"].startswith(under))
        for check in _key_use(asked, "kms:Decrypt", one.get("KeyId", ""), arn)
    ]


def _sealed(asked: Asked, parameter: str) -> list[Check]:
    if asked.one("Type") != "SecureString":
        return []
    return _key_use(asked, "kms:Encrypt", asked.one("KeyId"), parameter)


def _key_use(asked: Asked, action: str, key: str, parameter: str) -> list[Check]:
    """Ask for the use of a customer's key for a parameter; AWS's own key takes nothing."""
    from ministack.services import kms

    record = kms._resolve_key(key) if key != "alias/aws/ssm" else None
    context = {
        "kms:ViaService": f"ssm.{asked.region}.amazonaws.com",
        "kms:EncryptionContext:PARAMETER_ARN": parameter,
    }
    return [Check(record["Arn"], action, context)] if record else []


def events_checks(asked: Asked) -> list[Check]:
    """Name a rule, without a bus where it is the default one; roles of targets are passed."""
    roles = [asked.one("RoleArn")]
    roles += [str(target.get("RoleArn") or "") for target in _objects(asked.data.get("Targets"))]
    passed = [check for role in roles for check in _passed(role, "events.amazonaws.com")]
    resource = _rule(asked) or asked.fallback
    tagged = _tagged(asked, resource, "events:TagResource") if _puts(asked, "Rule") else []
    return [Check(resource), *passed, *tagged]


def _rule(asked: Asked) -> str:
    if asked.one("ResourceARN"):
        return asked.one("ResourceARN")
    named = "Rule" if "Target" in asked.operation else "Name"
    name = asked.one(named) if asked.operation not in _BUS_OPERATIONS else ""
    bus = asked.one("EventBusName").rpartition("/")[2]
    path = name if bus in ("", "default") else f"{bus}/{name}"
    return asked.arn(f"rule/{path}") if name else ""


_BUS_OPERATIONS = ("CreateEventBus", "DeleteEventBus", "DescribeEventBus", "UpdateEventBus")


def logs_checks(asked: Asked) -> list[Check]:
    """Name a log group with its stream, be it none, except where the request gives an ARN."""
    if asked.one("resourceArn"):
        return [Check(asked.one("resourceArn").removesuffix(":*"))]
    group = asked.one("logGroupName") or asked.one("logGroupIdentifier")
    groups = [group] if group else asked.many("logGroupNames")
    groups = groups or asked.many("logGroupIdentifiers")
    if not groups and asked.operation != "DescribeLogGroups":
        return [Check(asked.fallback)]
    checks = [Check(_log_group(asked, one)) for one in groups or [""]]
    if asked.operation == "CreateLogGroup":
        plain = asked.arn(f"log-group:{group}")
        checks += _tagged(asked, plain, "logs:TagResource")
    return checks


def _log_group(asked: Asked, group: str) -> str:
    name = group.partition(":log-group:")[2] if group.startswith("arn:") else group
    stream = asked.one("logStreamName")
    return asked.arn(f"log-group:{name.removesuffix(':*')}:log-stream:{stream}")


def monitoring_checks(asked: Asked) -> list[Check]:
    """Name alarms, all of them to describe them; dashboards belong to no region."""
    tags = request_keys(asked)
    if asked.one("ResourceARN"):
        return [Check(asked.one("ResourceARN"), context=tags)]
    if asked.operation == "DescribeAlarms":
        return [Check(asked.arn("alarm:*", "cloudwatch"))]
    boards = asked.many("DashboardNames") or [asked.one("DashboardName")]
    found = [asked.arn(f"alarm:{name}", "cloudwatch") for name in asked.many("AlarmNames")]
    found += [asked.arn(f"dashboard/{name}", "cloudwatch", "") for name in boards if name]
    if found:
        return [Check(arn) for arn in found]
    tagged = [Check(asked.fallback, "cloudwatch:TagResource", tags)] if tags else []
    return [Check(asked.fallback, context=tags), *tagged]


_CLOUDFRONT_TYPES = {
    "distribution": "distribution",
    "origin-access-control": "origin-access-control",
    "response-headers-policy": "response-headers-policy",
    "cache-policy": "cache-policy",
    "origin-request-policy": "origin-request-policy",
    "function": "function",
    "key-value-store": "key-value-store",
}


def cloudfront_checks(asked: Asked) -> list[Check]:
    """Name a resource by type and identifier, or any of its type where one is created."""
    parts = [part for part in asked.path.split("/") if part][1:]
    tags = request_keys(asked)
    if parts[:1] == ["tagging"]:
        return [Check(asked.one("Resource") or asked.fallback, context=tags)]
    if not parts or parts[0] not in _CLOUDFRONT_TYPES:
        return [Check(asked.fallback)]
    name = parts[1] if len(parts) > 1 else _new_name(asked, parts[0])
    if not name:
        return [Check("*")]
    resource = asked.arn(f"{_CLOUDFRONT_TYPES[parts[0]]}/{name}", region="")
    creates = asked.method == "POST" and "WithTags" in asked.query and tags
    tagged = [Check(resource, "cloudfront:TagResource", tags)] if creates else []
    return [Check(resource, context=tags), *tagged]


def _new_name(asked: Asked, kind: str) -> str:
    if asked.method != "POST":
        return ""
    named = re.search(rb"<Name>([^<]+)</Name>", asked.body) if kind == "function" else None
    return named[1].decode() if named else "*"


def kms_checks(asked: Asked) -> list[Check]:
    """Name a key by its own ARN, also where an alias names it; an alias' change needs both."""
    from ministack.services import kms

    alias, target = asked.one("AliasName"), asked.one("TargetKeyId")
    record = kms._resolve_key(asked.one("KeyId") or target or alias)
    keys = [record["Arn"]] if record else []
    if asked.operation in ("CreateAlias", "UpdateAlias", "DeleteAlias"):
        return [Check(arn) for arn in [asked.arn(alias), *keys]]
    if asked.operation == "CreateKey":
        return [Check("*"), *_tagged(asked, asked.arn("key/*"), "kms:TagResource")]
    return [Check(keys[0] if keys else asked.fallback)]


def iam_checks(asked: Asked) -> list[Check]:
    """Name roles and users with their path; what is new by the name it will have."""
    for kind in ("Role", "User"):
        if asked.one(f"{kind}Name"):
            return _principal(asked, kind)
    if asked.operation == "CreatePolicy":
        arn = asked.arn(f"policy{asked.one('Path') or '/'}{asked.one('PolicyName')}", region="")
        return [Check(arn), *_tagged(asked, arn, "iam:TagPolicy")]
    if asked.operation == "CreateOpenIDConnectProvider":
        host = asked.one("Url").partition("://")[2].rstrip("/")
        arn = asked.arn(f"oidc-provider/{host}", region="")
        return [Check(arn), *_tagged(asked, arn, "iam:TagOpenIDConnectProvider")]
    return [Check(asked.one("OpenIDConnectProviderArn") or asked.fallback)]


def _principal(asked: Asked, kind: str) -> list[Check]:
    """Name a role or user, with its boundary: the one asked for, or else the one it has."""
    from ministack.services import iam

    store = iam._roles if kind == "Role" else iam._users
    name = asked.one(f"{kind}Name")
    record = store.get_scoped(asked.account, None, name) or {}
    asks = asked.operation in (f"Create{kind}", f"Put{kind}PermissionsBoundary")
    boundary = asked.one("PermissionsBoundary") if asks else record.get("PermissionsBoundary")
    new = asked.arn(f"{kind.lower()}{asked.one('Path') or '/'}{name}", region="")
    arn = record.get("Arn") or new
    context = {
        "iam:PermissionsBoundary": boundary or None,
        "iam:PolicyARN": asked.one("PolicyArn") or None,
    }
    creates = asked.operation == f"Create{kind}"
    tagged = _tagged(asked, arn, f"iam:Tag{kind}") if creates else []
    return [Check(arn, context=context), *tagged]


def apigateway_checks(asked: Asked) -> list[Check]:
    """Make the tags that a request sets its condition keys here, too."""
    return [Check(asked.fallback, context=request_keys(asked))]


RULES: dict[str, Callable[[Asked], list[Check]]] = {
    "apigateway": apigateway_checks,
    "cloudfront": cloudfront_checks,
    "events": events_checks,
    "iam": iam_checks,
    "kms": kms_checks,
    "lambda": lambda_checks,
    "logs": logs_checks,
    "monitoring": monitoring_checks,
    "ssm": ssm_checks,
}


def _passed(role: str, service: str) -> list[Check]:
    """Ask for iam:PassRole where a service gets a role.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    """
    return [Check(role, "iam:PassRole", {"iam:PassedToService": service})] if role else []


def _tagged(asked: Asked, resource: str, action: str) -> list[Check]:
    """Ask for the permission to tag where tags are set on creation."""
    return [Check(resource, action)] if asked.tags() else []


def _puts(asked: Asked, what: str) -> bool:
    return asked.operation == f"Put{what}"


def _objects(found: object) -> list[dict[str, Any]]:
    return [one for one in found or [] if isinstance(one, dict)] if isinstance(found, list) else []
