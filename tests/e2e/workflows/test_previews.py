"""A pull request's preview by the real workflow files: made, updated, swept around, destroyed.

The tests tell one story, in this order, on the emulator that all workflows share.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from emulator import Emulator
from tests.e2e.sandbox import ENVIRONMENTS, ROOT, git
from tests.workflows.runner import Actions, Result
from toolchain import find

pytestmark = pytest.mark.journey

PREVIEW, HALF_MADE = "pr-21", "pr-22"
LABEL = ("preview",)
ACCOUNT = "000000000000"


def push(actions: Actions, note: str) -> None:
    """Give the pull request's branch one commit on top of main, whatever it held before."""
    root = actions.sandbox.root
    git(root, "checkout", "--quiet", "-B", "shown", "main")
    actions.sandbox.edit(note)
    actions.sandbox.commit(note)
    git(root, "checkout", "--quiet", "main")


def happens(actions: Actions, action: str, *labels: str, fork: bool = False) -> Result:
    """Let something happen to pull request 21, and GitHub run what it starts."""
    return actions.pull_request(
        21, "shown", workflow="preview.yml", action=action, labels=labels, fork=fork
    )


def page(actions: Actions) -> str:
    return httpx.get(actions.sandbox.status(PREVIEW)["site_url"], trust_env=False).text


def lasting(actions: Actions) -> list[tuple[str, str, str]]:
    return [actions.sandbox.seen(name) for name in ENVIRONMENTS]


def ran(result: Result) -> list[str]:
    return [job for job, end in result.jobs.items() if end != "skipped"]


def test_without_the_label_or_from_a_fork_nothing_is_shown(actions: Actions) -> None:
    push(actions, "first")
    minted = len(actions.github.tokens)

    for result in (
        happens(actions, "synchronize"),
        happens(actions, "closed"),
        happens(actions, "labeled", *LABEL, fork=True),
        happens(actions, "closed", *LABEL, fork=True),
    ):
        assert (result.status, ran(result)) == (0, [])
    assert len(actions.github.tokens) == minted
    assert actions.github.said(21) == []


def test_a_labelled_pull_request_is_live_at_a_door_of_its_own(actions: Actions) -> None:
    before = lasting(actions)

    result = happens(actions, "labeled", *LABEL)

    assert result.status == 0, result.text
    status = actions.sandbox.status(PREVIEW)
    assert actions.sandbox.seen(PREVIEW) == (status["release"],) * 3
    assert "<!-- first -->" in page(actions)
    (comment,) = actions.github.said(21, "preview")
    assert f"`{status['release']}`" in comment
    assert f"[Site]({status['site_url']})" in comment
    assert actions.github.tokens[-1]["sub"].endswith(":environment:preview")
    assert lasting(actions) == before
    assert actions.github.refused == []


def test_what_a_preview_shows_goes_no_further(actions: Actions) -> None:
    before = actions.sandbox.status("dev")

    assert "has not been merged" in actions.sandbox.refused("promote", PREVIEW, "dev")
    assert actions.sandbox.status("dev") == before


def test_a_push_updates_it_and_its_comment(actions: Actions) -> None:
    before = actions.sandbox.status(PREVIEW)["release"]
    push(actions, "second")

    result = happens(actions, "synchronize", *LABEL)

    assert result.status == 0, result.text
    status = actions.sandbox.status(PREVIEW)
    assert actions.sandbox.seen(PREVIEW) == (status["release"],) * 3
    assert status["release"] != before
    assert "<!-- second -->" in page(actions)
    (comment,) = actions.github.said(21, "preview")
    assert f"`{status['release']}`" in comment


def test_a_sweep_destroys_what_was_missed_and_nothing_else(actions: Actions) -> None:
    """Here: half made by a run that died, of a pull request that was closed since."""
    stack = actions.sandbox.context.stack(HALF_MADE)
    stack._init()
    stack._run(["apply", "-auto-approve", "-target=aws_s3_bucket.site"], lambda _: None)
    actions.github.pulls[22] = actions.github.pulls[21] | {"state": "closed"}
    assert left(actions, HALF_MADE) != []
    release = actions.sandbox.status(PREVIEW)["release"]

    commit = git(actions.sandbox.root, "rev-parse", "main")
    result = actions.run("sweep.yml", "schedule", commit, {})

    assert result.status == 0, result.text
    assert left(actions, HALF_MADE) == []
    (comment,) = actions.github.said(22, "preview")
    assert "pr-22 is gone" in comment
    assert "because its pull request is closed" in comment
    assert actions.sandbox.seen(PREVIEW) == (release,) * 3
    assert actions.github.refused == []


def test_closing_destroys_it_also_what_an_interrupted_run_has_left(actions: Actions) -> None:
    before = lasting(actions)
    interrupted = actions.sandbox.start("destroy", PREVIEW, "--yes", PREVIEW)
    until(lambda: not distribution(actions)["Enabled"])
    interrupted.send_signal(signal.SIGINT)
    interrupted.communicate(timeout=60)
    assert left(actions, PREVIEW) != []

    result = happens(actions, "closed", *LABEL)

    assert result.status == 0, result.text
    assert left(actions, PREVIEW) == []
    (comment,) = actions.github.said(21, "preview")
    assert "pr-21 is gone" in comment
    assert "has not been made" in actions.sandbox.refused("status", PREVIEW)
    assert lasting(actions) == before


def root(actions: Actions, service: str) -> Any:
    """A client that sees all of the account."""
    sandbox, tools = actions.sandbox, find(ROOT)
    found = Emulator(sandbox.root / ".ship/emulator", tools.emulator_python, sandbox.port).root()
    return boto3.client(
        service,
        region_name="eu-central-1",
        endpoint_url=f"http://127.0.0.1:{sandbox.port}",
        aws_access_key_id=found.access_key_id,
        aws_secret_access_key=found.secret_access_key,
        config=Config(s3={"addressing_style": "path"}),
    )


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def distribution(actions: Actions) -> dict[str, Any]:
    listed = root(actions, "cloudfront").list_distributions()["DistributionList"]["Items"]
    found: dict[str, Any] = next(one for one in listed if one["Comment"].endswith(f" {PREVIEW}"))
    return found


def left(actions: Actions, environment: str) -> list[str]:
    """The names of all that the account holds of an environment."""
    return [name for name in names(actions) if environment in name]


def names(actions: Actions) -> Iterator[str]:
    """What there is of each kind that a stack is made of, and the states and locks."""

    def client(service: str) -> Any:
        return root(actions, service)

    edge = client("cloudfront")
    state = {"Bucket": f"serverless-flask-state-{ACCOUNT}"}
    yield from (one["Key"] for one in client("s3").list_objects_v2(**state)["Contents"])
    yield from (one["Name"] for one in client("s3").list_buckets()["Buckets"])
    yield from (one["FunctionName"] for one in client("lambda").list_functions()["Functions"])
    yield from (one["logGroupName"] for one in client("logs").describe_log_groups()["logGroups"])
    for page in client("ssm").get_paginator("describe_parameters").paginate():
        yield from (one["Name"] for one in page["Parameters"])
    yield from (one["AliasName"] for one in client("kms").list_aliases()["Aliases"])
    yield from (one["AlarmName"] for one in client("cloudwatch").describe_alarms()["MetricAlarms"])
    dashboards = client("cloudwatch").list_dashboards()["DashboardEntries"]
    yield from (one["DashboardName"] for one in dashboards)
    yield from (one["RoleName"] for one in client("iam").list_roles()["Roles"])
    yield from (one["Name"] for one in client("events").list_rules()["Rules"])
    yield from (one["Name"] for one in client("apigatewayv2").get_apis()["Items"])
    yield from (one["Comment"] for one in edge.list_distributions()["DistributionList"]["Items"])
    controls = edge.list_origin_access_controls()["OriginAccessControlList"]["Items"]
    yield from (one["Name"] for one in controls)
    caching = edge.list_cache_policies(Type="custom")["CachePolicyList"]["Items"]
    yield from (one["CachePolicy"]["CachePolicyConfig"]["Name"] for one in caching)
    headers = edge.list_response_headers_policies(Type="custom")["ResponseHeadersPolicyList"]
    for one in headers["Items"]:
        yield one["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["Name"]
