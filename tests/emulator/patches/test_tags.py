"""Tags decide: those that a request sets, and those that a resource has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from emulator.patches.asked import Asked
from emulator.patches.tags import request_keys

from ..account import (
    NUMBER,
    REGION,
    Account,
    distribution_config,
    is_refused,
    policy,
    unique,
    zipped,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ANY = {"Effect": "Allow", "Resource": "*", "Action": "*"}
RULE = {"ScheduleExpression": "rate(1 minute)"}
ALARM = {
    "Namespace": "Shop",
    "MetricName": "Errors",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


def pairs(stage: str) -> list[dict[str, str]]:
    return [{"Key": "stage", "Value": stage}]


def make_api(account: Account, stage: str) -> str:
    made = account.client("apigatewayv2").create_api(
        Name="shop", ProtocolType="HTTP", Tags={"stage": stage}
    )
    return str(made["ApiId"])


def make_distribution(account: Account, stage: str) -> str:
    config = distribution_config("a shop", "bucket", "control", "http://127.0.0.1:1/x")
    made = account.client("cloudfront").create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": {"Items": pairs(stage)}}
    )
    return str(made["Distribution"]["Id"])


def make_rule(account: Account, stage: str) -> str:
    name = unique("rule")
    account.client("events").put_rule(Name=name, Tags=pairs(stage), **RULE)
    return name


def make_alarm(account: Account, stage: str) -> str:
    name = unique("alarm")
    account.client("cloudwatch").put_metric_alarm(AlarmName=name, Tags=pairs(stage), **ALARM)
    return name


def make_key(account: Account, stage: str) -> str:
    tags = [{"TagKey": "stage", "TagValue": stage}]
    return str(account.client("kms").create_key(Tags=tags)["KeyMetadata"]["KeyId"])


def make_parameter(account: Account, stage: str) -> str:
    name = f"/{unique('shop')}"
    account.client("ssm").put_parameter(Name=name, Value="1", Type="String", Tags=pairs(stage))
    return name


def make_role(account: Account, stage: str) -> str:
    name = unique("role")
    account.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=policy(), Tags=pairs(stage)
    )
    return name


def make_policy(account: Account, stage: str) -> str:
    make = account.client("iam").create_policy
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = policy(allow)
    made = make(PolicyName=unique("policy"), PolicyDocument=document, Tags=pairs(stage))
    return str(made["Policy"]["Arn"])


def make_log_group(account: Account, stage: str) -> str:
    name = f"/{unique('group')}"
    account.client("logs").create_log_group(logGroupName=name, tags={"stage": stage})
    return name


def make_function(account: Account, stage: str) -> str:
    name = unique("function")
    account.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=f"arn:aws:iam::{NUMBER}:role/passed",
        Handler="code.handler",
        Code={"ZipFile": zipped("")},
        Tags={"stage": stage},
    )
    return name


READS: dict[Callable[[Account, str], str], tuple[str, str, str]] = {
    make_api: ("apigatewayv2", "get_api", "ApiId"),
    make_distribution: ("cloudfront", "get_distribution", "Id"),
    make_rule: ("events", "describe_rule", "Name"),
    make_key: ("kms", "describe_key", "KeyId"),
    make_parameter: ("ssm", "get_parameter", "Name"),
    make_role: ("iam", "get_role", "RoleName"),
    make_log_group: ("logs", "describe_log_streams", "logGroupName"),
}
MAKERS = (*READS, make_alarm, make_policy, make_function)


@pytest.fixture(scope="module")
def by_request(account: Account) -> Account:
    """Whoever may do anything that sets the tag stage=dev."""
    return _acting(account, {"aws:RequestTag/stage": "dev"})


@pytest.fixture(scope="module")
def by_resource(account: Account) -> Account:
    """Whoever may do anything to what has the tag stage=dev."""
    return _acting(account, {"aws:ResourceTag/stage": "dev"})


def _acting(account: Account, wanted: dict[str, str]) -> Account:
    role = account.role({"AWS": f"arn:aws:iam::{NUMBER}:root"})
    passing = {"Effect": "Allow", "Resource": "*", "Action": "iam:PassRole"}
    account.allow(role["RoleName"], ANY | {"Condition": {"StringEquals": wanted}}, passing)
    return account.assume(role["Arn"])


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_only_what_gets_the_right_tag_may_be_made(
    by_request: Account, make: Callable[[Account, str], str]
) -> None:
    assert not is_refused(lambda: make(by_request, "dev"))
    assert is_refused(lambda: make(by_request, "production"))


@pytest.mark.parametrize("make", READS, ids=lambda make: make.__name__)
def test_only_what_has_the_right_tag_may_be_read(
    account: Account, by_resource: Account, make: Callable[[Account, str], str]
) -> None:
    service, operation, parameter = READS[make]
    read = getattr(by_resource.client(service), operation)
    ours, theirs = make(account, "dev"), make(account, "production")
    assert not is_refused(lambda: read(**{parameter: ours}))
    assert is_refused(lambda: read(**{parameter: theirs}))


def test_an_alarm_is_deleted_only_with_the_right_tag(
    account: Account, by_resource: Account
) -> None:
    delete = by_resource.client("cloudwatch").delete_alarms
    ours, theirs = make_alarm(account, "dev"), make_alarm(account, "production")
    assert not is_refused(lambda: delete(AlarmNames=[ours]))
    assert is_refused(lambda: delete(AlarmNames=[theirs]))


def test_without_the_mend_the_right_tag_does_not_help(unmended: Account) -> None:
    by_request = _acting(unmended, {"aws:RequestTag/stage": "dev"})
    by_resource = _acting(unmended, {"aws:ResourceTag/stage": "dev"})
    for make in (make_distribution, make_alarm):
        assert is_refused(lambda: make(by_request, "dev"))  # noqa: B023
    api = make_api(unmended, "dev")
    assert is_refused(lambda: by_resource.client("apigatewayv2").get_api(ApiId=api))


@pytest.mark.parametrize(
    ("body", "query", "expected"),
    [
        ("", {}, {}),
        ('{"Tags": {"a": 1}}', {}, {"aws:RequestTag/a": "1", "aws:TagKeys": ["a"]}),
        (
            '{"Tags": [{"Key": "a", "Value": "b"}]}',
            {},
            {"aws:RequestTag/a": "b", "aws:TagKeys": ["a"]},
        ),
        ('{"TagKeys": ["a"]}', {}, {"aws:TagKeys": ["a"]}),
        (
            "<Tags><Items><Tag><Key>a</Key><Value>b &amp; c</Value></Tag></Items></Tags>",
            {},
            {"aws:RequestTag/a": "b & c", "aws:TagKeys": ["a"]},
        ),
        ("<TagKeys><Items><Key>a</Key></Items></TagKeys>", {}, {"aws:TagKeys": ["a"]}),
        (
            "",
            {"Tags.member.1.Key": ["a"], "Tags.member.1.Value": ["b"]},
            {"aws:RequestTag/a": "b", "aws:TagKeys": ["a"]},
        ),
    ],
)
def test_tags_are_read_from_every_protocol(
    body: str, query: dict[str, Any], expected: dict[str, Any]
) -> None:
    asked = Asked("any", "POST", "/", {}, body.encode(), query, REGION, NUMBER, "*")
    assert request_keys(asked) == expected
