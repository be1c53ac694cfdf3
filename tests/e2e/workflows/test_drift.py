"""Drift made by hand, and the issue about it, by the real workflow file."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.e2e.sandbox import ACCOUNT
from tests.workflows.runner import Actions, Result

CANARY = "canary-5f2c"


def compare(actions: Actions) -> Result:
    """What the schedule starts, for staging alone: a plan takes its time."""
    return actions.schedule("drift.yml", matrix=("environment:staging",))


def change_by_hand(actions: Actions) -> None:
    """Shift half of the traffic, alter a page, shorten how long logs are kept, write a secret."""
    sandbox, name = actions.sandbox, actions.sandbox.function("staging")
    function, logs = sandbox.client("lambda", "staging"), sandbox.client("logs", "staging")
    halved = {"AdditionalVersionWeights": {"1": 0.5}}
    function.update_alias(FunctionName=name, Name="live", RoutingConfig=halved)
    bucket = sandbox.bucket("staging", "site")
    sandbox.client("s3", "staging").put_object(Bucket=bucket, Key="404.html", Body=b"altered")
    group = f"/aws/lambda/{name}"
    logs.put_retention_policy(logGroupName=group, retentionInDays=3)
    arn = f"arn:aws:logs:{sandbox.project.region}:{ACCOUNT}:log-group:{group}"
    logs.tag_resource(resourceArn=arn, tags={"password": CANARY})


@pytest.mark.nightly
def test_drift_made_by_hand_has_one_issue_until_it_is_gone(actions: Actions) -> None:
    github, release = actions.github, actions.sandbox.status("staging")["release"]
    minted = len(github.tokens)
    change_by_hand(actions)

    found = compare(actions)

    assert found.conclusion("Compare staging", "Compare") == "failure", found.text
    (issue,) = github.issues
    assert (issue["title"], issue["labels"]) == ("Drift in staging", ["drift"])
    for text in (
        "### staging: 3 differences",
        "`retention_in_days` is 3, not 365, ",
        f"50% to 1; the live release `{release}` is version",
        "`404.html` is not what was deployed",
    ):
        assert text in issue["body"]
    assert CANARY not in f"{issue}{found.text}{found.summaries}"
    (claims,) = github.tokens[minted:]
    assert claims["sub"].endswith(":ref:refs/heads/main")

    again = compare(actions)

    assert again.conclusion("Keep one issue per environment") == "success", again.text
    assert (len(github.issues), github.issue_comments) == (1, [])
    assert f"/runs/{again.number}" in github.issues[0]["body"]

    actions.sandbox.ship("apply", "staging")
    actions.sandbox.ship("deploy", "staging", "--release", release)
    gone = compare(actions)

    assert gone.status == 0, gone.text
    assert (len(github.issues), github.issues[0]["state"]) == (1, "closed")
    assert [number for number, _ in github.issue_comments] == [1]
    assert github.refused == []
    assert set(actions.sandbox.served("staging")) == {release}


def changes(actions: Actions) -> list[tuple[str, str, dict[str, Any]]]:
    """Calls that would change something, or tell a secret: service, call, parameters."""
    project, name = actions.sandbox.project.name, actions.sandbox.function("dev")
    site, artifacts = (actions.sandbox.bucket("dev", kind) for kind in ("site", "artifacts"))
    function, logs = {"FunctionName": name}, {"logGroupName": f"/aws/lambda/{name}"}
    state = {
        "Bucket": actions.sandbox.context.state_bucket,
        "Key": "stack/dev/dev/terraform.tfstate",
    }
    lock = state | {"Key": f"{state['Key']}.tflock"}
    parameter, secret = f"/{project}/dev/public/title", f"/{project}/dev/SECRET_KEY"
    policy = f"arn:aws:iam::{ACCOUNT}:policy/x"
    return [
        ("s3", "put_object", state | {"Body": b"{}"}),
        ("s3", "put_object", lock | {"Body": b"{}"}),
        ("s3", "delete_object", state),
        ("s3", "put_object", {"Bucket": site, "Key": "index.html", "Body": b"x"}),
        ("s3", "delete_object", {"Bucket": site, "Key": "index.html"}),
        ("s3", "put_object", {"Bucket": artifacts, "Key": "state.json", "Body": b"{}"}),
        ("s3", "put_object", {"Bucket": artifacts, "Key": "releases/x/y", "Body": b"x"}),
        ("s3", "delete_object", {"Bucket": artifacts, "Key": "state.json"}),
        ("s3", "delete_bucket_policy", {"Bucket": artifacts}),
        ("s3", "delete_bucket", {"Bucket": site}),
        ("lambda", "update_alias", function | {"Name": "live", "FunctionVersion": "1"}),
        ("lambda", "update_function_code", function | {"ZipFile": b"x"}),
        ("lambda", "update_function_configuration", function | {"Timeout": 3}),
        ("lambda", "publish_version", function),
        ("lambda", "delete_function", function),
        ("lambda", "invoke", function | {"Payload": b"{}"}),
        ("lambda", "delete_function_concurrency", function),
        ("ssm", "put_parameter", {"Name": parameter, "Value": "x", "Overwrite": True}),
        ("ssm", "delete_parameter", {"Name": parameter}),
        ("ssm", "get_parameter", {"Name": secret, "WithDecryption": True}),
        ("iam", "delete_role", {"RoleName": f"{name}-function"}),
        ("iam", "put_role_policy", {"RoleName": "x", "PolicyName": "x", "PolicyDocument": "{}"}),
        ("iam", "create_role", {"RoleName": "x-function", "AssumeRolePolicyDocument": "{}"}),
        ("iam", "attach_role_policy", {"RoleName": f"{project}-plan", "PolicyArn": policy}),
        ("logs", "delete_log_group", logs),
        ("logs", "put_retention_policy", logs | {"retentionInDays": 1}),
        ("events", "delete_rule", {"Name": f"{name}-warm-up"}),
        ("events", "put_rule", {"Name": f"{name}-warm-up", "State": "DISABLED"}),
        ("cloudwatch", "delete_alarms", {"AlarmNames": [f"{name}-errors"]}),
        ("cloudwatch", "put_dashboard", {"DashboardName": name, "DashboardBody": "{}"}),
        ("kms", "create_key", {}),
        ("apigatewayv2", "create_api", {"Name": "x", "ProtocolType": "HTTP"}),
    ]


def test_the_role_that_compares_changes_nothing_and_reads_no_secret(actions: Actions) -> None:
    readers = actions.sandbox.context.read_only_clients().credentials
    assert readers
    boto = boto3.Session(
        readers.access_key, readers.secret_key, readers.token, actions.sandbox.project.region
    )
    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    calls = changes(actions)
    clients = {
        name: boto.client(name, endpoint_url=actions.sandbox.endpoint, config=config)
        for name in {service for service, _, _ in calls}
    }

    allowed = []
    for service, call, parameters in calls:
        try:
            getattr(clients[service], call)(**parameters)
            allowed.append(call)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in {"AccessDenied", "AccessDeniedException", "403", "Forbidden"}:
                allowed.append(f"{call}: {error}")

    assert allowed == []
    name = actions.sandbox.function("dev")
    assert clients["lambda"].get_function(FunctionName=name)["Configuration"]
