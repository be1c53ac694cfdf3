"""A least-privilege policy that is right on AWS is right here, and a wrong one is not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore import xform_name

from ..account import (
    ALARM,
    CONTROL,
    LAMBDA_TRUST,
    NUMBER,
    REGION,
    Account,
    distribution_config,
    function_config,
    is_refused,
    pairs,
    policy,
)

CLIENTS = {"apigateway": "apigatewayv2", "ses": "sesv2"}


@dataclass(frozen=True)
class Row:
    """A call, and the one statement that AWS wants for it, with what it wants besides."""

    action: str
    resource: str
    call: str
    parameters: dict[str, Any]
    condition: dict[str, Any] = field(default_factory=dict)
    besides: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.action} on {self.resource.rpartition(NUMBER)[2] or self.resource}"

    def statements(self, **changes: Any) -> list[dict[str, Any]]:
        first = {"Effect": "Allow", "Action": self.action, "Resource": self.resource}
        changes = ({"Condition": self.condition} if self.condition else {}) | changes
        more = [{"Effect": "Allow", "Action": name, "Resource": arn} for name, arn in self.besides]
        return [first | changes, *more]

    def of(self, account: Account) -> Callable[[], object]:
        service = self.action.partition(":")[0]
        # Both versions of SES have the actions "ses:…"; the first one's requests have a Source.
        name = service if "Source" in self.parameters else CLIENTS.get(service, service)
        method = getattr(account.client(name), xform_name(self.call))
        return lambda: method(**self.parameters)


def arn(service: str, resource: str) -> str:
    everywhere = service in ("cloudfront", "iam") or resource.startswith("dashboard")
    return f"arn:aws:{service}:{'' if everywhere else REGION}:{NUMBER}:{resource}"


def row(action: str, resource: str, call: str = "", **parameters: Any) -> Row:
    service, _, name = action.partition(":")
    return Row(action, arn(service, resource), call or name, parameters)


def function(name: str, qualifier: str = "", **more: Any) -> Row:
    given: dict[str, Any] = {"FunctionName": "shop-dev"}
    given |= {"Qualifier": qualifier, **more} if qualifier else more
    resource, call = f"function:shop-dev:{qualifier}", "Invoke" if name == "InvokeFunction" else ""
    return row(f"lambda:{name}", resource.removesuffix(":"), call, **given)


def parameter(name: str, resource: str, **more: Any) -> Row:
    return row(f"ssm:{name}", f"parameter/{resource}", **more)


def rule(name: str, **more: Any) -> Row:
    return row(f"events:{name}", "rule/shop-dev", **more)


def logs(name: str, **more: Any) -> Row:
    return row(f"logs:{name}", f"log-group:{GROUP}:*", logGroupName=GROUP, **more)


def table(name: str, resource: str = "table/shop-dev", **more: Any) -> Row:
    return row(f"dynamodb:{name}", resource, **({"TableName": "shop-dev"} | more))


def queue(name: str, call: str = "", **more: Any) -> Row:
    return row(f"sqs:{name}", "shop-dev", call, **({"QueueUrl": QUEUE} | more))


def topic(name: str, call: str = "", **more: Any) -> Row:
    return row(f"sns:{name}", "shop-dev", call, **({"TopicArn": arn("sns", "shop-dev")} | more))


def secret(name: str, **more: Any) -> Row:
    # Secrets Manager adds a hyphen and six characters.
    return row(f"secretsmanager:{name}", "secret:shop-dev-*", SecretId="shop-dev", **more)


GROUP = "/aws/lambda/shop-dev"
TABLE = arn("dynamodb", "table/shop-dev")
QUEUE = f"http://localhost/{NUMBER}/shop-dev"
BATCH = [{"Id": "1", "ReceiptHandle": "x"}]
KEY = {"id": {"S": "1"}}
KEYS: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
SUBSCRIPTION = f"{arn('sns', 'shop-dev')}:5be8f5b5-6a41-41ad-b8b2-a2b3d1c1ffcb"
MAPPING = "7c2ba9d8-3f1c-4ff8-8a2e-6c1f6e3b6d55"
OF_FUNCTION = {"ArnEquals": {"lambda:FunctionArn": arn("lambda", "function:shop-dev")}}
MAIL = {"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}}
IDENTITY = "identity/shop.example"
ZONES = "arn:aws:route53:::hostedzone"
RECORD_NAMES = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
RECORD = {
    "Action": "UPSERT",
    "ResourceRecordSet": {
        "Name": "WWW.shop.example.",
        "Type": "TXT",
        "TTL": 60,
        "ResourceRecords": [{"Value": '"x"'}],
    },
}
LOGS = f"log-group:{GROUP}"
LAMBDA = arn("lambda", "function:shop-dev")
ROLE = arn("iam", "role/shop-dev-function")
BOUNDARY = arn("iam", "policy/shop-boundary")
ISSUER = "oidc-provider/token.example.org"
ALARM_ARN = "alarm:shop-dev-errors"
DASHBOARD = "dashboard/shop-dev"
DISTRIBUTIONS = arn("cloudfront", "distribution/*")
WEB_ACL = "arn:aws:wafv2:us-east-1:000000000000:global/webacl/shop/473e64fd"
SITE = distribution_config("a shop", "bucket", "control", "http://127.0.0.1:1/x")
CREATE = function_config("shop-dev") | {"Role": ROLE}
NETWORK = ("SecurityGroups", "Subnets", "Vpcs")
PASS = ("iam:PassRole", ROLE)
PERMISSION = {
    "StatementId": "api",
    "Action": "lambda:InvokeFunction",
    "Principal": "apigateway.amazonaws.com",
}

ROWS = (
    Row("lambda:CreateFunction", LAMBDA, "CreateFunction", CREATE, besides=(PASS,)),
    Row(
        *("lambda:CreateFunction", LAMBDA, "CreateFunction"),
        CREATE | {"Tags": {"stage": "dev"}},
        besides=(PASS, ("lambda:TagResource", LAMBDA)),
    ),
    Row(
        *("lambda:CreateFunction", LAMBDA, "CreateFunction"),
        CREATE | {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}},
        besides=(PASS, *((f"ec2:Describe{name}", "*") for name in NETWORK)),
    ),
    function("GetFunction"),
    function("GetFunctionConfiguration"),
    function("GetFunctionConfiguration", "7"),
    function("InvokeFunction", "7"),
    function("InvokeFunction", "live"),
    function("InvokeFunction"),
    function("GetAlias", Name="live"),
    function("CreateAlias", Name="live", FunctionVersion="1"),
    function("UpdateAlias", Name="live", FunctionVersion="1"),
    function("DeleteAlias", Name="live"),
    function("ListAliases"),
    function("ListVersionsByFunction"),
    function("PublishVersion"),
    function("DeleteFunction"),
    function("DeleteFunction", "7"),
    function("GetFunctionConcurrency"),
    function("PutFunctionConcurrency", ReservedConcurrentExecutions=1),
    function("DeleteFunctionConcurrency"),
    function("GetPolicy", "live"),
    function("GetFunctionCodeSigningConfig"),
    function("AddPermission", "live", **PERMISSION),
    function("RemovePermission", "live", StatementId="api"),
    Row(
        *("lambda:UpdateFunctionCode", LAMBDA, "UpdateFunctionCode"),
        {"FunctionName": "shop-dev", "S3Bucket": "shop-dev-artifacts", "S3Key": "a/backend.zip"},
        besides=(("s3:GetObject", "arn:aws:s3:::shop-dev-artifacts/a/*"),),
    ),
    parameter("GetParameter", "shop/dev/title", Name="/shop/dev/title"),
    parameter("GetParameter", "shop/dev/title", Name="/shop/dev/title:1"),
    parameter("GetParameters", "shop/dev/*", Names=["/shop/dev/a", "/shop/dev/b"]),
    parameter("GetParametersByPath", "shop/dev", Path="/shop/dev"),
    parameter("GetParametersByPath", "shop/dev/", Path="/shop/dev/"),
    parameter("DeleteParameters", "shop/dev/a", Names=["/shop/dev/a"]),
    parameter("PutParameter", "shop/dev/a", Name="/shop/dev/a", Value="1"),
    Row(
        *("ssm:PutParameter", arn("ssm", "parameter/shop/dev/tagged"), "PutParameter"),
        {"Name": "/shop/dev/tagged", "Value": "1", "Type": "String", "Tags": pairs("dev")},
        besides=(("ssm:AddTagsToResource", arn("ssm", "parameter/shop/dev/*")),),
    ),
    rule("PutRule", Name="shop-dev", ScheduleExpression="rate(1 minute)"),
    rule("DescribeRule", Name="shop-dev"),
    rule("PutTargets", Rule="shop-dev", Targets=[{"Id": "1", "Arn": LAMBDA}]),
    rule("ListTargetsByRule", Rule="shop-dev"),
    rule("RemoveTargets", Rule="shop-dev", Ids=["1"]),
    rule("ListTagsForResource", ResourceARN=arn("events", "rule/shop-dev")),
    rule("DeleteRule", Name="shop-dev"),
    logs("CreateLogGroup"),
    logs("PutRetentionPolicy", retentionInDays=7),
    logs("FilterLogEvents"),
    logs("DescribeLogStreams"),
    row("logs:DescribeLogGroups", "log-group::*", logGroupNamePrefix=GROUP),
    row("logs:ListTagsForResource", LOGS, resourceArn=arn("logs", LOGS)),
    row("cloudwatch:PutMetricAlarm", ALARM_ARN, AlarmName="shop-dev-errors", **ALARM),
    row("cloudwatch:DescribeAlarms", "alarm:*"),
    row("cloudwatch:DeleteAlarms", ALARM_ARN, AlarmNames=["shop-dev-errors"]),
    row("cloudwatch:ListTagsForResource", ALARM_ARN, ResourceARN=arn("cloudwatch", ALARM_ARN)),
    row("cloudwatch:PutDashboard", DASHBOARD, DashboardName="shop-dev", DashboardBody="{}"),
    row("cloudwatch:GetDashboard", DASHBOARD, DashboardName="shop-dev"),
    row("cloudwatch:DeleteDashboards", DASHBOARD, DashboardNames=["shop-dev"]),
    Row(
        *("cloudfront:CreateOriginAccessControl", "*", "CreateOriginAccessControl"),
        {"OriginAccessControlConfig": CONTROL | {"Name": "shop-dev"}},
    ),
    Row(
        *("cloudfront:CreateFunction", "*", "CreateFunction"),
        {
            "Name": "shop-dev",
            "FunctionConfig": {"Comment": "", "Runtime": "cloudfront-js-2.0"},
            "FunctionCode": b"function handler(event) { return event.request; }",
        },
    ),
    row("cloudfront:PublishFunction", "function/shop-dev", Name="shop-dev", IfMatch="E1"),
    Row(
        *("cloudfront:CreateDistribution", "*", "CreateDistributionWithTags"),
        {
            "DistributionConfigWithTags": {
                "DistributionConfig": SITE,
                "Tags": {"Items": pairs("dev")},
            }
        },
        besides=(("cloudfront:TagResource", DISTRIBUTIONS),),
    ),
    Row(
        *("cloudfront:UpdateDistribution", arn("cloudfront", "distribution/E1")),
        "UpdateDistribution",
        {"Id": "E1", "IfMatch": "E", "DistributionConfig": SITE | {"WebACLId": WEB_ACL}},
        besides=(("wafv2:GetWebACL", WEB_ACL),),
    ),
    row("cloudfront:GetCachePolicy", "cache-policy/E1", Id="E1"),
    row("cloudfront:GetFunction", "function/shop-dev", Name="shop-dev"),
    row("cloudfront:GetDistribution", "distribution/E1", Id="E1"),
    row(
        *("cloudfront:ListTagsForResource", "distribution/E1"),
        Resource=arn("cloudfront", "distribution/E1"),
    ),
    row("iam:CreatePolicy", "policy/shop-dev", PolicyName="shop-dev", PolicyDocument="x"),
    row(
        *("iam:CreateOpenIDConnectProvider", f"{ISSUER}/shop"),
        Url="https://token.example.org/shop",
    ),
    row("iam:GetOpenIDConnectProvider", ISSUER, OpenIDConnectProviderArn=arn("iam", ISSUER)),
    row("iam:GetRole", "role/shop-dev-function", RoleName="shop-dev-function"),
    Row(
        *("iam:CreateRole", arn("iam", "role/team/shop-dev-new"), "CreateRole"),
        {
            "Path": "/team/",
            "RoleName": "shop-dev-new",
            "AssumeRolePolicyDocument": LAMBDA_TRUST,
            "PermissionsBoundary": BOUNDARY,
        },
        {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}},
    ),
    Row(
        *("iam:AttachRolePolicy", ROLE, "AttachRolePolicy"),
        {"RoleName": "shop-dev-function", "PolicyArn": BOUNDARY},
        {"ArnEquals": {"iam:PolicyARN": BOUNDARY}},
    ),
    Row(
        *("apigateway:POST", f"arn:aws:apigateway:{REGION}::/apis", "CreateApi"),
        {"Name": "shop-dev", "ProtocolType": "HTTP"},
    ),
    Row(
        *("kms:CreateKey", "*", "CreateKey"),
        {"Tags": [{"TagKey": "stage", "TagValue": "dev"}]},
        besides=(("kms:TagResource", arn("kms", "key/*")),),
    ),
    Row(
        *("lambda:CreateEventSourceMapping", "*", "CreateEventSourceMapping"),
        {"FunctionName": "shop-dev", "EventSourceArn": arn("sqs", "shop-dev")},
        OF_FUNCTION,
    ),
    Row(
        *("lambda:CreateEventSourceMapping", "*", "CreateEventSourceMapping"),
        {"FunctionName": LAMBDA, "EventSourceArn": arn("sqs", "shop-dev"), "Tags": {"a": "b"}},
        OF_FUNCTION,
        besides=(("lambda:TagResource", arn("lambda", "event-source-mapping:*")),),
    ),
    row(
        *("lambda:DeleteEventSourceMapping", f"event-source-mapping:{MAPPING}"),
        UUID=MAPPING,
    ),
    table("CreateTable", **KEYS),
    Row(
        *("dynamodb:CreateTable", TABLE, "CreateTable"),
        {"TableName": "shop-dev", "Tags": pairs("dev"), **KEYS},
        besides=(("dynamodb:TagResource", TABLE),),
    ),
    table("DescribeTable"),
    table("PutItem", Item=KEY),
    table(
        *("Query", "table/shop-dev/index/by-day"),
        IndexName="by-day",
        KeyConditionExpression="id = :id",
        ExpressionAttributeValues={":id": {"S": "1"}},
    ),
    row("dynamodb:BatchGetItem", "table/shop-dev", RequestItems={"shop-dev": {"Keys": [KEY]}}),
    Row(
        *("dynamodb:PutItem", TABLE, "TransactWriteItems"),
        {"TransactItems": [{"Put": {"TableName": "shop-dev", "Item": KEY}}]},
    ),
    row("dynamodb:ListTagsOfResource", "table/shop-dev", ResourceArn=TABLE),
    row("dynamodb:TagResource", "table/shop-dev", ResourceArn=TABLE, Tags=pairs("dev")),
    row("sqs:CreateQueue", "shop-dev", QueueName="shop-dev"),
    Row(
        *("sqs:CreateQueue", arn("sqs", "shop-dev"), "CreateQueue"),
        {"QueueName": "shop-dev", "tags": {"stage": "dev"}},
        besides=(("sqs:TagQueue", arn("sqs", "shop-dev")),),
    ),
    queue("SendMessage", MessageBody="x"),
    queue("SendMessage", "SendMessageBatch", Entries=[{"Id": "1", "MessageBody": "x"}]),
    queue("DeleteMessage", "DeleteMessageBatch", Entries=BATCH),
    queue(
        *("ChangeMessageVisibility", "ChangeMessageVisibilityBatch"),
        Entries=[{"VisibilityTimeout": 1, **entry} for entry in BATCH],
    ),
    queue("GetQueueAttributes"),
    queue("ListQueueTags"),
    row("sns:CreateTopic", "shop-dev", Name="shop-dev"),
    Row(
        *("sns:CreateTopic", arn("sns", "shop-dev"), "CreateTopic"),
        {"Name": "shop-dev", "Tags": pairs("dev")},
        besides=(("sns:TagResource", arn("sns", "shop-dev")),),
    ),
    topic("Publish", Message="x"),
    topic("Publish", "PublishBatch", PublishBatchRequestEntries=[{"Id": "1", "Message": "x"}]),
    topic("Subscribe", Protocol="lambda", Endpoint=LAMBDA),
    row("sns:ListTagsForResource", "shop-dev", ResourceArn=arn("sns", "shop-dev")),
    row("sns:GetSubscriptionAttributes", "shop-dev", SubscriptionArn=SUBSCRIPTION),
    row("sns:Unsubscribe", "shop-dev", SubscriptionArn=SUBSCRIPTION),
    Row(
        *("secretsmanager:CreateSecret", arn("secretsmanager", "secret:shop-dev"), "CreateSecret"),
        {"Name": "shop-dev", "Tags": pairs("dev")},
        besides=(("secretsmanager:TagResource", arn("secretsmanager", "secret:shop-dev")),),
    ),
    secret("GetSecretValue"),
    secret("PutSecretValue", SecretString="x"),
    secret("DeleteSecret"),
    row("ses:CreateEmailIdentity", IDENTITY, EmailIdentity="shop.example"),
    row("ses:ListTagsForResource", IDENTITY, ResourceArn=arn("ses", IDENTITY)),
    row("ses:SendEmail", IDENTITY, FromEmailAddress="Shop <a@shop.example>", Content=MAIL),
    Row(
        *("ses:SendEmail", arn("ses", IDENTITY), "SendEmail"),
        {"FromEmailAddress": "a@shop.example", "Content": MAIL, "ConfigurationSetName": "shop"},
        besides=(("ses:SendEmail", arn("ses", "configuration-set/shop")),),
    ),
    row(
        *("ses:SendEmail", IDENTITY),
        Source="a@shop.example",
        Message=MAIL["Simple"],
        Destination={"ToAddresses": ["b@example.org"]},
    ),
    Row(
        *("acm:RequestCertificate", "*", "RequestCertificate"),
        {"DomainName": "shop.example", "Tags": pairs("dev")},
        {"ForAllValues:StringEquals": {"acm:DomainNames": ["shop.example"]}},
        besides=(("acm:AddTagsToCertificate", arn("acm", "certificate/*")),),
    ),
    row("acm:DescribeCertificate", "certificate/1", CertificateArn=arn("acm", "certificate/1")),
    Row(
        *("route53:ChangeResourceRecordSets", f"{ZONES}/Z1", "ChangeResourceRecordSets"),
        {"HostedZoneId": "Z1", "ChangeBatch": {"Changes": [RECORD]}},
        {"ForAllValues:StringLike": {RECORD_NAMES: ["*.shop.example"]}},
    ),
    Row("route53:GetChange", "arn:aws:route53:::change/C1", "GetChange", {"Id": "C1"}),
    row(
        *("ses:SendEmail", IDENTITY),
        Content={"Raw": {"Data": b"From: a@shop.example\r\n\r\nHello"}},
    ),
)


class Subject:
    """A role whose policy changes, and the session that acts as it."""

    def __init__(self, account: Account) -> None:
        # What has to be there for a call to be more than refused.
        iam = account.client("iam")
        allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        iam.create_policy(PolicyName="shop-boundary", PolicyDocument=policy(allow))
        iam.create_role(RoleName="shop-dev-function", AssumeRolePolicyDocument=LAMBDA_TRUST)
        self._account = account
        role = account.role({"AWS": f"arn:aws:iam::{NUMBER}:root"})
        self._name = role["RoleName"]
        self._acting = account.assume(role["Arn"])

    def is_refused(self, row: Row, *statements: dict[str, Any]) -> bool:
        """Whether a call is refused where the policy has just these statements."""
        self._account.allow(self._name, *statements)
        return is_refused(row.of(self._acting))


@pytest.fixture(scope="module")
def subject(account: Account) -> Subject:
    return Subject(account)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_right_statements_allow_a_call_and_each_is_needed(subject: Subject, row: Row) -> None:
    first, *more = row.statements()
    assert not subject.is_refused(row, first, *more)
    before, separator, name = row.resource.rpartition(":")
    other = row.statements(Resource=f"{before}{separator}other-{name}")
    assert subject.is_refused(row, *other)
    for left_out in more:
        rest = [statement for statement in more if statement is not left_out]
        assert subject.is_refused(row, first, *rest)
    for operator, keys in row.condition.items():
        wrong = {operator: dict.fromkeys(keys, arn("iam", "policy/other"))}
        assert subject.is_refused(row, *row.statements(Condition=wrong))


def test_without_the_patch_most_right_statements_are_refused(unpatched: Account) -> None:
    subject = Subject(unpatched)
    refused = {str(row) for row in ROWS if subject.is_refused(row, *row.statements())}
    assert len(refused) > len(ROWS) / 3
