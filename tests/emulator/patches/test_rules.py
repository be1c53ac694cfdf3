"""A least-privilege policy that is right on AWS is right here, and a wrong one is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from ..account import NUMBER, REGION, Account, distribution_config, is_refused, policy, zipped

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = f"{REGION}:{NUMBER}"
LAMBDA = f"arn:aws:lambda:{HERE}:function:shop-dev"
TRUST = policy(
    {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
)
BOUNDARY = f"arn:aws:iam::{NUMBER}:policy/shop-boundary"
TAGS = [{"Key": "stage", "Value": "dev"}]


@dataclass(frozen=True)
class Row:
    """A call, and the one statement that AWS wants for it."""

    action: str
    resource: str
    service: str
    operation: str
    parameters: dict[str, Any]
    condition: dict[str, Any] = field(default_factory=dict)
    besides: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.action} on {self.resource.rpartition(NUMBER)[2] or self.resource}"

    def statements(self) -> list[dict[str, Any]]:
        first = {"Effect": "Allow", "Action": self.action, "Resource": self.resource}
        more = [{"Effect": "Allow", "Action": name, "Resource": arn} for name, arn in self.besides]
        return [first | ({"Condition": self.condition} if self.condition else {}), *more]

    def call(self, account: Account) -> Callable[[], object]:
        method = getattr(account.client(self.service), self.operation)
        return lambda: method(**self.parameters)


def function(action: str, operation: str, qualifier: str = "", **parameters: Any) -> Row:
    arn = f"{LAMBDA}:{qualifier}" if qualifier else LAMBDA
    given = {"FunctionName": "shop-dev"} | ({"Qualifier": qualifier} if qualifier else {})
    return Row(f"lambda:{action}", arn, "lambda", operation, given | parameters)


def parameter(action: str, operation: str, name: str, **parameters: Any) -> Row:
    arn = f"arn:aws:ssm:{HERE}:parameter/{name}"
    return Row(f"ssm:{action}", arn, "ssm", operation, parameters)


def rule(action: str, operation: str, **parameters: Any) -> Row:
    arn = f"arn:aws:events:{HERE}:rule/shop-dev"
    return Row(f"events:{action}", arn, "events", operation, parameters)


def logs(action: str, operation: str, group: str = "/aws/lambda/shop-dev", **more: Any) -> Row:
    arn = f"arn:aws:logs:{HERE}:log-group:{group}:*"
    given = {"logGroupName": group} if operation != "describe_log_groups" else {}
    return Row(f"logs:{action}", arn, "logs", operation, given | more)


def alarm(action: str, operation: str, resource: str, **parameters: Any) -> Row:
    return Row(f"cloudwatch:{action}", resource, "cloudwatch", operation, parameters)


def cloudfront(action: str, operation: str, resource: str, **parameters: Any) -> Row:
    arn = f"arn:aws:cloudfront::{NUMBER}:{resource}"
    return Row(f"cloudfront:{action}", arn, "cloudfront", operation, parameters)


def iam(action: str, operation: str, resource: str, **parameters: Any) -> Row:
    arn = f"arn:aws:iam::{NUMBER}:{resource}"
    return Row(f"iam:{action}", arn, "iam", operation, parameters)


CREATE = {
    "FunctionName": "shop-dev",
    "Runtime": "python3.13",
    "Role": f"arn:aws:iam::{NUMBER}:role/shop-dev-function",
    "Handler": "code.handler",
    "Code": {"ZipFile": zipped("")},
}
PASS = ("iam:PassRole", f"arn:aws:iam::{NUMBER}:role/shop-dev-function")
ALARM = {
    "AlarmName": "shop-dev-errors",
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
DEV_ALARM = f"arn:aws:cloudwatch:{HERE}:alarm:shop-dev-errors"
DASHBOARD = f"arn:aws:cloudwatch::{NUMBER}:dashboard/shop-dev"
ROLE = "role/shop-dev-function"
EVERY_DISTRIBUTION = f"arn:aws:cloudfront::{NUMBER}:distribution/*"
SITE = distribution_config("a shop", "bucket", "control", "http://127.0.0.1:1/x")
CONTROL = {
    "Name": "shop-dev",
    "OriginAccessControlOriginType": "s3",
    "SigningBehavior": "always",
    "SigningProtocol": "sigv4",
}

ROWS = (
    Row("lambda:CreateFunction", LAMBDA, "lambda", "create_function", CREATE, besides=(PASS,)),
    Row(
        "lambda:CreateFunction",
        LAMBDA,
        "lambda",
        "create_function",
        CREATE | {"Tags": {"stage": "dev"}},
        besides=(PASS, ("lambda:TagResource", LAMBDA)),
    ),
    function("GetFunction", "get_function"),
    function("GetFunctionConfiguration", "get_function_configuration"),
    function("GetFunctionConfiguration", "get_function_configuration", "7"),
    function("InvokeFunction", "invoke", "7"),
    function("InvokeFunction", "invoke", "live"),
    function("InvokeFunction", "invoke"),
    function("GetAlias", "get_alias", Name="live"),
    function("CreateAlias", "create_alias", Name="live", FunctionVersion="1"),
    function("UpdateAlias", "update_alias", Name="live", FunctionVersion="1"),
    function("DeleteAlias", "delete_alias", Name="live"),
    function("ListAliases", "list_aliases"),
    function("ListVersionsByFunction", "list_versions_by_function"),
    function("PublishVersion", "publish_version"),
    function("DeleteFunction", "delete_function"),
    function("DeleteFunction", "delete_function", "7"),
    function("GetFunctionConcurrency", "get_function_concurrency"),
    function("PutFunctionConcurrency", "put_function_concurrency", ReservedConcurrentExecutions=1),
    function("DeleteFunctionConcurrency", "delete_function_concurrency"),
    function("GetPolicy", "get_policy", "live"),
    function("GetFunctionCodeSigningConfig", "get_function_code_signing_config"),
    function(
        "AddPermission",
        "add_permission",
        "live",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    ),
    function("RemovePermission", "remove_permission", "live", StatementId="api"),
    Row(
        "lambda:UpdateFunctionCode",
        LAMBDA,
        "lambda",
        "update_function_code",
        {"FunctionName": "shop-dev", "S3Bucket": "shop-dev-artifacts", "S3Key": "a/backend.zip"},
        besides=(("s3:GetObject", "arn:aws:s3:::shop-dev-artifacts/a/*"),),
    ),
    parameter("GetParameter", "get_parameter", "shop/dev/title", Name="/shop/dev/title"),
    parameter("GetParameter", "get_parameter", "shop/dev/title", Name="/shop/dev/title:1"),
    parameter(
        "GetParameters", "get_parameters", "shop/dev/*", Names=["/shop/dev/a", "/shop/dev/b"]
    ),
    parameter("GetParametersByPath", "get_parameters_by_path", "shop/dev", Path="/shop/dev"),
    parameter("GetParametersByPath", "get_parameters_by_path", "shop/dev/", Path="/shop/dev/"),
    parameter("DeleteParameters", "delete_parameters", "shop/dev/a", Names=["/shop/dev/a"]),
    parameter("PutParameter", "put_parameter", "shop/dev/a", Name="/shop/dev/a", Value="1"),
    Row(
        "ssm:PutParameter",
        f"arn:aws:ssm:{HERE}:parameter/shop/dev/tagged",
        "ssm",
        "put_parameter",
        {"Name": "/shop/dev/tagged", "Value": "1", "Type": "String", "Tags": TAGS},
        besides=(("ssm:AddTagsToResource", f"arn:aws:ssm:{HERE}:parameter/shop/dev/*"),),
    ),
    rule("PutRule", "put_rule", Name="shop-dev", ScheduleExpression="rate(1 minute)"),
    rule("DescribeRule", "describe_rule", Name="shop-dev"),
    rule("PutTargets", "put_targets", Rule="shop-dev", Targets=[{"Id": "1", "Arn": LAMBDA}]),
    rule("ListTargetsByRule", "list_targets_by_rule", Rule="shop-dev"),
    rule("RemoveTargets", "remove_targets", Rule="shop-dev", Ids=["1"]),
    rule(
        "ListTagsForResource",
        "list_tags_for_resource",
        ResourceARN=f"arn:aws:events:{HERE}:rule/shop-dev",
    ),
    rule("DeleteRule", "delete_rule", Name="shop-dev"),
    logs("CreateLogGroup", "create_log_group"),
    logs("PutRetentionPolicy", "put_retention_policy", retentionInDays=7),
    logs("FilterLogEvents", "filter_log_events"),
    logs("DescribeLogStreams", "describe_log_streams"),
    logs("DescribeLogGroups", "describe_log_groups", "", logGroupNamePrefix="/aws/lambda/shop-dev"),
    Row(
        "logs:ListTagsForResource",
        f"arn:aws:logs:{HERE}:log-group:/aws/lambda/shop-dev",
        "logs",
        "list_tags_for_resource",
        {"resourceArn": f"arn:aws:logs:{HERE}:log-group:/aws/lambda/shop-dev"},
    ),
    alarm("PutMetricAlarm", "put_metric_alarm", DEV_ALARM, **ALARM),
    alarm("DescribeAlarms", "describe_alarms", f"arn:aws:cloudwatch:{HERE}:alarm:*"),
    alarm("DeleteAlarms", "delete_alarms", DEV_ALARM, AlarmNames=["shop-dev-errors"]),
    alarm("ListTagsForResource", "list_tags_for_resource", DEV_ALARM, ResourceARN=DEV_ALARM),
    alarm("PutDashboard", "put_dashboard", DASHBOARD, DashboardName="shop-dev", DashboardBody="{}"),
    alarm("GetDashboard", "get_dashboard", DASHBOARD, DashboardName="shop-dev"),
    alarm("DeleteDashboards", "delete_dashboards", DASHBOARD, DashboardNames=["shop-dev"]),
    cloudfront(
        "CreateOriginAccessControl",
        "create_origin_access_control",
        "origin-access-control/*",
        OriginAccessControlConfig=CONTROL,
    ),
    Row(
        "cloudfront:CreateDistribution",
        EVERY_DISTRIBUTION,
        "cloudfront",
        "create_distribution_with_tags",
        {"DistributionConfigWithTags": {"DistributionConfig": SITE, "Tags": {"Items": TAGS}}},
        besides=(("cloudfront:TagResource", EVERY_DISTRIBUTION),),
    ),
    cloudfront("GetCachePolicy", "get_cache_policy", "cache-policy/E1", Id="E1"),
    cloudfront("GetFunction", "get_function", "function/shop-dev", Name="shop-dev"),
    cloudfront("GetDistribution", "get_distribution", "distribution/E1", Id="E1"),
    cloudfront(
        "ListTagsForResource",
        "list_tags_for_resource",
        "distribution/E1",
        Resource=f"arn:aws:cloudfront::{NUMBER}:distribution/E1",
    ),
    iam(
        "CreatePolicy",
        "create_policy",
        "policy/shop-dev",
        PolicyName="shop-dev",
        PolicyDocument="x",
    ),
    iam(
        "CreateOpenIDConnectProvider",
        "create_open_id_connect_provider",
        "oidc-provider/token.example.org/shop",
        Url="https://token.example.org/shop",
    ),
    iam(
        "GetOpenIDConnectProvider",
        "get_open_id_connect_provider",
        "oidc-provider/token.example.org",
        OpenIDConnectProviderArn=f"arn:aws:iam::{NUMBER}:oidc-provider/token.example.org",
    ),
    iam("GetRole", "get_role", ROLE, RoleName="shop-dev-function"),
    Row(
        "iam:CreateRole",
        f"arn:aws:iam::{NUMBER}:role/team/shop-dev-new",
        "iam",
        "create_role",
        {
            "Path": "/team/",
            "RoleName": "shop-dev-new",
            "AssumeRolePolicyDocument": TRUST,
            "PermissionsBoundary": BOUNDARY,
        },
        {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}},
    ),
    Row(
        "iam:AttachRolePolicy",
        f"arn:aws:iam::{NUMBER}:{ROLE}",
        "iam",
        "attach_role_policy",
        {"RoleName": "shop-dev-function", "PolicyArn": BOUNDARY},
        {"ArnEquals": {"iam:PolicyARN": BOUNDARY}},
    ),
    Row(
        "apigateway:POST",
        f"arn:aws:apigateway:{REGION}::/apis",
        "apigatewayv2",
        "create_api",
        {"Name": "shop-dev", "ProtocolType": "HTTP"},
    ),
    Row(
        "kms:CreateKey",
        "*",
        "kms",
        "create_key",
        {"Tags": [{"TagKey": "stage", "TagValue": "dev"}]},
        besides=(("kms:TagResource", f"arn:aws:kms:{HERE}:key/*"),),
    ),
)


class Subject:
    """A role whose policy changes, and the session that acts as it."""

    def __init__(self, account: Account) -> None:
        self._account = account
        role = account.role({"AWS": f"arn:aws:iam::{NUMBER}:root"})
        self._name = role["RoleName"]
        self.acting = account.assume(role["Arn"])

    def may(self, *statements: dict[str, Any]) -> Account:
        self._account.allow(self._name, *statements)
        return self.acting


@pytest.fixture(scope="module")
def subject(account: Account) -> Subject:
    _provide(account)
    return Subject(account)


@pytest.fixture(scope="module")
def unmended_subject(unmended: Account) -> Subject:
    _provide(unmended)
    return Subject(unmended)


def _provide(account: Account) -> None:
    """Make what has to be there for a call to be more than refused."""
    make = account.client("iam")
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    make.create_policy(PolicyName="shop-boundary", PolicyDocument=policy(allow))
    make.create_role(RoleName="shop-dev-function", AssumeRolePolicyDocument=TRUST)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_right_statement_allows_the_call(subject: Subject, row: Row) -> None:
    assert not is_refused(row.call(subject.may(*row.statements())))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_same_statement_for_another_resource_does_not(subject: Subject, row: Row) -> None:
    first, *more = row.statements()
    assert is_refused(row.call(subject.may(first | {"Resource": other(row.resource)}, *more)))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_part_of_the_statement_is_needed(subject: Subject, row: Row) -> None:
    first, *more = row.statements()
    for left_out in more:
        rest = [statement for statement in more if statement is not left_out]
        assert is_refused(row.call(subject.may(first, *rest)))
    for operator, keys in row.condition.items():
        wrong = {operator: dict.fromkeys(keys, f"arn:aws:iam::{NUMBER}:policy/other")}
        assert is_refused(row.call(subject.may(first | {"Condition": wrong}, *more)))


def other(arn: str) -> str:
    head, separator, name = arn.rpartition(":")
    return f"{head}{separator}other-{name}"


def test_without_the_mend_most_right_statements_are_refused(unmended_subject: Subject) -> None:
    refused = {
        str(row) for row in ROWS if is_refused(row.call(unmended_subject.may(*row.statements())))
    }
    assert len(refused) > len(ROWS) / 3
