"""Tags decide: those that a request sets, and those that a resource has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from emulator.patches.iam_request import AuthorizationRequest, request_keys

from ..account import (
    ALARM,
    NUMBER,
    REGION,
    Account,
    distribution_config,
    function_config,
    is_refused,
    pairs,
    policy,
    unique,
)

ANY = {"Effect": "Allow", "Resource": "*", "Action": "*"}
ONE = {"aws:RequestTag/a": "b", "aws:TagKeys": ["a"]}
RATE = {"ScheduleExpression": "rate(1 minute)"}
TRUST = {"AssumeRolePolicyDocument": policy()}
DOCUMENT = {"PolicyDocument": policy(ANY)}
SITE = distribution_config("a shop", "bucket", "control", "http://127.0.0.1:1/x")


@dataclass(frozen=True)
class Kind:
    """How to make a resource with the tag `stage`, and to use it by its identifier."""

    parameters: Callable[[str, str], dict[str, Any]]
    service: str
    create: str
    use: str = ""
    identifier: str = ""

    def make(self, account: Account, stage: str) -> Any:
        """Make one; its identifier."""
        name = unique(self.create)
        create = getattr(account.client(self.service), self.create)
        made = create(**self.parameters(name, stage))
        inner = made.get("Distribution") or made.get("KeyMetadata") or made
        by_name: dict[str, Any] = dict.fromkeys(
            ("EmailIdentity", "Name", "RoleName", "logGroupName"), name
        )
        by_name["AlarmNames"] = [name]
        return inner.get(self.identifier) or by_name.get(self.identifier)


def kind(calls: str, parameters: Callable[[str, str], dict[str, Any]]) -> Kind:
    return Kind(parameters, *calls.split())


def tagged_site(_: str, stage: str) -> dict[str, Any]:
    site = SITE | {"CallerReference": unique("reference")}
    both = {"DistributionConfig": site, "Tags": {"Items": pairs(stage)}}
    return {"DistributionConfigWithTags": both}


KINDS = {
    "api": kind(
        "apigatewayv2 create_api get_api ApiId",
        lambda name, stage: {"Name": name, "ProtocolType": "HTTP", "Tags": {"stage": stage}},
    ),
    "distribution": kind(
        "cloudfront create_distribution_with_tags get_distribution Id", tagged_site
    ),
    "rule": kind(
        "events put_rule describe_rule Name",
        lambda name, stage: {"Name": name, "Tags": pairs(stage)} | RATE,
    ),
    "key": kind(
        "kms create_key describe_key KeyId",
        lambda _, stage: {"Tags": [{"TagKey": "stage", "TagValue": stage}]},
    ),
    "parameter": kind(
        "ssm put_parameter get_parameter Name",
        lambda name, stage: {"Name": name, "Value": "1", "Type": "String", "Tags": pairs(stage)},
    ),
    "role": kind(
        "iam create_role get_role RoleName",
        lambda name, stage: {"RoleName": name, "Tags": pairs(stage)} | TRUST,
    ),
    "log group": kind(
        "logs create_log_group describe_log_streams logGroupName",
        lambda name, stage: {"logGroupName": name, "tags": {"stage": stage}},
    ),
    "alarm": kind(
        "cloudwatch put_metric_alarm delete_alarms AlarmNames",
        lambda name, stage: {"AlarmName": name, "Tags": pairs(stage)} | ALARM,
    ),
    "identity": kind(
        "sesv2 create_email_identity get_email_identity EmailIdentity",
        lambda name, stage: {"EmailIdentity": name, "Tags": pairs(stage)},
    ),
    "policy": kind(
        "iam create_policy",
        lambda name, stage: {"PolicyName": name, "Tags": pairs(stage)} | DOCUMENT,
    ),
    "function": kind(
        "lambda create_function",
        lambda name, stage: function_config(name) | {"Tags": {"stage": stage}},
    ),
}


@pytest.fixture(scope="module")
def by_request(account: Account) -> Account:
    """May do anything that sets the tag stage=dev."""
    return _acting(account, "aws:RequestTag/stage")


@pytest.fixture(scope="module")
def by_resource(account: Account) -> Account:
    """May do anything to what has the tag stage=dev."""
    return _acting(account, "aws:ResourceTag/stage")


def _acting(account: Account, key: str) -> Account:
    tagged = {"Condition": {"StringEquals": {key: "dev"}}}
    return account.acting(ANY | tagged, ANY | {"Action": "iam:PassRole"})


@pytest.mark.parametrize("made", KINDS)
def test_only_what_gets_the_right_tag_may_be_made(by_request: Account, made: str) -> None:
    assert not is_refused(lambda: KINDS[made].make(by_request, "dev"))
    assert is_refused(lambda: KINDS[made].make(by_request, "production"))


@pytest.mark.parametrize("made", [name for name, found in KINDS.items() if found.use])
def test_only_with_the_right_tag_may_be_used(
    account: Account, by_resource: Account, made: str
) -> None:
    which = KINDS[made]
    use = getattr(by_resource.client(which.service), which.use)
    right, wrong = which.make(account, "dev"), which.make(account, "production")
    assert not is_refused(lambda: use(**{which.identifier: right}))
    assert is_refused(lambda: use(**{which.identifier: wrong}))


def test_without_the_patch_the_right_tag_does_not_help(unpatched: Account) -> None:
    by_request = _acting(unpatched, "aws:RequestTag/stage")
    by_resource = _acting(unpatched, "aws:ResourceTag/stage")
    for made in ("distribution", "alarm"):
        assert is_refused(lambda made=made: KINDS[made].make(by_request, "dev"))
    api = KINDS["api"].make(unpatched, "dev")
    assert is_refused(lambda: by_resource.client("apigatewayv2").get_api(ApiId=api))


@pytest.mark.parametrize(
    ("body", "query", "expected"),
    [
        ("", {}, {}),
        ('{"Tags": {"a": 1}}', {}, {"aws:RequestTag/a": "1", "aws:TagKeys": ["a"]}),
        ('{"Tags": [{"Key": "a", "Value": "b"}]}', {}, ONE),
        ('{"TagKeys": ["a"]}', {}, {"aws:TagKeys": ["a"]}),
        (
            "<Tags><Items><Tag><Key>a</Key><Value>b &amp; c</Value></Tag></Items></Tags>",
            {},
            {"aws:RequestTag/a": "b & c", "aws:TagKeys": ["a"]},
        ),
        ('<TagKeys xmlns="x"><Items><Key>a</Key></Items></TagKeys>', {}, {"aws:TagKeys": ["a"]}),
        ("", {"tagKeys": ["a"]}, {"aws:TagKeys": ["a"]}),
        ("", {"tagKeys": "a"}, {"aws:TagKeys": ["a"]}),
        ("", {"Tags.member.1.Key": ["a"], "Tags.member.1.Value": ["b"]}, ONE),
    ],
)
def test_tags_are_read_from_every_protocol(
    body: str, query: dict[str, Any], expected: dict[str, Any]
) -> None:
    sent: Any = ("any", "POST", "/", {}, body.encode(), query, REGION, NUMBER, "*")
    assert request_keys(AuthorizationRequest(*sent)) == expected
