"""An account on an emulator, and the things that tests make in it."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from functools import cache, cached_property
from typing import Any
from urllib.parse import urlencode

import boto3
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotoCredentials
from botocore.exceptions import ClientError

from emulator import Credentials

REGION = "eu-central-1"
NUMBER = "000000000000"
browser = httpx.Client(timeout=30)  # Making one reads all certificates.
_REFUSALS = (
    *("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"),
)

HANDLER = """
import json, os, sys

def handler(event, context):
    print("one line", file=sys.stderr)  # ministack waits 50 ms for a log of which there is none.
    if isinstance(event, dict) and event.get("line"):
        print(event["line"], file=sys.stderr)
    if isinstance(event, dict) and event.get("fail"):
        raise ValueError("as asked")
    answer = {"arn": context.invoked_function_arn, "version": context.function_version,
              "event": event, "environment": dict(os.environ)}
    return {"statusCode": 200, "headers": {"content-type": "application/json"},
            "body": json.dumps(answer)}
"""


ALARM: dict[str, Any] = {
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}
CONTROL = {
    "OriginAccessControlOriginType": "s3",
    "SigningBehavior": "always",
    "SigningProtocol": "sigv4",
}


class Account:
    """An emulator's account, for one key pair."""

    def __init__(
        self,
        endpoint: str,
        credentials: Credentials,
        token: str | None = None,
        *,
        patched: bool = True,
    ) -> None:
        self.endpoint = endpoint
        self.credentials = credentials
        self.token = token
        self.patched = patched
        self.client = cache(self._client)

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.credentials.access_key_id,
            aws_secret_access_key=self.credentials.secret_access_key,
            aws_session_token=self.token,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def role(self, principal: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Make a role that a principal may assume."""
        action = "sts:AssumeRoleWithWebIdentity" if "Federated" in principal else "sts:AssumeRole"
        statement = {"Effect": "Allow", "Principal": principal, "Action": action}
        statement |= options.pop("more", {})
        made: dict[str, Any] = self.client("iam").create_role(
            RoleName=unique("role"), AssumeRolePolicyDocument=policy(statement), **options
        )["Role"]
        return made

    def allow(self, role: str, *statements: dict[str, Any]) -> None:
        """Allow a role just this."""
        self.client("iam").put_role_policy(
            RoleName=role, PolicyName="only", PolicyDocument=policy(*statements)
        )

    def assume(self, role_arn: str) -> Account:
        """Assume a role."""
        found = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")
        return self.using(found["Credentials"])

    def using(self, keys: dict[str, Any]) -> Account:
        """The same account for temporary credentials."""
        pair = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"])
        return Account(self.endpoint, pair, keys["SessionToken"], patched=self.patched)

    def acting(self, *statements: dict[str, Any]) -> Account:
        """Act as a new role that may do just this."""
        role = self.role({"AWS": f"arn:aws:iam::{NUMBER}:root"})
        if statements:
            self.allow(role["RoleName"], *statements)
        return self.assume(role["Arn"])

    def bucket(self, *statements: dict[str, Any]) -> str:
        """Make a bucket, with a policy of these statements for it and its objects; its name."""
        name, s3 = unique("bucket"), self.client("s3")
        place = {"LocationConstraint": REGION}
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
        if statements:
            both = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
            whole = [{"Resource": both, **statement} for statement in statements]
            s3.put_bucket_policy(Bucket=name, Policy=policy(*whole))
        return name

    def function(self, versions: int = 1, code: str = HANDLER) -> str:
        """Make a function with so many versions and the alias `live` at the first."""
        functions, name = self.client("lambda"), unique("function")
        role = self.role({"Service": "lambda.amazonaws.com"})["Arn"]
        functions.create_function(**function_config(name, code) | {"Role": role}, Publish=True)
        for number in range(2, versions + 1):
            functions.get_waiter("function_updated_v2").wait(FunctionName=name)
            changed = zipped(f"{code}\n# {number}")
            functions.update_function_code(FunctionName=name, ZipFile=changed, Publish=True)
        functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        return name

    def invoke(self, name: str, qualifier: str = "live", **event: Any) -> dict[str, Any]:
        """Invoke a function; the answer of the API."""
        answer: dict[str, Any] = self.client("lambda").invoke(
            FunctionName=name, Qualifier=qualifier, Payload=json.dumps(event)
        )
        answer["Payload"] = json.loads(answer["Payload"].read())
        return answer

    def api(self, function: str) -> str:
        """Make an HTTP API whose /api/* is the function's alias `live`; its base address."""
        apis = self.client("apigatewayv2")
        api = apis.create_api(Name=unique("api"), ProtocolType="HTTP")["ApiId"]
        target = apis.create_integration(
            ApiId=api,
            IntegrationType="AWS_PROXY",
            IntegrationUri=f"arn:aws:lambda:{REGION}:{NUMBER}:function:{function}:live",
            PayloadFormatVersion="2.0",
        )["IntegrationId"]
        route = "ANY /api/{proxy+}"
        apis.create_route(ApiId=api, RouteKey=route, Target=f"integrations/{target}")
        apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
        return f"{self.endpoint}/_aws/execute-api/{api}"

    @cached_property
    def echo_function(self) -> str:
        """A function that answers with its event; for tests that change nothing about it."""
        return self.function()

    @cached_property
    def echo(self) -> str:
        """The base address of an API for it."""
        return self.api(self.echo_function)

    def alarm(self, function: str, **options: Any) -> str:
        """Make an alarm on a function's errors; its name."""
        name = unique("alarm")
        dimensions = [{"Name": "FunctionName", "Value": function}]
        settings = ALARM | {"Dimensions": dimensions, "TreatMissingData": "notBreaching"}
        given = {key: value for key, value in (settings | options).items() if value is not None}
        self.client("cloudwatch").put_metric_alarm(AlarmName=name, **given)
        return name

    def query(self, service: str, action: str, **parameters: str) -> str:
        """Send a signed request of the Query protocol; the XML that comes back."""
        form = urlencode({"Action": action, "Version": "2010-08-01", **parameters})
        kind = "application/x-www-form-urlencoded"
        request = AWSRequest("POST", f"{self.endpoint}/", {"Content-Type": kind}, form)
        pair = self.credentials
        keys = BotoCredentials(pair.access_key_id, pair.secret_access_key, self.token)
        SigV4Auth(keys, service, REGION).add_auth(request)
        return browser.post(request.url, content=form, headers=dict(request.headers)).text

    def alarm_state(self, name: str) -> str:
        """Read the state of an alarm."""
        found = self.client("cloudwatch").describe_alarms(AlarmNames=[name])
        state: str = found["MetricAlarms"][0]["StateValue"]
        return state

    def site(self, environment: str, api: str, page: bytes = b"<h1>Hello</h1>") -> str:
        """Make a distribution for an environment: a private bucket, and the API at /api/*."""
        bucket, s3 = self.bucket(), self.client("s3")
        s3.put_object(Bucket=bucket, Key="index.html", Body=page, ContentType="text/html")
        distribution = self.distribution(f"shop {environment}", bucket, api)
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
            "Condition": {"StringEquals": {"AWS:SourceArn": distribution["ARN"]}},
        }
        s3.put_bucket_policy(Bucket=bucket, Policy=policy(statement))
        return bucket

    def distribution(self, comment: str, bucket: str, api: str) -> dict[str, Any]:
        """Make a distribution of a bucket and an API."""
        control = self.client("cloudfront").create_origin_access_control(
            OriginAccessControlConfig=CONTROL | {"Name": bucket}
        )["OriginAccessControl"]["Id"]
        made: dict[str, Any] = self.client("cloudfront").create_distribution(
            DistributionConfig=distribution_config(comment, bucket, control, api)
        )["Distribution"]
        return made


def distribution_config(comment: str, bucket: str, control: str, api: str) -> dict[str, Any]:
    """Make the configuration of a distribution: the bucket, the API, HTTPS only."""
    url = httpx.URL(api)
    site = {
        "Id": "site",
        "DomainName": f"{bucket}.s3.{REGION}.amazonaws.com",
        "OriginAccessControlId": control,
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    plain = {"HTTPPort": url.port, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
    origin = {
        "Id": "api",
        "DomainName": "localhost",
        "OriginPath": f"{url.path}/$default",
        "CustomOriginConfig": plain,
    }
    api_paths = {"PathPattern": "/api/*", **behaviour("api")}
    return {
        "CallerReference": unique("reference"),
        "Comment": comment,
        "Enabled": True,
        "DefaultRootObject": "index.html",
        "Origins": {"Quantity": 2, "Items": [site, origin]},
        "DefaultCacheBehavior": behaviour("site"),
        "CacheBehaviors": {"Quantity": 1, "Items": [api_paths]},
    }


def behaviour(origin: str) -> dict[str, Any]:
    """Make a cache behaviour: no caching, all methods, HTTPS only, all but Host forwarded."""
    methods = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    return {
        "TargetOriginId": origin,
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        "OriginRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
        "AllowedMethods": {"Quantity": len(methods), "Items": methods},
    }


def policy(*statements: dict[str, Any]) -> str:
    """Write a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


LAMBDA_TRUST = policy(
    {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
)


def pairs(stage: str) -> list[dict[str, str]]:
    """Make the tag `stage`."""
    return [{"Key": "stage", "Value": stage}]


def function_config(name: str, code: str = "") -> dict[str, Any]:
    """Make the settings of a function."""
    return {
        "FunctionName": name,
        "Runtime": "python3.13",
        "Role": f"arn:aws:iam::{NUMBER}:role/passed",
        "Handler": "code.handler",
        "Code": {"ZipFile": zipped(code)},
    }


def zipped(code: str) -> bytes:
    """Make a deployment package of one module, `code`."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("code.py", code)
    return made.getvalue()


def unique(kind: str) -> str:
    """Make a name that no other test has."""
    return f"{kind}-{uuid.uuid4().hex[:12]}"


def error_code(call: Any) -> str:
    """Make a call; the code of its error, empty when there is none."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def is_refused(call: Any) -> bool:
    """Make a call; whether it is refused for want of permission, and not for other reasons."""
    return error_code(call) in _REFUSALS


def wait(condition: Any, seconds: float = 10.0) -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.02)
