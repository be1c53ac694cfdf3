"""A certificate is asked for once, and proved where the zone is; else people are told how."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ship.aws import Account
from ship.config import Domain
from ship.environments import domain
from ship.errors import ShipError
from tests.ship.environments.factories import SILENT

HERE, ELSEWHERE = Domain("www.example.org", "Z1"), Domain("www.example.org")
PROOF = {"Name": "_a.www.example.org.", "Type": "CNAME", "Value": "_b.acm-validations.aws."}


class Aws:
    """ACM, Route 53 and CloudFront: a record is chosen late, and proof issues the certificate."""

    def __init__(self) -> None:
        self.certificates: dict[str, Any] = {}
        self.entered: dict[str, Any] = {}
        self.regions: set[str] = set()
        self.asked: list[Any] = []

    def client(self, _: str) -> Aws:
        return self

    def get_paginator(self, _: str) -> Aws:
        return self

    def paginate(self, CertificateStatuses: list[str]) -> Any:  # noqa: N803 - boto3's
        wanted = {arn: c for arn, c in self.certificates.items() if c[1] in CertificateStatuses}
        listed = [{"CertificateArn": arn, "DomainName": c[0]} for arn, c in wanted.items()]
        return [{"CertificateSummaryList": listed[:1]}, {"CertificateSummaryList": listed[1:]}]

    def request_certificate(self, **given: Any) -> Any:
        self.asked.append(given)
        self.certificates["new"] = [given["DomainName"], "PENDING_VALIDATION", 0]
        return {"CertificateArn": "new"}

    def describe_certificate(self, CertificateArn: str) -> Any:  # noqa: N803 - boto3's
        found = self.certificates[CertificateArn]
        found[2] += 1
        if PROOF["Name"] in self.entered:
            found[1] = "ISSUED"
        option = {"ResourceRecord": PROOF} if found[2] > 1 else {}
        return {"Certificate": {"Status": found[1], "DomainValidationOptions": [option]}}

    def change_resource_record_sets(self, HostedZoneId: str, ChangeBatch: Any) -> None:  # noqa: N803
        assert HostedZoneId == "Z1"
        (change,) = ChangeBatch["Changes"]
        assert change["Action"] == "UPSERT"
        record = change["ResourceRecordSet"]
        self.entered[record["Name"]] = record["ResourceRecords"]

    def get_distribution(self, Id: str) -> Any:  # noqa: N803 - boto3's
        return {"Distribution": {"DomainName": f"{Id}.cloudfront.net"}}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    made = Aws()

    def clients(account: Account, _: object) -> Aws:
        made.regions.add(account.region)
        return made

    monkeypatch.setattr(domain, "Clients", clients)
    monkeypatch.setattr(domain, "_PAUSE_SECONDS", 0)
    return made


def context(found: Domain | None) -> Any:
    domains = {"live": found} if found else {}
    project = SimpleNamespace(name="shop", domains=domains)
    return SimpleNamespace(project=project, progress=SILENT)


def clients(aws: Aws) -> Any:
    account = Account("1" * 12, "eu-north-1")
    return SimpleNamespace(account=account, credentials=None, client=lambda _: aws)


def records(aws: Aws, found: Domain | None) -> str:
    return domain.describe_records(context(found), "live", clients(aws), "d1")


def test_a_certificate_is_proved_where_the_zone_is_in_the_account(aws: Aws) -> None:
    domain.prepare(context(HERE), "live", clients(aws))

    assert aws.regions == {"us-east-1"}
    assert list(aws.entered) == [PROOF["Name"]]
    found = domain.find(clients(aws), HERE)
    assert found
    assert (found.arn, found.is_issued) == ("new", True)
    (asked,) = aws.asked
    assert {"Key": "environment", "Value": "live"} in asked["Tags"]
    assert records(aws, HERE) == ""


def test_where_the_zone_is_elsewhere_both_records_are_named_until_it_is_issued(aws: Aws) -> None:
    for _ in range(2):
        domain.prepare(context(ELSEWHERE), "live", clients(aws))

    said = records(aws, ELSEWHERE)
    assert len(aws.asked) == 1
    assert not aws.entered
    assert "_a.www.example.org. CNAME _b.acm-validations.aws." in said
    assert "www.example.org. CNAME d1.cloudfront.net." in said
    assert "run `ship apply live` again; until then the site is https://d1.cloudfront.net" in said
    aws.certificates["new"][1] = "ISSUED"
    assert records(aws, ELSEWHERE) == ""


def test_an_issued_certificate_is_used_before_one_that_waits(aws: Aws) -> None:
    aws.certificates = {
        "other": ["example.org", "ISSUED", 0],
        "waiting": ["www.example.org", "PENDING_VALIDATION", 0],
        "issued": ["www.example.org", "ISSUED", 0],
    }

    domain.prepare(context(HERE), "live", clients(aws))

    found = domain.find(clients(aws), HERE)
    assert found
    assert found.arn == "issued"
    assert (aws.asked, aws.entered) == ([], {})


def test_a_zone_that_the_world_does_not_ask_is_named(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "_ISSUE_SECONDS", -1.0)

    with pytest.raises(ShipError, match="was not issued") as raised:
        domain.prepare(context(HERE), "live", clients(aws))
    assert "the zone Z1" in raised.value.hint


def test_an_environment_without_a_domain_asks_for_nothing(aws: Aws) -> None:
    domain.prepare(context(None), "live", clients(aws))

    assert records(aws, None) == ""
    assert aws.regions == set()
