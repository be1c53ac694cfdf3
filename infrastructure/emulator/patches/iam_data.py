"""IAM: what must be allowed for requests about tables, queues, topics, secrets, mail and domains.

As in iam_rules.py, where these are listed.
"""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

from __future__ import annotations

import base64
import re
from email import message_from_bytes
from email.utils import parseaddr
from typing import TYPE_CHECKING
from urllib.parse import unquote

from emulator.patches.iam_request import Check, check_tagging, request_keys

if TYPE_CHECKING:
    from emulator.patches.iam_request import AuthorizationRequest as Request


def dynamodb_checks(request: Request) -> list[Check]:
    """Name a table or index; requests about tags and policies name it by its ARN."""
    arn = request.get("ResourceArn") or request.get("StreamArn") or request.upstream_arn
    creates = request.operation == "CreateTable"
    tagged = check_tagging(request, arn, "dynamodb:TagResource") if creates else []
    return [Check(arn), *tagged]


def sqs_checks(request: Request) -> list[Check]:
    """Name a queue; a batch is allowed as what it is a batch of.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    """
    arn = request.get("SourceArn") or request.upstream_arn
    if request.operation.endswith("Batch"):
        return [Check(arn, f"sqs:{request.operation.removesuffix('Batch')}")]
    creates = request.operation == "CreateQueue"
    return [Check(arn), *(check_tagging(request, arn, "sqs:TagQueue") if creates else [])]


def sns_checks(request: Request) -> list[Check]:
    """Name a topic, for its subscriptions as well; a batch is allowed as what it is a batch of.

    The reference knows no resource for subscriptions, but AWS's own denials name their topic:
    "not authorized to perform: SNS:Unsubscribe on resource: arn:aws:sns:REGION:ACCOUNT:TOPIC".
    """
    topic = request.get("SubscriptionArn").rpartition(":")[0]
    arn = request.get("ResourceArn") or topic or request.upstream_arn
    if request.operation == "PublishBatch":
        return [Check(arn, "sns:Publish")]
    given = {"sns:Protocol": request.get("Protocol"), "sns:Endpoint": request.get("Endpoint")}
    context = {name: value or None for name, value in given.items()}
    creates = request.operation == "CreateTopic"
    tagged = check_tagging(request, arn, "sns:TagResource") if creates else []
    return [Check(arn, context=context), *tagged]


def secretsmanager_checks(request: Request) -> list[Check]:
    """Name a secret; tags that it is created with are allowed besides."""
    creates = request.operation == "CreateSecret"
    arn = request.upstream_arn
    tagged = check_tagging(request, arn, "secretsmanager:TagResource") if creates else []
    return [Check(arn), *tagged]


def ses_checks(request: Request) -> list[Check]:
    """Name what mail is sent from and by: identity, configuration set and template.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
    """
    parts = [unquote(part) for part in request.path.split("/") if part][2:]
    if parts[:1] == ["tags"]:
        return [Check(request.get("ResourceArn"), context=request_keys(request))]
    if not (sender := _read_sender(request)):
        tagged = check_tagging(request, request.upstream_arn, "ses:TagResource")
        creates = request.method == "POST" and len(parts) == 1
        context = request_keys(request)
        more = [Check(one.resource, one.action, context) for one in tagged if creates]
        return [Check(unquote(request.upstream_arn), context=context), *more]
    template = request.get("Template") or _read(request, "Content", "Template", "TemplateName")
    names = {
        "configuration-set": request.get("ConfigurationSetName"),
        "template": template,
    }
    arns = [request.arn(f"{kind}/{name}") for kind, name in names.items() if name]
    return [Check(arn) for arn in (_identity_arn(request, sender), *arns)]


def acm_checks(request: Request) -> list[Check]:
    """Name a certificate; a new one has no name, but its domains."""
    if request.operation != "RequestCertificate":
        return [Check(request.upstream_arn, context=request_keys(request))]
    domains = {request.get("DomainName"), *request.get_list("SubjectAlternativeNames")}
    context = {"acm:DomainNames": sorted(domains), **request_keys(request)}
    tagged = [Check(request.arn("certificate/*"), "acm:AddTagsToCertificate", context)]
    return [Check("*", context=context), *(tagged if request.sets_tags() else [])]


def route53_checks(request: Request) -> list[Check]:
    """Name a zone, and the names of the records that are changed in it.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-rrset-conditions.html
    """
    parts = [part for part in request.path.split("/") if part][1:]
    if parts[:1] == ["change"]:
        return [Check(f"arn:aws:route53:::change/{parts[1]}")]
    names = re.findall(r"<Name>([^<]*)</Name>", request.body.decode())
    normalized = [name.lower().rstrip(".") for name in names] or None
    key = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
    return [Check(request.upstream_arn, context={key: normalized})]


def _read_sender(request: Request) -> str:
    """The address, or the identity's ARN, that a request sends mail from; empty for others."""
    given = ("FromEmailAddressIdentityArn", "FromEmailAddress", "SourceArn", "Source")
    if sender := next(filter(None, map(request.get, given)), ""):
        return sender
    raw = request.get("RawMessage.Data") or _read(request, "Content", "Raw", "Data")
    return str(message_from_bytes(base64.b64decode(raw)).get("From", "")) if raw else ""


def _read(request: Request, *path: str) -> str:
    found: object = request.data
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return str(found or "")


def _identity_arn(request: Request, sender: str) -> str:
    """The identity of a sender: the address itself where it is verified, else its domain."""
    from ministack.services import ses, ses_v2

    if sender.startswith("arn:"):
        return sender
    address = parseaddr(sender)[1]
    known = address in ses_v2._identities or address in ses._identities
    return request.arn(f"identity/{address if known else address.rpartition('@')[2]}")
