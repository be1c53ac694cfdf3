"""Drift made by hand, and the issue that tells of it, by the real workflow file."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from ship.aws import Credentials
from tests.e2e.sandbox import git
from tests.workflows.runner import Actions, Result

pytestmark = pytest.mark.journey

NAME = "serverless-flask-staging"
CANARY = "canary-5f2c"


def nightly(actions: Actions) -> Result:
    """What the schedule starts, for staging alone: a plan takes its time."""
    commit = git(actions.sandbox.root, "rev-parse", "main")
    return actions.run("drift.yml", "schedule", commit, {}, matrix="environment:staging")


def change_by_hand(actions: Actions) -> None:
    """Shift half of the traffic, alter a page, shorten how long logs are kept, write a secret."""
    function = actions.sandbox.client("lambda", "staging")
    halved = {"AdditionalVersionWeights": {"1": 0.5}}
    function.update_alias(FunctionName=NAME, Name="live", RoutingConfig=halved)
    s3 = actions.sandbox.client("s3", "staging")
    s3.put_object(Bucket=f"{NAME}-site-000000000000", Key="404.html", Body=b"altered")
    logs = actions.sandbox.client("logs", "staging")
    logs.put_retention_policy(logGroupName=f"/aws/lambda/{NAME}", retentionInDays=3)
    group = f"arn:aws:logs:eu-central-1:000000000000:log-group:/aws/lambda/{NAME}"
    logs.tag_resource(resourceArn=group, tags={"password": CANARY})


def test_drift_made_by_hand_has_one_issue_until_it_is_gone(actions: Actions) -> None:
    github, release = actions.github, actions.sandbox.status("staging")["release"]
    minted = len(github.tokens)
    change_by_hand(actions)

    found = nightly(actions)

    assert found.step("Compare staging", "Compare") == "failure", found.text
    (issue,) = github.issues
    assert (issue["title"], issue["labels"]) == ("Drift in staging", ["drift"])
    for said in (
        "### staging: 3 differences",
        "`aws_cloudwatch_log_group.backend` was changed: `retention_in_days` is 3, not 365, ",
        f"50% to 1; the live release `{release}` is version",
        "`404.html` is not what was deployed",
    ):
        assert said in issue["body"]
    assert CANARY not in f"{issue}{found.text}{found.summaries}"
    (claims,) = github.tokens[minted:]
    assert claims["sub"].endswith(":ref:refs/heads/main")

    again = nightly(actions)

    assert again.ended("Keep one issue per environment") == "success", again.text
    assert (len(github.issues), github.replies) == (1, [])
    assert f"/runs/{again.number}" in github.issues[0]["body"]

    actions.sandbox.ship("apply", "staging")
    actions.sandbox.ship("deploy", "staging", "--release", release)
    gone = nightly(actions)

    assert gone.status == 0, gone.text
    assert (len(github.issues), github.issues[0]["state"]) == (1, "closed")
    assert [number for number, _ in github.replies] == [1]
    assert github.refused == []
    assert set(actions.sandbox.seen("staging")) == {release}


ENV = "serverless-flask-dev"
SITE, ARTIFACTS = f"{ENV}-site-000000000000", f"{ENV}-artifacts-000000000000"
STATE = "serverless-flask-state-000000000000"
STATE_KEY = "stack/dev/dev/terraform.tfstate"
IAM = "arn:aws:iam::000000000000"
PUBLIC = "/serverless-flask/dev/public/title"
PRIVATE = "/serverless-flask/dev/private/secret_key"
# Service, call, what it is called with.
MUTATIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("s3", "put_object", {"Bucket": STATE, "Key": STATE_KEY, "Body": b"{}"}),
    ("s3", "put_object", {"Bucket": STATE, "Key": f"{STATE_KEY}.tflock", "Body": b"{}"}),
    ("s3", "delete_object", {"Bucket": STATE, "Key": STATE_KEY}),
    ("s3", "put_object", {"Bucket": SITE, "Key": "index.html", "Body": b"x"}),
    ("s3", "delete_object", {"Bucket": SITE, "Key": "index.html"}),
    ("s3", "put_object", {"Bucket": ARTIFACTS, "Key": "state.json", "Body": b"{}"}),
    ("s3", "put_object", {"Bucket": ARTIFACTS, "Key": "releases/x/y", "Body": b"x"}),
    ("s3", "delete_object", {"Bucket": ARTIFACTS, "Key": "state.json"}),
    ("s3", "delete_bucket_policy", {"Bucket": ARTIFACTS}),
    ("s3", "delete_bucket", {"Bucket": SITE}),
    ("lambda", "update_alias", {"FunctionName": ENV, "Name": "live", "FunctionVersion": "1"}),
    ("lambda", "update_function_code", {"FunctionName": ENV, "ZipFile": b"x"}),
    ("lambda", "update_function_configuration", {"FunctionName": ENV, "Timeout": 3}),
    ("lambda", "publish_version", {"FunctionName": ENV}),
    ("lambda", "delete_function", {"FunctionName": ENV}),
    ("lambda", "invoke", {"FunctionName": ENV, "Payload": b"{}"}),
    ("lambda", "delete_function_concurrency", {"FunctionName": ENV}),
    ("ssm", "put_parameter", {"Name": PUBLIC, "Value": "x", "Overwrite": True}),
    ("ssm", "delete_parameter", {"Name": PUBLIC}),
    ("ssm", "get_parameter", {"Name": PRIVATE, "WithDecryption": True}),
    ("iam", "delete_role", {"RoleName": f"{ENV}-function"}),
    ("iam", "put_role_policy", {"RoleName": "x", "PolicyName": "x", "PolicyDocument": "{}"}),
    ("iam", "create_role", {"RoleName": "x-function", "AssumeRolePolicyDocument": "{}"}),
    (
        "iam",
        "attach_role_policy",
        {"RoleName": "serverless-flask-plan", "PolicyArn": f"{IAM}:policy/x"},
    ),
    ("logs", "delete_log_group", {"logGroupName": f"/aws/lambda/{ENV}"}),
    (
        "logs",
        "put_retention_policy",
        {"logGroupName": f"/aws/lambda/{ENV}", "retentionInDays": 1},
    ),
    ("events", "delete_rule", {"Name": f"{ENV}-warm-up"}),
    ("events", "put_rule", {"Name": f"{ENV}-warm-up", "State": "DISABLED"}),
    ("cloudwatch", "delete_alarms", {"AlarmNames": [f"{ENV}-errors"]}),
    ("cloudwatch", "put_dashboard", {"DashboardName": ENV, "DashboardBody": "{}"}),
    ("kms", "create_key", {}),
    ("apigatewayv2", "create_api", {"Name": "x", "ProtocolType": "HTTP"}),
)
DENIED = {"AccessDenied", "AccessDeniedException", "403", "Forbidden"}


def client(credentials: Credentials, port: int, service: str) -> Any:
    return boto3.client(
        service,
        region_name="eu-central-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def test_the_role_that_compares_changes_nothing_and_reads_no_secret(actions: Actions) -> None:
    """I1: each of these would change something, or tell what is nobody's to know."""
    readers = actions.sandbox.context.read_only_clients().credentials
    assert readers
    services = {name for name, _, _ in MUTATIONS}
    clients = {name: client(readers, actions.sandbox.port, name) for name in services}

    allowed = []
    for service, call, asked in MUTATIONS:
        try:
            getattr(clients[service], call)(**asked)
            allowed.append(call)
        except ClientError as error:
            if error.response["Error"]["Code"] not in DENIED:
                allowed.append(f"{call}: {error}")

    assert allowed == []
    assert clients["ssm"].get_parameter(Name=PUBLIC)["Parameter"]["Name"] == PUBLIC
