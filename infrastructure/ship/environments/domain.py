"""An environment's own domain: its certificate, and what to enter where its zone is.

CloudFront takes certificates of us-east-1 alone. A certificate that the account has for the domain
is used; it costs nothing, and is left when the environment is destroyed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ship.aws import Clients, aws_call
from ship.errors import ShipError

if TYPE_CHECKING:
    from ship.aws import Client
    from ship.config import Domain
    from ship.environments.context import Context

_REGION = "us-east-1"
_HINT = "widen the role with `ship bootstrap --aws` (on the emulator `ship up`); run this again"
# ACM looks for a record about once a minute.
# https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
_ISSUE_SECONDS, _PAUSE_SECONDS = 600.0, 5.0


@dataclass(frozen=True)
class Certificate:
    """A certificate, and the record that proves whose domain it is."""

    arn: str
    is_issued: bool
    record: tuple[str, str, str]
    """Name, type and value; empty texts until ACM has chosen them."""


def find(clients: Clients, domain: Domain) -> Certificate | None:
    """The account's certificate for a domain: an issued one before one that waits."""
    acm = _acm(clients)
    statuses = ["ISSUED", "PENDING_VALIDATION"]
    pages = acm.get_paginator("list_certificates")
    listed = aws_call(
        lambda: [
            one["CertificateArn"]
            for page in pages.paginate(CertificateStatuses=statuses)
            for one in page["CertificateSummaryList"]
            if one["DomainName"] == domain.name
        ],
        "the certificates in us-east-1 cannot be listed",
        _HINT,
    )
    found = [_describe(acm, arn) for arn in listed]
    return min(found, key=lambda one: not one.is_issued, default=None)


def prepare(context: Context, environment: str, clients: Clients) -> None:
    """Ask for a certificate if there is none; with the zone here, wait until it is issued."""
    domain = context.project.domains.get(environment)
    if domain is None:
        return
    found = find(clients, domain)
    if found is None:
        tags = {"environment": environment, "managed-by": "ship", "project": context.project.name}
        asked = aws_call(
            lambda: _acm(clients).request_certificate(
                DomainName=domain.name,
                # The same request within an hour makes no second one.
                IdempotencyToken=environment,
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                ValidationMethod="DNS",
            ),
            f"a certificate for {domain.name} cannot be asked for",
            _HINT,
        )
        found = _describe(_acm(clients), asked["CertificateArn"])
    if domain.zone and not found.is_issued:
        with context.progress.step(f"certificate of {domain.name}"):
            _prove(clients, domain.zone, found.arn)


def describe_records(
    context: Context, environment: str, clients: Clients, distribution: str
) -> str:
    """What people have to enter where the zone is, while the certificate waits for it."""
    domain = context.project.domains.get(environment)
    found = find(clients, domain) if domain else None
    if domain is None or found is None or found.is_issued:
        return ""
    site = aws_call(
        partial(clients.client("cloudfront").get_distribution, Id=distribution),
        "the distribution cannot be read",
        _HINT,
    )["Distribution"]["DomainName"]
    records = [found.record, (f"{domain.name}.", "CNAME", f"{site}.")]
    lines = [" ".join(record) for record in records if record[0]]
    return "\n".join(
        [
            f"the certificate of {domain.name} waits. Enter where its zone is, and leave there:",
            *(f"  {line}" for line in lines),
            f"then run `ship apply {environment}` again; until then the site is https://{site}",
        ]
    )


def _acm(clients: Clients) -> Client:
    return Clients(replace(clients.account, region=_REGION), clients.credentials).client("acm")


def _describe(acm: Client, arn: str) -> Certificate:
    found = aws_call(
        partial(acm.describe_certificate, CertificateArn=arn),
        f"the certificate {arn} cannot be read",
        _HINT,
    )["Certificate"]
    option: dict[str, Any] = next(iter(found.get("DomainValidationOptions", [])), {})
    record = option.get("ResourceRecord", {})
    texts = (record.get("Name", ""), record.get("Type", ""), record.get("Value", ""))
    return Certificate(arn, found["Status"] == "ISSUED", texts)


def _prove(clients: Clients, zone: str, arn: str) -> None:
    """Enter the record that proves whose domain it is, and wait for the certificate."""
    acm, entered = _acm(clients), False
    until = time.monotonic() + _ISSUE_SECONDS
    while not (found := _describe(acm, arn)).is_issued:
        # ACM needs some seconds to choose the record.
        if not entered and found.record[0]:
            entered = _enter(clients.client("route53"), zone, found.record)
        if time.monotonic() > until:
            raise ShipError(
                f"{arn} was not issued within {_ISSUE_SECONDS / 60:.0f} minutes",
                f"see whether the zone {zone} is the one that the domain's registrar names, then "
                "run this again",
            )
        time.sleep(_PAUSE_SECONDS)


def _enter(route53: Client, zone: str, record: tuple[str, str, str]) -> bool:
    name, kind, value = record
    entry = {"Name": name, "Type": kind, "TTL": 300, "ResourceRecords": [{"Value": value}]}
    changes = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": entry}]}
    aws_call(
        partial(route53.change_resource_record_sets, HostedZoneId=zone, ChangeBatch=changes),
        f"{name} cannot be entered into the zone {zone}",
        _HINT,
    )
    return True
