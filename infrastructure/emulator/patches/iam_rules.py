"""IAM: what must be allowed for a request, service by service, as on AWS.

The shapes follow the Service Authorization Reference,
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
For a service that is not here ministack's own rules are right, as far as is known.
"""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

import re
from collections.abc import Callable

from emulator.patches.iam_data import (
    acm_checks,
    dynamodb_checks,
    route53_checks,
    secretsmanager_checks,
    ses_checks,
    sns_checks,
    sqs_checks,
)
from emulator.patches.iam_request import AuthorizationRequest as Request
from emulator.patches.iam_request import Check, check_tagging, request_keys


def lambda_checks(request: Request) -> list[Check]:
    """Add the qualifier to a function's ARN; a role is passed, code is read, tags are set."""
    parts = [part for part in request.path.split("/") if part]
    if parts[1:2] == ["event-source-mappings"]:
        return _check_mapping(request, *parts[2:])
    creates = request.method == "POST" and parts[1:] == ["functions"]
    puts = parts[-1] if request.method == "PUT" else ""
    if creates:
        name = request.get("FunctionName")
        resource = name if name.startswith("arn:") else request.arn(f"function:{name}")
    else:
        given = request.query.get("Qualifier") or ""
        qualifier = given[0] if isinstance(given, list) else given
        resource = request.upstream_arn
        # arn:aws:lambda:REGION:ACCOUNT:function:NAME has no qualifier.
        resource += f":{qualifier}" if qualifier and resource.count(":") == 6 else ""
    granted = {"lambda:Principal": request.get("Principal")} if parts[-1:] == ["policy"] else {}
    checks = [Check(resource, context=granted)]
    if (request.data.get("VpcConfig") or {}).get("SubnetIds"):
        # Lambda looks at the network as the caller.
        looks = ("DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs")
        checks += [Check("*", f"ec2:{name}") for name in looks]
    if creates or puts == "configuration":
        checks += _check_pass_role(request.get("Role"), "lambda.amazonaws.com")
    source = request.data.get("Code") or request.data
    if (creates or puts == "code") and source.get("S3Bucket"):
        # Lambda reads the code as the caller.
        action = "s3:GetObjectVersion" if source.get("S3ObjectVersion") else "s3:GetObject"
        object_arn = f"arn:aws:s3:::{source['S3Bucket']}/{source.get('S3Key', '')}"
        checks.append(Check(object_arn, action))
    return checks + (check_tagging(request, resource, "lambda:TagResource") if creates else [])


def _check_mapping(request: Request, identifier: str = "") -> list[Check]:
    """Name an event source mapping, with the function that it invokes; a new one has no name yet.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
    """
    from ministack.services import lambda_svc

    name = request.get("FunctionName")
    asked = name if not name or name.startswith("arn:") else request.arn(f"function:{name}")
    function = asked or lambda_svc._esms.get(identifier, {}).get("FunctionArn")
    resource = request.arn(f"event-source-mapping:{identifier or '*'}")
    context = {"lambda:FunctionArn": function, **request_keys(request)}
    if identifier:
        return [Check(resource, context=context)]
    tagged = check_tagging(request, resource, "lambda:TagResource")
    return [Check("*", context=context), *tagged]


def ssm_checks(request: Request) -> list[Check]:
    """Name every parameter, without its version; a path is a resource of its own."""
    if request.operation == "DescribeParameters":
        return [Check(request.arn("*"))]
    if request.operation == "GetParametersByPath":
        path = request.get("Path")
        resource = request.arn(f"parameter/{path.lstrip('/')}")
        return [Check(resource), *_check_decrypt(request, under=f"{path.rstrip('/')}/")]
    names = request.get_list("Names") or ([request.get("Name")] if request.get("Name") else [])
    arns = [_parameter_arn(request, name) for name in names] or [request.upstream_arn]
    checks = [Check(arn) for arn in arns]
    if request.operation != "PutParameter":
        return checks + _check_decrypt(request, names=arns)
    if request.get("Type") == "SecureString":
        checks += _check_key_use(request, "kms:Encrypt", request.get("KeyId"), arns[0])
    return checks + check_tagging(request, arns[0], "ssm:AddTagsToResource")


def _parameter_arn(request: Request, name: str) -> str:
    if name.startswith("arn:"):
        return name
    return request.arn(f"parameter/{name.partition(':')[0].lstrip('/')}")


def _check_decrypt(
    request: Request, names: list[str] | None = None, under: str = "/"
) -> list[Check]:
    """Ask for kms:Decrypt on the key of each secret parameter that is read, by way of SSM.

    https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
    """
    from ministack.services import ssm

    if request.data.get("WithDecryption") is not True:
        return []
    secret = [one for one in ssm._parameters.values() if one.get("Type") == "SecureString"]
    return [
        check
        for one in secret
        for arn in [_parameter_arn(request, one["Name"])]
        if (arn in names if names is not None else one["Name"].startswith(under))
        for check in _check_key_use(request, "kms:Decrypt", one.get("KeyId", ""), arn)
    ]


def _check_key_use(request: Request, action: str, key: str, parameter: str) -> list[Check]:
    """Ask for the use of a customer's key for a parameter; AWS's own key takes nothing."""
    from ministack.services import kms

    record = kms._resolve_key(key) if key != "alias/aws/ssm" else None
    context = {
        "kms:ViaService": f"ssm.{request.region}.amazonaws.com",
        "kms:EncryptionContext:PARAMETER_ARN": parameter,
    }
    return [Check(record["Arn"], action, context)] if record else []


def events_checks(request: Request) -> list[Check]:
    """Name a rule, without a bus where it is the default one; roles of targets are passed."""
    roles = [request.get("RoleArn")]
    roles += [str(target.get("RoleArn") or "") for target in request.data.get("Targets") or []]
    passed = [check for role in roles for check in _check_pass_role(role, "events.amazonaws.com")]
    resource = _rule_arn(request) or request.upstream_arn
    if request.operation == "PutRule":
        passed += check_tagging(request, resource, "events:TagResource")
    return [Check(resource), *passed]


def _rule_arn(request: Request) -> str:
    if request.get("ResourceARN"):
        return request.get("ResourceARN")
    named = "Rule" if "Target" in request.operation else "Name"
    name = request.get(named) if request.operation not in _BUS_OPERATIONS else ""
    bus = request.get("EventBusName").rpartition("/")[2]
    path = name if bus in ("", "default") else f"{bus}/{name}"
    return request.arn(f"rule/{path}") if name else ""


_BUS_OPERATIONS = ("CreateEventBus", "DeleteEventBus", "DescribeEventBus", "UpdateEventBus")


def logs_checks(request: Request) -> list[Check]:
    """Name a log group with its stream, empty where there is none; an ARN stands for itself."""
    if request.get("resourceArn"):
        return [Check(request.get("resourceArn").removesuffix(":*"))]
    group = request.get("logGroupName") or request.get("logGroupIdentifier")
    groups = [group] if group else request.get_list("logGroupNames")
    groups = groups or request.get_list("logGroupIdentifiers")
    if not groups and request.operation != "DescribeLogGroups":
        return [Check(request.upstream_arn)]
    names = [one.partition(":log-group:")[2] or one for one in groups or [""]]
    stream = request.get("logStreamName")
    arns = [f"log-group:{name.removesuffix(':*')}:log-stream:{stream}" for name in names]
    checks = [Check(request.arn(arn)) for arn in arns]
    if request.operation == "CreateLogGroup":
        plain = request.arn(f"log-group:{group}")
        checks += check_tagging(request, plain, "logs:TagResource")
    return checks


def monitoring_checks(request: Request) -> list[Check]:
    """Name alarms, all of them to describe them; dashboards belong to no region."""
    tags = request_keys(request)
    if request.get("ResourceARN"):
        return [Check(request.get("ResourceARN"), context=tags)]
    if request.operation == "DescribeAlarms":
        return [Check(request.arn("alarm:*", "cloudwatch"))]
    boards = request.get_list("DashboardNames") or [request.get("DashboardName")]
    found = [request.arn(f"alarm:{name}", "cloudwatch") for name in request.get_list("AlarmNames")]
    found += [request.arn(f"dashboard/{name}", "cloudwatch", "") for name in boards if name]
    if found:
        return [Check(arn) for arn in found]
    tagged = [Check(request.upstream_arn, "cloudwatch:TagResource", tags)] if tags else []
    return [Check(request.upstream_arn, context=tags), *tagged]


_CLOUDFRONT_TYPES = (
    *("distribution", "origin-access-control", "response-headers-policy", "cache-policy"),
    *("origin-request-policy", "function", "key-value-store"),
)


# "Unable to verify read permissions on Web ACL": https://github.com/aws/aws-sdk-java/issues/2901
_WEB_ACL = re.compile(rb"<WebACLId>(arn:[^<]+)</WebACLId>")


def cloudfront_checks(request: Request) -> list[Check]:
    """Name a resource by type and identifier; what is created can be limited to nothing."""
    parts = [part for part in request.path.split("/") if part][1:]
    tags = request_keys(request)
    if parts[:1] == ["tagging"]:
        return [Check(request.get("Resource") or request.upstream_arn, context=tags)]
    if not parts or parts[0] not in _CLOUDFRONT_TYPES:
        return [Check(request.upstream_arn)]
    found = _WEB_ACL.search(request.body) if parts[0] == "distribution" else None
    acl = [Check(found[1].decode(), "wafv2:GetWebACL")] if found else []
    if len(parts) > 1:
        return [Check(request.arn("/".join(parts[:2]), region=""), context=tags), *acl]
    made = request.arn(f"{parts[0]}/*", region="")
    tagged = request.method == "POST" and "WithTags" in request.query and tags
    more = [Check(made, "cloudfront:TagResource", tags)] if tagged else []
    return [Check("*", context=tags), *more, *acl]


def kms_checks(request: Request) -> list[Check]:
    """Name a key by its own ARN, also where an alias names it; an alias' change needs both."""
    from ministack.services import kms

    alias, target = request.get("AliasName"), request.get("TargetKeyId")
    record = kms._resolve_key(request.get("KeyId") or target or alias)
    keys = [record["Arn"]] if record else []
    if request.operation in ("CreateAlias", "UpdateAlias", "DeleteAlias"):
        return [Check(arn) for arn in [request.arn(alias), *keys]]
    if request.operation == "CreateKey":
        return [Check("*"), *check_tagging(request, request.arn("key/*"), "kms:TagResource")]
    return [Check(keys[0] if keys else request.upstream_arn)]


def iam_checks(request: Request) -> list[Check]:
    """Name roles and users with their path; what is new by the name it will have."""
    for kind in ("Role", "User"):
        if request.get(f"{kind}Name"):
            return _check_principal(request, kind)
    if request.operation == "CreatePolicy":
        name = f"{request.get('Path') or '/'}{request.get('PolicyName')}"
        arn = request.arn(f"policy{name}", region="")
        return [Check(arn), *check_tagging(request, arn, "iam:TagPolicy")]
    if request.operation == "CreateOpenIDConnectProvider":
        host = request.get("Url").partition("://")[2].rstrip("/")
        arn = request.arn(f"oidc-provider/{host}", region="")
        return [Check(arn), *check_tagging(request, arn, "iam:TagOpenIDConnectProvider")]
    return [Check(request.get("OpenIDConnectProviderArn") or request.upstream_arn)]


def _check_principal(request: Request, kind: str) -> list[Check]:
    """Name a role or user, with its boundary: the one request for, or else the one it has."""
    from ministack.services import iam

    store = iam._roles if kind == "Role" else iam._users
    name = request.get(f"{kind}Name")
    record = store.get_scoped(request.account, None, name) or {}
    asks = request.operation in (f"Create{kind}", f"Put{kind}PermissionsBoundary")
    boundary = request.get("PermissionsBoundary") if asks else record.get("PermissionsBoundary")
    new = request.arn(f"{kind.lower()}{request.get('Path') or '/'}{name}", region="")
    arn = record.get("Arn") or new
    context = {
        "iam:PermissionsBoundary": boundary or None,
        "iam:PolicyARN": request.get("PolicyArn") or None,
    }
    creates = request.operation == f"Create{kind}"
    tagged = check_tagging(request, arn, f"iam:Tag{kind}") if creates else []
    return [Check(arn, context=context), *tagged]


RULES: dict[str, Callable[[Request], list[Check]]] = {
    "acm": acm_checks,
    # Beside what ministack does: the tags that a request sets.
    "apigateway": lambda request: [Check(request.upstream_arn, context=request_keys(request))],
    "cloudfront": cloudfront_checks,
    "dynamodb": dynamodb_checks,
    "events": events_checks,
    "iam": iam_checks,
    "kms": kms_checks,
    "lambda": lambda_checks,
    "logs": logs_checks,
    "monitoring": monitoring_checks,
    "route53": route53_checks,
    "secretsmanager": secretsmanager_checks,
    "ses": ses_checks,
    "sns": sns_checks,
    "sqs": sqs_checks,
    "ssm": ssm_checks,
}


def _check_pass_role(role: str, service: str) -> list[Check]:
    """Ask for iam:PassRole where a service gets a role.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    """
    return [Check(role, "iam:PassRole", {"iam:PassedToService": service})] if role else []
